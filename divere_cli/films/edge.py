"""Read the DX edge codes of 135 film: the number of the stock, and frame numbers.

Covers finding the rebate by its perforations, straightening it, and combining several codes
of a scan. A reader library (zxing-cpp, extra ``[dx]``) reads each code. A result needs two
codes at different positions that agree, and whose distance agrees with their frame numbers.
Sources: US patents 4965628 and 5448049; ISO 1007.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.films.numbering import Numbering
from divere_cli.films.perforations import ACROSS, Row, bright, likely, rows

try:  # at import: a confined worker cannot load a library later
    import zxingcpp
except ImportError:  # the extra [dx] is not installed
    zxingcpp = None  # type: ignore[assignment]

BAND = (0.02, 1.92)  # mm beyond the perforations: the band that is cut out
MARKS = 1.6  # mm beyond the perforations that must be in view
FINE = 32.0  # most pixels per mm of the band
TRACK = 0.33  # mm: half of a row of marks
LONG_CODE, SHORT_CODE = 31, 23  # modules of a code with a frame number, and without
MODULE = 13.0 / LONG_CODE
CLOCK = (0.43, 0.9)  # mm beyond the perforations: inside the row of the clock
WINDOW, STEP = 21.0, 5.5  # mm: length of the window that is read, and its step
HALF_FRAME = 19.0  # mm from code to code
LEAST_CONTRAST, BORDER = 6, 24
SAME_CODE = 3.0  # mm: readings within this distance are of one code
TOLERANCE = 1.2  # mm by which the distance of two codes may differ from theirs by number
_TEXT = re.compile(r"(\d{1,3})-(\d{1,2})(?:/(\d{1,2})(A?))?")


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its position along the film.

    ``half`` counts half frames; None if the code has no frame number. ``position`` is in mm
    along the film, in the direction of the picture.
    """

    dx: str
    half: int | None
    position: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A code in a window of the rebate; ``start`` and ``end`` are in pixels along the film."""

    dx: str
    half: int | None
    start: float
    end: float
    backwards: bool


@dataclass(frozen=True, slots=True)
class FilmEdge:
    """The combined codes of a scan.

    ``frames`` are written as on the film, in order: 12, 12A, 13. ``numbering`` has their
    positions along the film; None for codes without frame numbers.
    """

    dx: str
    frames: tuple[str, ...]
    mirrored: bool
    numbering: Numbering | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Band:
    """A piece of rebate with the film's edge at the bottom; ``fine`` pixels per mm.

    Position ``mm`` in it is at ``start + mm * step`` pixels of the picture, along the film.
    """

    pixels: NDArray[np.uint8]
    fine: float
    start: float
    step: float


def is_installed() -> bool:
    """Return whether the reader library is installed."""
    return zxingcpp is not None


def read(gray: NDArray[np.uint8]) -> FilmEdge | None:
    """Read the codes of a scan.

    Parameters
    ----------
    gray : ndarray of uint8, (rows, columns)
        One channel of the scan as stored, 20 to 110 pixels per mm of film; larger
        values are brighter.

    Returns
    -------
    FilmEdge or None
        None if no rebate is in view, or its codes do not agree.
    """
    if not is_installed():
        return None
    turned = [turns for turns in (0, 1) if likely(np.rot90(gray, turns))]
    if not turned:
        return None
    mask, step = bright(gray)
    for turns in turned:
        # cropped to whole steps: after a quarter turn, mask and picture still match
        candidates = rows(np.rot90(mask, turns), step)
        picture = np.rot90(gray[: mask.shape[0] * step, : mask.shape[1] * step], turns)
        if not candidates:
            continue
        for row in candidates[:4]:
            for side in (1, -1):
                band = straighten(picture, row, side)
                if band is None:
                    continue
                for marks in (
                    band.pixels,
                    ~band.pixels,
                ):  # dark marks on negatives, clear ones on slides
                    edge = combine(list(_codes(marks, band.fine)))
                    if edge is not None:
                        return _placed(edge, band, upright=bool(turns), size=gray.shape)
    return None


def combine(codes: list[Code]) -> FilmEdge | None:
    """Combine the codes of one edge; None unless two at different positions agree.

    Codes agree if they have the same stock and direction, and a distance that fits their
    frame numbers. Codes that do not agree must be fewer. Beside codes without frame numbers,
    whose distance proves less, there must be no others.

    Parameters
    ----------
    codes : list of Code
        All codes that were read along one edge, in any order; repeats are allowed.

    Returns
    -------
    FilmEdge or None
        Its numbering is in mm of the band, across the picture.
    """
    distinct = _distinct(codes)
    group = max((_agreeing(distinct, code) for code in distinct), key=len, default=[])
    conflicting = len(distinct) - len(group)
    if len(group) < 2 or conflicting >= len(group) or (conflicting and group[0].half is None):
        return None
    halves = sorted(code.half for code in group if code.half is not None)
    return FilmEdge(
        group[0].dx, tuple(map(half_frame_name, halves)), group[0].mirrored, _numbering(group)
    )


def _numbering(group: list[Code]) -> Numbering | None:
    """Return the position of half frame 0 in mm of the band, and the step to the next one."""
    step = -HALF_FRAME if group[0].mirrored else HALF_FRAME
    zeros = [code.position - step * code.half for code in group if code.half is not None]
    return Numbering(upright=False, zero=sum(zeros) / len(zeros), step=step) if zeros else None


def _placed(edge: FilmEdge, band: Band, *, upright: bool, size: tuple[int, ...]) -> FilmEdge:
    """Convert mm of the band to shares of the scan's width or height."""
    along = edge.numbering
    if along is None:
        return edge
    length = size[0] if upright else size[1]
    zero, step = (band.start + along.zero * band.step) / length, along.step * band.step / length
    return replace(edge, numbering=Numbering(upright, zero, step))


