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
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.films.numbering import Numbering
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
LONG_CODE, SHORT_CODE = 31, 23  # modules of a code with a frame number, and without
MODULE = 13.0 / LONG_CODE
CLOCK = (0.43, 0.9)  # mm beyond the perforations that surely belong to the clock
WINDOW, STEP = 21.0, 5.5  # mm that are read at once, and from window to window
HALF_FRAME = 19.0  # mm from code to code
LEAST_CONTRAST, BORDER = 6, 24
SAME_CODE = 3.0  # mm: readings so near each other are of one code
TOLERANCE = 1.2  # mm that a distance may be off, for each frame between
_TEXT = re.compile(r"(\d{1,3})-(\d{1,2})(?:/(\d{1,2})(A?))?")


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was read. ``half`` counts half frames, None where the code has no frame.

    ``position`` is mm along the film, in the direction of the picture.
    """

    dx: str
    half: int | None
    position: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A code in a piece of rebate; ``start`` and ``end`` are its ends along the film, in pixels."""

    dx: str
    half: int | None
    start: float
    end: float
    backwards: bool


@dataclass(frozen=True, slots=True)
class FilmEdge:
    """What a scan's edge says. ``frames`` as on the film, in their order: 12, 12A, 13.

    ``numbering`` says where frames lie; None for codes without frame numbers.
    """

    dx: str
    frames: tuple[str, ...]
    mirrored: bool
    numbering: Numbering | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Band:
    """A piece of rebate, the film's edge below: ``fine`` pixels for each mm.

    A place of ``mm`` lies at ``start + mm * step`` pixels of the picture, along the film.
    """

    pixels: NDArray[np.uint8]
    fine: float
    start: float
    step: float


def is_installed() -> bool:
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
    if not is_installed():
        return None
    turned = [turns for turns in (0, 1) if likely(np.rot90(gray, turns))]
    if not turned:
        return None
    mask, step = bright(gray)
    for turns in turned:
        # cut to whole steps, so that a quarter turn of both keeps them on each other
        candidates = rows(np.rot90(mask, turns), step)
        picture = np.rot90(gray[: mask.shape[0] * step, : mask.shape[1] * step], turns)
        if not candidates:
            continue
        for row in candidates[:4]:
            for side in (1, -1):
                band = straighten(picture, row, side)
                if band is None:
                    continue
                for marks in (band.pixels, ~band.pixels):  # dense on negatives, clear on slides
                    edge = combine(list(_codes(marks, band.fine)))
                    if edge is not None:
                        return _placed(edge, band, upright=bool(turns), size=gray.shape)
    return None


def combine(codes: list[Code]) -> FilmEdge | None:
    """What several codes of one edge say; None unless two at different places agree.

    Codes agree that are of one film and direction and as far apart as their
    frames say. Those that do not have to be fewer; beside codes without a frame
    number, whose distance says less, there may be none.

    Parameters
    ----------
    codes : list of Code
        All that was read along one edge, in any order and any number of times.

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
    """Where half frame 0 would be, in mm of the band, and how far it is to the next."""
    step = -HALF_FRAME if group[0].mirrored else HALF_FRAME
    zeros = [code.position - step * code.half for code in group if code.half is not None]
    return Numbering(upright=False, zero=sum(zeros) / len(zeros), step=step) if zeros else None


def _placed(edge: FilmEdge, band: Band, *, upright: bool, size: tuple[int, ...]) -> FilmEdge:
    """Turn mm of the band into parts of the scan."""
    along = edge.numbering
    if along is None:
        return edge
    length = size[0] if upright else size[1]
    zero, step = (band.start + along.zero * band.step) / length, along.step * band.step / length
    return replace(edge, numbering=Numbering(upright, zero, step))


def _agreeing(distinct: list[Code], first: Code) -> list[Code]:
    """Codes that agree with ``first``, itself included; one for each place."""
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
    """Return the number of a half frame as films show it: 24 is 12, 25 is 12A.

    Parameters
    ----------
    half : int
        Number of the half frame.
    """
    return f"{half // 2}A" if half % 2 else str(half // 2)


def _distinct(codes: list[Code]) -> list[Code]:
    """Keep each code once, however many windows it was read in; other readings of a place stay."""
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
    """Return the band with less grain: means over a quarter of a track and of a module."""
    out = band.astype(np.float32)
    for axis, size in ((0, TRACK / 2 * fine), (1, MODULE / 4 * fine)):
        reach = max(int(size) // 2, 1)
        padded = np.pad(out, [(reach, reach) if n == axis else (0, 0) for n in (0, 1)], mode="edge")
        length = out.shape[axis]
        shifted = [np.take(padded, range(at, at + length), axis) for at in range(2 * reach + 1)]
        out = np.asarray(sum(shifted) / np.float32(len(shifted)), np.float32)
    return out


def straighten(picture: NDArray[np.uint8], row: Row, side: int) -> Band | None:
    """Cut out the rebate beyond a row of perforations, the film's edge below.

    Parameters
    ----------
    picture : ndarray of uint8, (rows, columns)
    row : Row
        Of perforations, across the picture.
    side : {1, -1}
        The rebate below the row, or above it.

    Returns
    -------
    Band or None
        None where it does not lie in the picture.
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
        return None
    first, last = (int(np.argmax(columns)), len(columns) - int(np.argmax(columns[::-1])))
    y, x = y[:, first:last], np.clip(x[:, first:last], 0, picture.shape[1] - 1)
    y = np.clip(y, 0, picture.shape[0] - 1)
    pixels = _sampled(picture, y, x, row.scale / fine)
    return Band(pixels, fine, float(along[first]), row.scale * side)


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
    band: NDArray[np.uint8], smoothed: NDArray[np.float32], fine: float
) -> Iterator[Reading]:
    """Hand a piece of rebate to the reader, in three forms."""
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
    """Add a border, so that the middle row of the image lies on the clock.

    The reader takes rows from the middle one down, and wants the clock before the data.
    """
    above = image.shape[0] - 2 * round((CLOCK[0] + 0.1 - BAND[0]) * fine)
    return np.pad(
        image,
        ((max(above, 0), 0), (BORDER, BORDER)),
        constant_values=int(np.median(image)),
    )


def _doubled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge to twice the size, with means between pixels."""
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
    """Return what the reader says of a code, in pixels of the band; None where it is none."""
    parts = _TEXT.fullmatch(code.text)
    if not code.valid or not parts or int(parts[2]) > 15 or not 0 < int(parts[1]) < 128:
        return None
    half = None if parts[3] is None else 2 * int(parts[3]) + bool(parts[4])
    ends = sorted((code.position.top_left.x, code.position.bottom_right.x))
    start, end = ((x - BORDER) / factor for x in ends)
    # right-reading with the film's edge below, a code begins at the left
    backwards = abs(code.orientation) > 90
    return Reading(f"{int(parts[1])}-{int(parts[2])}", half, start, end, backwards)


def _clock_runs_along(code: Reading, smoothed: NDArray[np.float32], fine: float) -> bool:
    """Return whether the clock beside a code runs in the direction in which it was read.

    A clock begins with five dark modules and ends with three; one code in sixty can be
    read backwards as another valid one (measured), and the reader lets some pass.
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
