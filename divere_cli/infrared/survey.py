"""Measurements of a whole scan that the search for its dust in bands needs.

Covers one pass over picture and infrared together: the shift of infrared, the
slope of the crosstalk, level and noise, whether infrared follows the picture, which tiles
have anything that stands out, and about how much of the picture that is. Memory:
a few samples for each block of pixels (blocks grow with the scan, so that their
number does not), and twelve squares of 256 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import crosstalk, find, register
from divere_cli.infrared.blur import inner
from divere_cli.infrared.density import density
from divere_cli.infrared.find import Noise, Tuning
from divere_cli.infrared.level import CELL, Level, cells, level
from divere_cli.infrared.marks import TILE, Marks, packed
from divere_cli.infrared.placement import Placement, sample
from divere_cli.infrared.places import places
from divere_cli.infrared.samples import SQUARE, Samples, Square

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bands = Iterator[tuple[int, NDArray[Any]]]

MOST_COVERED = 0.08
SIDE = 6  # tiles across the part of a square that filters do not shorten
SCREENED = 16  # rows of cells at once: what is screened at once stays small
# Bytes that are allocated and freed, untouched: after that glibc gives back less eagerly what is
# freed. Pages that go and come again cost a sixth of a survey's time (measured).
SLACK = 8_000_000
HOLDER = 0.4  # a level so far over the film's is a holder: black, and noise in few codes
# every place has a pixel of find.PEAK or more; less what one red sample a block is off
SCREEN_SIGMAS, SCREEN_FLOOR = 4.0, 0.85 * find.PEAK


@dataclass(frozen=True, slots=True)
class Findings:
    """Results of a survey.

    ``placement`` has the measured shift, ``moved`` is whether there was a reliable one.
    ``tiles`` (down, across) are those of :data:`TILE` pixels that may hold a defect. ``share`` is
    about how much of the picture is covered.
    """

    placement: Placement
    moved: bool
    slope: float
    level: Level
    noise: Noise
    silver: bool
    tiles: NDArray[np.bool_]
    share: float

    @property
    def too_much(self) -> bool:
        return self.share > MOST_COVERED


def survey(color: Bands, infrared: Bands, placement: Placement, tuning: Tuning) -> Findings:
    """Measure a scan.

    Parameters
    ----------
    color : iterator of (int, ndarray)
        Bands of (rows, width, 1 or 3), uint8, uint16 or float32.
    infrared : iterator of (int, ndarray)
        Bands of (rows, width, 1), uint8 or uint16.
    placement : Placement
        The sizes of both, without a shift; infrared is as large or half as large.
    tuning : Tuning

    Returns
    -------
    Findings
    """
    np.empty(SLACK, np.uint8)
    samples = Samples(placement)
    samples.take(color, infrared)
    squares = samples.squares()
    shift = _shift(samples, placement)
    placed = replace(placement, shift=shift or (0.0, 0.0))
    pairs = [_pair(square, placed) for square in squares]
    raw = crosstalk.slope([_clear(pair) for pair in pairs])
    slope = min(raw, crosstalk.MOST)
    plain = samples.plain(slope)
    slow_level = level(plain)
    excesses = [
        _gate(square, pair, slope, slow_level) for square, pair in zip(squares, pairs, strict=True)
    ]
    noise = _noise(excesses)
    tuning = tuning.at(placement.ratio)
    limit = max(SCREEN_SIGMAS * noise.plain, SCREEN_FLOOR * tuning.contrast) * tuning.factor
    blocks = _screened(samples, placed, slope, slow_level, limit)
    return Findings(
        placement=placed,
        moved=shift is not None,
        slope=slope,
        level=slow_level,
        noise=noise,
        silver=crosstalk.is_silver(raw, plain, cells(samples.green(), 2 * samples.step)),
        tiles=_tiles(blocks, samples.step),
        share=_share(blocks, squares, excesses, noise, tuning, samples.step),
    )


def _screened(
    samples: Samples, placed: Placement, slope: float, slow_level: Level, limit: float
) -> NDArray[np.bool_]:
    """Which blocks have a pixel that stands out of infrared's level."""
    per_block = CELL // samples.step
    dark = np.median(slow_level.cells) + np.float32(HOLDER)
    parts = []
    for first in range(0, len(slow_level.cells), SCREENED):
        rows = slice(first * per_block, (first + SCREENED) * per_block)
        lows, red = samples.lows(placed, rows), samples.red(rows)
        np.multiply(red, np.float32(slope), out=red)
        np.subtract(lows, red, out=lows)
        level_cells = slow_level.cells[first : first + SCREENED]
        levels = np.repeat(np.repeat(level_cells, per_block, 0), per_block, 1)
        levels = levels[: lows.shape[0], : lows.shape[1]]
        parts.append((lows > levels + np.float32(limit)) & (levels < dark))
    return np.concatenate(parts)