def _agreeing(distinct: list[Code], first: Code) -> list[Code]:
    """Return the codes that agree with ``first``, and ``first``; one for each position."""
    group = [first]
    for code in distinct:
        steps = (code.position - group[-1].position) / HALF_FRAME
        count = round(steps)
        if (
            code.position <= first.position
            or count < 1
            or abs(steps - count) * HALF_FRAME > TOLERANCE
        ):
            continue
        if (code.dx, code.mirrored) != (first.dx, first.mirrored):
            continue
        if (code.half is None) is not (first.half is None):
            continue
        if code.half is not None and group[-1].half is not None:
            direction = -1 if first.mirrored else 1
            if code.half - group[-1].half != direction * count:
                continue
        group.append(code)
    return group


def half_frame_name(half: int) -> str:
    """Return a half frame as films number it: 24 is ``12``, 25 is ``12A``.

    Parameters
    ----------
    half : int
        Number of the half frame.
    """
    return f"{half // 2}A" if half % 2 else str(half // 2)


def _distinct(codes: list[Code]) -> list[Code]:
    """Remove repeats of a code from several windows; different codes at a position stay."""
    out: list[Code] = []
    for code in sorted(codes, key=lambda code: code.position):
        is_repeat = any(
            (last.dx, last.half, last.mirrored) == (code.dx, code.half, code.mirrored)
            for last in out
            if code.position - last.position <= SAME_CODE
        )
        if not is_repeat:
            out.append(code)
    return out


def _codes(band: NDArray[np.uint8], fine: float) -> Iterator[Code]:
    """Read the codes of a band of ``fine`` pixels per mm, window by window."""
    smoothed = _smoothed(band, fine)
    width = band.shape[1]
    window, step = round(WINDOW * fine), round(STEP * fine)
    for start in range(0, max(width - window // 2, 1), step):
        part = slice(start, start + window)
        if width - start < 12 * fine:
            break
        for code in _decode(band[:, part], smoothed[:, part], fine):
            middle = start + (code.start + code.end) / 2
            yield Code(code.dx, code.half, middle / fine, code.backwards)


def _smoothed(band: NDArray[np.uint8], fine: float) -> NDArray[np.float32]:
    """Reduce grain by means over a quarter of a row of marks and a quarter of a module."""
    out = band.astype(np.float32)
    for axis, size in ((0, TRACK / 2 * fine), (1, MODULE / 4 * fine)):
        reach = max(int(size) // 2, 1)
        padded = np.pad(out, [(reach, reach) if n == axis else (0, 0) for n in (0, 1)], mode="edge")
        length = out.shape[axis]
        shifted = [np.take(padded, range(at, at + length), axis) for at in range(2 * reach + 1)]
        out = np.asarray(sum(shifted) / np.float32(len(shifted)), np.float32)
    return out


def straighten(picture: NDArray[np.uint8], row: Row, side: int) -> Band | None:
    """Cut out and straighten the rebate beside a row of perforations, film edge at the bottom.

    Parameters
    ----------
    picture : ndarray of uint8, (rows, columns)
    row : Row
        A row of perforations across the picture.
    side : {1, -1}
        1 for the rebate below the row, -1 for that above it.

    Returns
    -------
    Band or None
        None if it is outside of the picture.
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
    # the outermost part of the film has no marks and may be cut off
    needed = y[: max(1, round((MARKS - BAND[0]) * fine))]
    columns = ((needed >= 0) & (needed <= picture.shape[0] - 1)).all(axis=0)
    if columns.mean() * length < 12:
        return None
    first, last = (int(np.argmax(columns)), len(columns) - int(np.argmax(columns[::-1])))
    y, x = y[:, first:last], np.clip(x[:, first:last], 0, picture.shape[1] - 1)
    y = np.clip(y, 0, picture.shape[0] - 1)
    pixels = _sampled(picture, y, x, row.scale / fine)
    return Band(pixels, fine, float(along[first]), row.scale * side)


def _sampled(
    picture: NDArray[np.uint8], y: NDArray[np.float64], x: NDArray[np.float64], step: float
) -> NDArray[np.uint8]:
    """Sample the picture: each pixel of the band is the mean of the pixels that it covers."""
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
    band: NDArray[np.uint8], smoothed: NDArray[np.float32], fine: float
) -> Iterator[Reading]:
    """Read a window of the rebate in three forms: smoothed, smoothed and doubled, as it is."""
    fixed, local = zxingcpp.Binarizer.FixedThreshold, zxingcpp.Binarizer.LocalAverage
    for part, factor, binarizer in ((smoothed, 1, fixed), (smoothed, 2, local), (band, 1, fixed)):
        low, high = np.percentile(part[:, ::3], (2, 98))
        if high - low < LEAST_CONTRAST:
            return
        image = np.clip((part - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        image = _doubled(image) if factor == 2 else image
        results: list[Any] = zxingcpp.read_barcodes(
            _framed(image, fine * factor),
            formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.DXFilmEdge),
            try_rotate=False,
            binarizer=binarizer,
        )
        for code in results:
            reading = _reading(code, factor)
            if reading is not None and _clock_runs_along(reading, smoothed, fine):
                yield reading


def _framed(image: NDArray[np.uint8], fine: float) -> NDArray[np.uint8]:
    """Add a border so that the middle row of the image is on the clock.

    The reader scans rows from the middle down, and needs the clock before the data.
    """
    above = image.shape[0] - 2 * round((CLOCK[0] + 0.1 - BAND[0]) * fine)
    return np.pad(
        image,
        ((max(above, 0), 0), (BORDER, BORDER)),
        constant_values=int(np.median(image)),
    )


def _doubled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge to twice the size by linear interpolation."""
    for axis in (0, 1):
        padded = np.pad(image, [(1, 1) if n == axis else (0, 0) for n in (0, 1)], mode="edge")
        wide = padded.astype(np.uint16)
        length = image.shape[axis]
        before, here, after = (np.take(wide, range(at, at + length), axis) for at in range(3))
        pairs = np.stack([(before + 3 * here + 2) // 4, (3 * here + after + 2) // 4], axis + 1)
        shape = [2 * side if n == axis else side for n, side in enumerate(image.shape)]
        image = pairs.reshape(shape).astype(np.uint8)
    return image


def _reading(code: Any, factor: int) -> Reading | None:
    """Return a code of the reader library with positions in pixels of the band; None if invalid."""
    parts = _TEXT.fullmatch(code.text)
    if not code.valid or not parts or int(parts[2]) > 15 or not 0 < int(parts[1]) < 128:
        return None
    half = None if parts[3] is None else 2 * int(parts[3]) + bool(parts[4])
    ends = sorted((code.position.top_left.x, code.position.bottom_right.x))
    start, end = ((x - BORDER) / factor for x in ends)
    # on a right-reading scan with the film's edge at the bottom, a code begins at the left
    backwards = abs(code.orientation) > 90
    return Reading(f"{int(parts[1])}-{int(parts[2])}", half, start, end, backwards)


def _clock_runs_along(code: Reading, smoothed: NDArray[np.float32], fine: float) -> bool:
    """Return whether the clock beside a code has the direction in which the code was read.

    A clock begins with five dark modules and ends with three. One code in sixty can be read
    backwards as another valid code (measured), and the reader accepts some of these.
    """
    top, bottom = (round((edge - BAND[0]) * fine) for edge in CLOCK)
    modules = LONG_CODE if code.half is not None else SHORT_CODE
    size = (code.end - code.start) / modules
    means = []
    for module in (3.5, modules - 3.5):
        middle = code.start + module * size
        part = smoothed[top:bottom, max(int(middle - size / 4), 0) : int(middle + size / 4) + 1]
        if not part.size:
            return False
        means.append(float(part.mean()))
    return (means[0] > means[1]) is code.backwards
