"""The DX edge code of 135 film: which stock, which frames.

Covers finding the rebate by its perforations, cutting it out straight, and what
several readings of a scan say together; a reader library (zxing-cpp, extra
``[dx]``) reads what was cut out. Nothing is said unless two codes at different
places agree, each other's distance included. Sources: US patents 4965628 and
5448049; ISO 1007.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.films.perforations import ACROSS, Row, bright, likely, rows

try:  # here and not where it is used: a confined worker can load nothing any more
    import zxingcpp
except ImportError:  # the extra [dx] is not installed
    zxingcpp = None  # type: ignore[assignment]

EDGE = 2.0  # mm from the film's edge to the perforations
BAND = (0.02, 1.92)  # mm beyond the perforations that are cut out
MARKS = 1.6  # mm beyond the perforations that have to be in view
FINE = 32.0  # pixels per mm of what is cut out, at most
TRACK = 0.33  # mm: half of a row of marks
MODULE = 13.0 / 31
WINDOW, STEP = 21.0, 5.5  # mm that are read at once, and from window to window
HALF_FRAME = 19.0  # mm from code to code
LEAST_CONTRAST, BORDER = 6, 24
AGREE = 1.2  # mm that a distance may be off, for each frame between
_TEXT = re.compile(r"(\d{1,3})-(\d{1,2})(?:/(\d{1,2})(A?))?")


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was read. ``half`` counts half frames, None where the code has no frame.

    ``place`` is mm along the film, in the direction of the picture.
    """

    dx: str
    half: int | None
    place: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class FilmEdge:
    """What a scan's edge says. ``frames`` as on the film, in their order: 12, 12A, 13."""

    dx: str
    frames: tuple[str, ...]
    mirrored: bool


def is_here() -> bool:
    """Whether the reader library is installed."""
    return zxingcpp is not None


def read(gray: NDArray[np.uint8]) -> FilmEdge | None:
    """Read the codes of a scan.

    Parameters
    ----------
    gray : ndarray of uint8, (rows, columns)
        The scan as stored, one channel, 20 to 110 pixels per mm of film; a larger
        code is brighter.

    Returns
    -------
    FilmEdge or None
        None where no rebate is in view, or its codes do not agree.
    """
    if not is_here():
        return None
    turned = [turns for turns in (0, 1) if likely(np.rot90(gray, turns))]
    if not turned:
        return None
    mask, step = bright(gray)
    for turns in turned:
        # cut to whole steps, so that a quarter turn of both keeps them on each other
        found = rows(np.rot90(mask, turns), step)
        picture = np.rot90(gray[: mask.shape[0] * step, : mask.shape[1] * step], turns)
        if not found:
            continue
        for row in found[:4]:
            for side in (1, -1):
                band, fine = straight(picture, row, side)
                if band is None:
                    continue
                for marks in (band, ~band):  # dense on negatives, clear on slides
                    edge = together(list(_codes(marks, fine)))
                    if edge is not None:
                        return edge
    return None


def together(codes: list[Code]) -> FilmEdge | None:
    """What several codes of one edge say; None unless two at different places agree.

    Codes agree that are of one film and direction and as far apart as their
    frames say. Those that do not have to be fewer; beside codes without a frame
    number, whose distance says less, there may be none.
    """
    apart = _apart(codes)
    group = max((_agreeing(apart, code) for code in apart), key=len, default=[])
    others = len(apart) - len(group)
    if len(group) < 2 or others >= len(group) or (others and group[0].half is None):
        return None
    halves = sorted(code.half for code in group if code.half is not None)
    return FilmEdge(group[0].dx, tuple(map(name, halves)), group[0].mirrored)


def _agreeing(apart: list[Code], first: Code) -> list[Code]:
    """Codes that agree with ``first``, itself included; one for each place."""
    group = [first]
    for code in apart:
        steps = (code.place - group[-1].place) / HALF_FRAME
        whole = round(steps)
        if code.place <= first.place or whole < 1 or abs(steps - whole) * HALF_FRAME > AGREE:
            continue
        if (code.dx, code.mirrored) != (first.dx, first.mirrored):
            continue
        if (code.half is None) is not (first.half is None):
            continue
        if code.half is not None and group[-1].half is not None:
            direction = -1 if first.mirrored else 1
            if code.half - group[-1].half != direction * whole:
                continue
        group.append(code)
    return group


