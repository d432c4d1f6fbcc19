"""Compute a flat field: the map of a light, from a picture of it without film.

Covers block means of linear light while the picture is read, separation of light and
holder, removal of dust and hair, the smooth map, and figures that reveal a picture which
is not one of a light. Applying the map to a scan is in
:mod:`divere_cli.develop.flat_field`.

Dust is searched in the residual of a trend: in the picture itself the falloff at the
border would be taken for dust (measured errors: 0.02 to 0.06 density at a falloff of 2 EV).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import smoothing
from divere_cli.develop.flat_field import LEAST_GAIN, MOST_GAIN

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BLOCKS = 512  # number along the longer side
CELL = 4  # blocks of a cell of the map, along each side
CLIPPED = 0.998  # of full scale
FAINTEST = 1e-6
LIGHT_SHARE = 0.12  # share of the center's light: 3 EV below it is holder
OPENED, SHRUNK = 2, 3  # blocks
CENTER = 0.1  # of the area
TREND_DEGREE, MAP_DEGREE = 6, 4
ROUNDS, OUTLIER = 4, 3.0
DUST_WINDOW, DUST_RANK, DUST_SIGMA = 11, 0.6, 2.0
DUST, DUST_GROWN = 0.01, 2  # ln of light; blocks
NOISE = 4.0  # robust sigmas, at least, of dust: small pictures have few pixels per block
CELL_SHARE = 0.25  # share of clean blocks that a cell needs
FILL = (1.0, 2.0, 4.0, 8.0, 16.0)
SMOOTH = 0.5
LEAST_WEIGHT = 0.02


class Blocks:
    """Collects means of blocks from bands of linear light.

    Parameters
    ----------
    width, height : int
        Size of the picture.
    channels : int
        1 or 3.
    """

    def __init__(self, width: int, height: int, channels: int) -> None:
        self.width, self.height = width, height
        self.side = max(1, -(-max(width, height) // BLOCKS))
        self._starts = np.arange(0, width, self.side)
        across = np.diff(np.append(self._starts, width))
        down = np.diff(np.append(np.arange(0, height, self.side), height))
        self._pixels = down[:, None] * across[None, :]
        self._sums: Floats = np.zeros((len(down), len(across), channels))
        self._clipped = 0

    def add(self, first: int, band: NDArray[Any]) -> None:
        """Add rows of light, float32 in 0..1."""
        self._clipped += int((band >= CLIPPED).any(axis=2).sum())
        rows = np.add.reduceat(band, self._starts, axis=1, dtype=np.float64)
        np.add.at(self._sums, np.arange(first, first + len(band)) // self.side, rows)

    @property
    def means(self) -> Floats:
        return np.asarray(self._sums / self._pixels[..., None])

    @property
    def clipped(self) -> float:
        """Share of pixels with a clipped channel."""
        return self._clipped / (self.width * self.height)


@dataclass(frozen=True)
class Light:
    """The measured light.

    Attributes
    ----------
    gain : ndarray
        ``(rows, columns, channels)``: correcting factors at the centers of the cells, with
        a ring of cells beyond the border of the picture.
    across, down : float
        Sides of a cell, as shares of the picture's width and height.
    level : ndarray
        Light in the center by channel, 0 to 1.
    clipped : float
        Share of pixels clipped.
    dust : float
        Share of the light's area that was classified as dust and left out.
    pattern : float
        99th percentile of the residual of a smooth trend, ln: large for film or a pattern.
    shown : float
        Share of the picture that is light; the rest is holder.
    beyond : float
        Share of the light whose gain is outside the range of a map, and was clipped.
    aspect : float
        Width over height.
    """

    gain: Floats
    across: float
    down: float
    level: Floats
    clipped: float
    dust: float
    pattern: float
    lit_share: float
    beyond: float
    aspect: float
    lit: Bools = field(repr=False)


def measure(blocks: Blocks) -> Light:
    """Return the map of a light.

    Parameters
    ----------
    blocks : Blocks
        The picture of the light as a grid of blocks.

    Returns
    -------
    Light
        ``gain`` is R / L: R is the median of the central tenth of the area, so that
        tint and level of the center stay as they are.
    """
    means = blocks.means
    log = np.log(np.maximum(means, FAINTEST))
    level = _center(means)
    lit = _lit(means.mean(axis=2), float(level.mean()))
    y, x = _places(*lit.shape)
    mean = log.mean(axis=2)
    trend, used = _trend(mean, lit, x, y)
    residual = np.where(lit, mean - trend, 0.0)
    dust = _dust(residual, lit)
    clean = lit & ~dust
    gain = _map(log, clean, lit, np.log(np.maximum(level, FAINTEST)))
    pattern = (
        float(np.quantile(np.abs(residual[used & ~dust]), 0.99)) if (used & ~dust).any() else 0.0
    )
    side = blocks.side * CELL
    return Light(
        gain=gain,
        across=side / blocks.width,
        down=side / blocks.height,
        level=level,
        clipped=blocks.clipped,
        dust=float(dust.sum() / max(1, lit.sum())),
        pattern=pattern,
        lit_share=float(lit.mean()),
        beyond=_beyond(gain, lit),
        aspect=blocks.width / blocks.height,
        lit=lit,
    )


def _beyond(gain: Floats, lit: Bools) -> float:
    outside: Bools = np.asarray(((gain < LEAST_GAIN) | (gain > MOST_GAIN)).any(axis=2))
    cut = outside[1:-1, 1:-1]
    blocks = np.repeat(np.repeat(cut, CELL, 0), CELL, 1)[: lit.shape[0], : lit.shape[1]]
    return float((blocks & lit).sum() / max(1, lit.sum()))


def _center(means: Floats) -> Floats:
    rows, columns = means.shape[:2]
    side = CENTER**0.5
    top, left = round(rows * (1 - side) / 2), round(columns * (1 - side) / 2)
    part = means[top : max(rows - top, top + 1), left : max(columns - left, left + 1)]
    return np.asarray(np.median(part.reshape(-1, means.shape[2]), axis=0))


def _lit(mean: Floats, level: float) -> Bools:
    bright = mean > LIGHT_SHARE * level
    opened = smoothing.grown(smoothing.shrunk(bright, OPENED), OPENED) & bright
    inner = smoothing.shrunk(opened, SHRUNK)
    return inner if inner.any() else np.ones_like(bright)


def _places(rows: int, columns: int) -> tuple[Floats, Floats]:
    """Return row and column coordinates of the blocks; the longer side is from -1 to 1."""
    scale = 2.0 / max(rows, columns)
    down = np.arange(rows) - (rows - 1) / 2
    across = np.arange(columns) - (columns - 1) / 2
    return np.asarray(down * scale), np.asarray(across * scale)


def _basis(x: Floats, y: Floats, degree: int) -> Floats:
    """Return polynomials of x and y up to a total degree: ``(rows, columns, terms)``."""
    across = np.polynomial.legendre.legvander(x, degree)
    down = np.polynomial.legendre.legvander(y, degree)
    pairs = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.stack([down[:, j, None] * across[None, :, i] for i, j in pairs], axis=2)


def _fit(basis: Floats, values: Floats) -> Floats:
    """Return the least-squares coefficients; values may have channels."""
    square = basis.T @ basis
    square += np.eye(len(square)) * (1e-9 * np.trace(square) / len(square))
    return np.asarray(np.linalg.solve(square, basis.T @ values))


def _trend(mean: Floats, lit: Bools, x: Floats, y: Floats) -> tuple[Floats, Bools]:
    """Return a smooth surface, robust against dust, and the blocks used for it."""
    basis = _basis(x, y, TREND_DEGREE)
    used = lit.copy()
    surface = mean
    for _ in range(ROUNDS):
        surface = basis @ _fit(basis[used], mean[used])
        off = mean - surface
        middle = float(np.median(off[lit]))
        spread = 1.4826 * float(np.median(np.abs(off[lit] - middle)))
        used = lit & (np.abs(off - middle) <= OUTLIER * max(spread, 1e-5))
    return surface, used


def _dust(residual: Floats, lit: Bools) -> Bools:
    filled = smoothing.filled(residual, lit, FILL, LEAST_WEIGHT)
    background = smoothing.percentile(filled, DUST_WINDOW, DUST_RANK)
    background = smoothing.gaussian(background, DUST_SIGMA)
    off = np.abs(filled - background)
    noise = 1.4826 * float(np.median(off[lit])) if lit.any() else 0.0
    dust = lit & (off > max(DUST, NOISE * noise))
    return smoothing.grown(dust, DUST_GROWN) & lit


def _map(log: Floats, clean: Bools, lit: Bools, level: Floats) -> Floats:
    """Return the gain at the centers of the cells, with a ring beyond the border."""
    y, x = _places(*lit.shape)
    use = clean if clean.sum() > 64 else lit
    fitted = _fit(_basis(x, y, MAP_DEGREE)[use], log[use])
    rows, columns = -(-lit.shape[0] // CELL), -(-lit.shape[1] // CELL)
    residual = log - _basis(x, y, MAP_DEGREE) @ fitted
    sums, counts = _cells(residual * use[..., None]), _cells(use[..., None].astype(np.float64))
    reliable = counts[..., 0] >= CELL_SHARE * CELL * CELL
    cells = sums / np.maximum(counts, 1.0)
    # Farther out than the last sigma the residual is unknown: only the trend is used.
    filled = smoothing.filled(cells, reliable, FILL, LEAST_WEIGHT)
    filled, _ = smoothing.weighted(filled, np.ones(filled.shape[:2]), SMOOTH)
    step = CELL * 2.0 / max(lit.shape)
    down = y[0] + (np.arange(-1, rows + 1) + 0.5) * step - step / CELL / 2
    across = x[0] + (np.arange(-1, columns + 1) + 0.5) * step - step / CELL / 2
    trend = _basis(across, down, MAP_DEGREE) @ fitted
    within = (_basis(x, y, MAP_DEGREE) @ fitted)[lit]
    trend = np.where(
        _ringed(reliable)[..., None], trend, np.clip(trend, within.min(axis=0), within.max(axis=0))
    )
    filled = np.pad(filled, [(1, 1), (1, 1), (0, 0)], mode="edge")
    return np.asarray(np.exp(level - trend - filled))


def _ringed(reliable: Bools) -> Bools:
    return np.pad(reliable, 1, mode="edge")


def _cells(blocks: Floats) -> Floats:
    """Return sums of blocks over cells."""
    rows, columns = blocks.shape[:2]
    part = np.add.reduceat(blocks, np.arange(0, rows, CELL), axis=0)
    return np.asarray(np.add.reduceat(part, np.arange(0, columns, CELL), axis=1))