def _positions(placement: Placement) -> NDArray[np.float64]:
    """Where a square's pixels lie in its own infrared, by axis; (2, SQUARE)."""
    return np.stack([placement.positions(axis, 0, SQUARE) for axis in (0, 1)])


def _shift(samples: Samples, placement: Placement) -> tuple[float, float] | None:
    dust = [_marks(square, placement) for square in samples.dusty()]
    shift = register.shift(dust, dust=True)
    if shift is None:
        pairs = [_pair(square, placement) for square in samples.varied()]
        shift = register.shift(pairs, dust=False)
    return shift


def _marks(square: Square, placement: Placement) -> tuple[Floats, Floats]:
    plane = sample(density(square.infrared), *_positions(placement))
    brightest = square.color[..., 0]
    for channel in range(1, square.color.shape[-1]):
        brightest = np.maximum(brightest, square.color[..., channel])
    return plane, density(brightest)


def _pair(square: Square, placed: Placement) -> tuple[Floats, Floats]:
    plane = sample(density(square.infrared), *_positions(placed))
    return plane, density(square.color[..., 0])


def _clear(pair: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Without the border, where a shift repeats the last row."""
    border = register.REACH + 1
    return inner(pair[0], border), inner(pair[1], border)


def _gate(square: Square, pair: tuple[Floats, Floats], slope: float, slow_level: Level) -> Floats:
    """The gate of the tiles in the middle of a square, (tiles, side, side)."""
    infrared, red = _clear(pair)
    border = (SQUARE - len(red)) // 2 + find.RED
    side = SQUARE - 2 * border
    levels = slow_level.window(square.top + border, square.left + border, side, side)
    # densities are logarithms of light but for the sign
    excess = find.gate(-inner(infrared, find.RED), -red, slope) - levels
    # the tiles in the middle, each with what the filters look at around it
    cut = (len(excess) - SIDE * TILE) // 2 - find.REACH
    side = TILE + 2 * find.REACH
    boxes = np.lib.stride_tricks.sliding_window_view(inner(excess, cut), (side, side))
    return boxes[::TILE, ::TILE].reshape(-1, side, side)


def _noise(excesses: list[Floats]) -> Noise:
    if not excesses:
        return Noise(0.0, 0.0, 0.0)
    sigmas = []
    planes_of = zip(*(find.scales(excess) for excess in excesses), strict=True)
    for planes, unit in zip(planes_of, (1.0, find.FINE_UNIT, find.COARSE_UNIT), strict=True):
        per_block = [_robust(plane[:, ::4, ::4]) for plane in planes]
        sigmas.append(float(np.median(per_block)) / unit)
    return Noise(*sigmas)


def _robust(values: Floats) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _tiles(blocks: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """Tiles that hold a block or border on one within 4 pixels: where a place may end."""
    reach = -(-4 // step)
    near = find.dilate(np.pad(blocks, reach), reach)
    per_block = TILE // step
    down, across = -(-near.shape[0] // per_block), -(-near.shape[1] // per_block)
    padding = (down * per_block - near.shape[0], across * per_block - near.shape[1])
    padded = np.pad(near, ((0, padding[0]), (0, padding[1])))
    return np.asarray(padded.reshape(down, per_block, across, per_block).any(axis=(1, 3)))


def _share(
    blocks: NDArray[np.bool_],
    squares: list[Square],
    excesses: list[Floats],
    noise: Noise,
    tuning: Tuning,
    step: int,
) -> float:
    """About how much of the picture is covered: blocks, times what squares have for each."""
    standing_out, masked = 0, 0
    limits = find.limits(noise, tuning)
    for square, excess in zip(squares, excesses, strict=True):
        border = (SQUARE - SIDE * TILE) // 2
        down, across = (slice((at + border) // step, (at + SQUARE - border) // step)
                        for at in (square.top, square.left))  # fmt: skip
        standing_out += int(blocks[down, across].sum())
        masked += _masked(*find.hits(excess, limits))
    per_block = masked / standing_out if standing_out else float(step**2)
    return float(blocks.sum()) * per_block / (blocks.size * step**2)


def _masked(hits: Bools, peaks: Bools) -> int:
    """Count the pixels of places in the tiles of a square."""
    tiles = np.argwhere(np.ones((SIDE, SIDE), bool))
    marks = Marks(SIDE * TILE, SIDE * TILE, SIDE), Marks(SIDE * TILE, SIDE * TILE, SIDE)
    for bits, masks in zip(marks, (hits, peaks), strict=True):
        bits.put(tiles, packed(masks))
    return int(np.bitwise_count(places(*marks, tiles)).sum())