def name(half: int) -> str:
    """The name of a half frame as films have it: 24 is 12, 25 is 12A."""
    return f"{half // 2}A" if half % 2 else str(half // 2)


def _apart(codes: list[Code]) -> list[Code]:
    """Each code once, however many windows it was read in; other readings of a place stay."""
    out: list[Code] = []
    for code in sorted(codes, key=lambda code: code.place):
        last = out[-1] if out else None
        same = last is not None and (last.dx, last.half, last.mirrored) == (
            code.dx, code.half, code.mirrored,
        )  # fmt: skip
        if last is None or not same or code.place - last.place > 3.0:
            out.append(code)
    return out


def _codes(band: NDArray[np.uint8], fine: float) -> Iterator[Code]:
    """Read the codes of a band of ``fine`` pixels per mm, window by window."""
    quiet = _quiet(band, fine)
    width = band.shape[1]
    window, step = round(WINDOW * fine), round(STEP * fine)
    for start in range(0, max(width - window // 2, 1), step):
        part = slice(start, start + window)
        if width - start < 12 * fine:
            break
        for code, middle, mirrored in _decode(band[:, part], quiet[:, part]):
            yield Code(code[0], code[1], (start + middle) / fine, mirrored)


def _quiet(band: NDArray[np.uint8], fine: float) -> NDArray[np.uint8]:
    """Without much of its grain: means over half a track's height, and a quarter of a module."""
    out = band.astype(np.float32)
    for axis, size in ((0, TRACK * fine), (1, MODULE / 4 * fine)):
        reach = max(int(size) // 2, 0)
        padded = np.pad(out, [(reach, reach) if n == axis else (0, 0) for n in (0, 1)], mode="edge")
        sums = np.cumsum(padded, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis)), sums], axis)
        count = 2 * reach + 1
        length = out.shape[axis]
        after = np.take(sums, np.arange(count, count + length), axis)
        out = ((after - np.take(sums, np.arange(length), axis)) / count).astype(np.float32)
    return np.rint(out).astype(np.uint8)


def straight(
    picture: NDArray[np.uint8], row: Row, side: int
) -> tuple[NDArray[np.uint8] | None, float]:
    """Cut out the rebate beyond a row of perforations, the film's edge below.

    Returns
    -------
    tuple of ndarray of uint8 (rows, columns) or None, and float
        The band, and its pixels per mm; None where it does not lie in the picture.
    """
    fine = min(FINE, row.scale)
    near, far = (ACROSS / 2 + off for off in BAND)
    down = np.arange(near, far, 1 / fine) * row.scale * side
    length = picture.shape[1] / row.scale
    along = np.arange(0, length, 1 / fine) * row.scale
    if side < 0:
        along, down = along[::-1], down[::1]
    angle = np.arctan(row.slope)
    across = row.y + row.slope * along
    y = across[np.newaxis, :] + down[:, np.newaxis] * np.cos(angle)
    x = along[np.newaxis, :] - down[:, np.newaxis] * np.sin(angle)
    # the film's very edge may be cut off: there are no marks
    needed = y[: max(1, round((MARKS - BAND[0]) * fine))]
    columns = ((needed >= 0) & (needed <= picture.shape[0] - 1)).all(axis=0)
    if columns.mean() * length < 12:
        return None, fine
    first, last = (int(np.argmax(columns)), len(columns) - int(np.argmax(columns[::-1])))
    y, x = y[:, first:last], np.clip(x[:, first:last], 0, picture.shape[1] - 1)
    return _sampled(picture, np.clip(y, 0, picture.shape[0] - 1), x, row.scale / fine), fine


def _sampled(
    picture: NDArray[np.uint8], y: NDArray[np.float64], x: NDArray[np.float64], step: float
) -> NDArray[np.uint8]:
    """Means of as many samples as a pixel of the band has of the picture's, along and across."""
    reach = max(1, min(round(step), 4))
    offsets = (np.arange(reach) - (reach - 1) / 2) * (step / reach)
    total = np.zeros(y.shape)
    for down in offsets:
        rows_ = np.clip(np.rint(y + down), 0, picture.shape[0] - 1).astype(np.intp)
        for across in offsets:
            columns = np.clip(np.rint(x + across), 0, picture.shape[1] - 1).astype(np.intp)
            total += picture[rows_, columns]
    return np.asarray(np.rint(total / reach**2), np.uint8)


def _decode(
    band: NDArray[np.uint8], quiet: NDArray[np.uint8]
) -> Iterator[tuple[tuple[str, int | None], float, bool]]:
    """Hand a piece of rebate to the reader: (number, half frame), middle, runs to the left."""
    fixed, local = zxingcpp.Binarizer.FixedThreshold, zxingcpp.Binarizer.LocalAverage
    for part, binarizer in ((quiet, fixed), (band, fixed), (band, local)):
        low, high = np.percentile(part[:, ::3], (2, 98))
        if high - low < LEAST_CONTRAST:
            return
        image = np.clip((part - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        border = np.full((image.shape[0], BORDER), np.median(image), np.uint8)
        found: list[Any] = zxingcpp.read_barcodes(
            np.ascontiguousarray(np.hstack([border, image, border])),
            formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.DXFilmEdge),
            try_rotate=False,
            binarizer=binarizer,
        )
        for code in found:
            parts = _TEXT.fullmatch(code.text)
            if code.valid and parts and int(parts[2]) < 16 and 0 < int(parts[1]) < 128:
                half = None if parts[3] is None else 2 * int(parts[3]) + bool(parts[4])
                corners = code.position.top_left, code.position.bottom_right
                middle = (corners[0].x + corners[1].x) / 2 - BORDER
                # right-reading with the film's edge below, a code begins at the left
                mirrored = abs(code.orientation) > 90
                yield (f"{int(parts[1])}-{int(parts[2])}", half), middle, mirrored
