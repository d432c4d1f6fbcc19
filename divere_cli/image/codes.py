"""Converts the codes in a file to the samples of a band.

Covers codes of any number of bits, another white than the largest code, color
palettes, YCbCr, and the black, white and linearization of a DNG. Integer codes
become 16 bits (8 where these are exact), each rounded once. A conversion is pure:
the same pixels whatever the height of a band, and any thread may run it.

Source: TIFF 6.0 sections 5, 8 and 21; DNG 1.7.1 chapter 5; ITU-R BT.601.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.reader import Tiff
from divere_cli.image.ifd.tags import Photometric, TiffTag
from divere_cli.image.layout import Levels, Page, Tag

Stored = NDArray[Any]
MOST_TABLE_BITS = 16
# warn if more than this share of a picture is above its white
TOLD_SHARE = 0.01


class Conversion(Protocol):
    """Turns stored codes into samples, band by band."""

    def apply(self, first: int, stored: Stored, out: Stored) -> None:
        """Fill ``out`` (rows, width, channels) from ``stored`` (rows, width, samples).

        ``first`` is the number of the first row in the stored picture.
        """

    def above_white(self) -> int:
        """Number of samples so far that were above white."""


class _Count:
    """A sum to which threads can add."""

    def __init__(self) -> None:
        self.total = 0
        self._turn = threading.Lock()

    def add(self, number: int) -> None:
        if number:
            with self._turn:
                self.total += number


class Table:
    """One 16-bit sample for each code, of all channels or of each."""

    def __init__(self, table: NDArray[Any], white: int | None = None) -> None:
        self._table = table  # (channels or 1, codes)
        self._white = white
        self._count = _Count()

    def apply(self, first: int, stored: Stored, out: Stored) -> None:
        last = self._table.shape[1] - 1
        if np.iinfo(stored.dtype).max > last:
            stored = np.minimum(stored, last)
        if self._white is not None:
            self._count.add(int(np.count_nonzero(stored > self._white)))
        if len(self._table) == 1:
            np.take(self._table[0], stored, out=out, mode="clip")
            return
        for channel, table in enumerate(self._table):
            out[:, :, channel] = table[stored[:, :, channel]]

    def above_white(self) -> int:
        return self._count.total


class Palette:
    """Looks up colors of a color map by index."""

    def __init__(self, colors: NDArray[np.uint16]) -> None:
        self._colors = colors  # (colors, 3)

    def apply(self, first: int, stored: Stored, out: Stored) -> None:
        index = stored[:, :, 0]
        if int(index.max(initial=0)) >= len(self._colors):
            raise CorruptInput("a pixel's index is not in the color map")
        np.take(self._colors, index, axis=0, out=out, mode="clip")

    def above_white(self) -> int:
        return 0


class Wide:
    """Rounds integers of more than 16 bits, and 64-bit floats, to 16 bits.

    As float32 they would differ from a 16-bit file of the same picture: code / 65535 is not exact
    in float32, and one sample in ten thousand would be graded to the next code.
    """

    def __init__(self, white: float, inverted: bool) -> None:
        self._white, self._inverted = white, inverted

    def apply(self, first: int, stored: Stored, out: Stored) -> None:
        integers = stored.dtype.kind == "u"
        codes = np.multiply(
            np.minimum(stored, int(self._white)) if integers else stored,
            65535 / self._white,
            dtype=np.float64 if integers else np.float32,
        )
        if not integers:
            np.clip(codes, 0, 65535, out=codes)
        if self._inverted:
            np.subtract(65535, codes, out=codes)
        out[:] = np.rint(codes, out=codes)

    def above_white(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class YCbCr:
    """Converts 8- or 16-bit YCbCr to 16-bit RGB."""

    coefficients: tuple[float, float, float]
    black_white: tuple[float, ...]  # of Y, Cb, Cr, in codes
    full: int

    def apply(self, first: int, stored: Stored, out: Stored) -> None:
        codes = stored.astype(np.float32)
        b, half = self.black_white, (self.full + 1) // 2
        luma = (codes[:, :, 0] - b[0]) / (b[1] - b[0])
        blue = (codes[:, :, 1] - b[2]) / (b[3] - b[2]) * (self.full - half) / self.full
        red = (codes[:, :, 2] - b[4]) / (b[5] - b[4]) * (self.full - half) / self.full
        of_red, of_green, of_blue = self.coefficients
        r = luma + red * (2 - 2 * of_red)
        b_ = luma + blue * (2 - 2 * of_blue)
        g = (luma - of_red * r - of_blue * b_) / of_green
        for channel, light in enumerate((r, g, b_)):
            out[:, :, channel] = np.rint(np.clip(light, 0, 1) * 65535)

    def above_white(self) -> int:
        return 0


class Linear:
    """Converts a DNG's codes to linear light, if black varies or samples are floats."""

    def __init__(self, black: Black, white: NDArray[np.float64], table: Stored | None) -> None:
        self._black, self._white, self._table = black, white, table
        self._count = _Count()

    def apply(self, first: int, stored: Stored, out: Stored) -> None:
        codes: Stored = stored
        if self._table is not None:
            codes = self._table[np.minimum(stored, len(self._table) - 1)]
        self._count.add(int(np.count_nonzero(codes > self._white)))
        # in place: fresh memory for each step took four times as long
        black = self._black.rows(first, *codes.shape[:2])
        light = np.subtract(codes, black, dtype=np.float32)
        light /= np.subtract(self._white.astype(np.float32), black)
        np.clip(light, 0, 1, out=light)
        if out.dtype.kind == "u":
            light *= 65535
            np.rint(light, out=light)
        out[:] = light

    def above_white(self) -> int:
        return self._count.total


@dataclass(frozen=True, slots=True)
class Black:
    """The black level of each sample: a pattern plus offsets for each column and row."""

    pattern: NDArray[np.float64]  # (rows, columns, channels)
    columns: NDArray[np.float64] | None
    lines: NDArray[np.float64] | None
    origin: tuple[int, int]  # (top, left) of the active area

    @property
    def even(self) -> bool:
        """Whether it is the same at every position."""
        flat = bool((self.pattern == self.pattern[0, 0]).all())
        return flat and self.columns is None and self.lines is None

    def rows(self, first: int, rows: int, width: int) -> NDArray[np.float32]:
        """Return the black level of some rows, in a shape that broadcasts with them."""
        top, left = self.origin
        y, x = np.arange(first - top, first - top + rows), np.arange(-left, width - left)
        tall, wide = self.pattern.shape[:2]
        black = self.pattern.astype(np.float32)
        if tall > 1:
            black = black[y % tall]
        if wide > 1:
            black = black[:, x % wide]
        if self.columns is not None:
            black = black + _at(self.columns, x)[None, :, None]
        if self.lines is not None:
            black = black + _at(self.lines, y)[:, None, None]
        return black


def _at(values: NDArray[np.float64], places: NDArray[Any]) -> NDArray[np.float32]:
    inside = (places >= 0) & (places < len(values))
    values_at = np.where(inside, values[np.clip(places, 0, len(values) - 1)], 0.0)
    return values_at.astype(np.float32)


def conversion_of(page: Page, tiff: Tiff, channels: slice) -> Conversion | None:
    """Return the conversion of a page's codes; None if they need none.

    Parameters
    ----------
    page : Page
    tiff : Tiff
        The file, to read tables of which the page has only the offset.
    channels : slice
        Which samples of a pixel are read.

    Raises
    ------
    CorruptInput
        A table is missing, of the wrong length or not in the file.
    """
    inverted = page.photometric == Photometric.MIN_IS_WHITE
    if page.levels is not None:
        return _of_levels(page, page.levels, tiff, channels)
    if page.sample == "float":
        return Wide(1.0, inverted) if page.bits == 64 else None
    if page.photometric == Photometric.PALETTE and channels.start == 0:
        return Palette(_colors(page, tiff))
    if page.photometric == Photometric.YCBCR and _stored_as_ycbcr(page) and channels.start == 0:
        return _ycbcr(page, tiff)
    if page.bits > MOST_TABLE_BITS:
        return Wide(page.white or (1 << page.bits) - 1, inverted)
    if page.bits in (8, 16) and not page.white:
        return None
    return _scaled(page.bits, page.white, inverted)


def _scaled(bits: int, white: int, inverted: bool) -> Table:
    """Return codes divided by their white; 1, 2 and 4 bits are exact in 8 bits."""
    most = (1 << bits) - 1
    full = 255 if bits in (1, 2, 4) and not white else 65535
    codes = np.minimum(np.arange(1 << bits), white or most) / (white or most)
    table = np.rint((1 - codes if inverted else codes) * full)
    kind = np.uint8 if full == 255 else np.uint16
    return Table(table.astype(kind)[None], white or None)


def _stored_as_ycbcr(page: Page) -> bool:
    from divere_cli.image.tiff.checks import STREAMS

    return page.compression in STREAMS


def _colors(page: Page, tiff: Tiff) -> NDArray[np.uint16]:
    assert page.colors is not None, "the header was not checked"
    values = np.array(tiff.values(page.colors, page.colors.count), np.uint16).reshape(3, -1).T
    if int(values.max(initial=0)) < 256:  # old writers store 8 bits instead of 16
        values = values * np.uint16(257)
    return np.ascontiguousarray(values)


def _ycbcr(page: Page, tiff: Tiff) -> YCbCr:
    entries = tiff.directory(page.ifd).entries
    full = (1 << page.bits) - 1
    half = 1 << (page.bits - 1)
    weights = _numbers(tiff, entries.get(TiffTag.YCBCR_COEFFICIENTS), 3) or (0.299, 0.587, 0.114)
    limits = _numbers(tiff, entries.get(TiffTag.REFERENCE_BLACK_WHITE), 6)
    if len(limits) != 6 or any(a == b for a, b in zip(limits[::2], limits[1::2], strict=True)):
        limits = (0, full, half, full, half, full)
    if len(weights) != 3 or not all(0 < weight < 1 for weight in weights):
        raise CorruptInput("the YCbCrCoefficients are not valid")
    return YCbCr((weights[0], weights[1], weights[2]), limits, full)


def _of_levels(page: Page, levels: Levels, tiff: Tiff, channels: slice) -> Conversion:
    rows, columns = levels.repeat
    pattern = np.array(levels.black, np.float64).reshape(rows, columns, page.samples)
    white = np.array(levels.white, np.float64)[channels]
    black = Black(
        pattern[:, :, channels],
        _deltas(tiff, levels.delta_h),
        _deltas(tiff, levels.delta_v),
        levels.active[:2],
    )
    table = _table(tiff, levels.linearization)
    if not black.even or page.sample == "float" or page.bits > MOST_TABLE_BITS:
        return Linear(black, white, table)
    codes: NDArray[Any] = np.arange(1 << page.bits) if table is None else table
    floor = black.pattern[0, 0]
    light = (codes[None] - floor[:, None]) / (white - floor)[:, None]
    made = np.rint(np.clip(light, 0, 1) * 65535).astype(np.uint16)
    if (made == made[0]).all():
        made = made[:1]
    top = int(np.searchsorted(codes, white.min(), side="right")) - 1
    return Table(made, top)


def _rises(codes: NDArray[Any]) -> bool:
    return bool((np.diff(codes) >= 0).all())


def _table(tiff: Tiff, tag: Tag | None) -> NDArray[np.int64] | None:
    if tag is None:
        return None
    if not 0 < tag.count <= 1 << 16:
        raise CorruptInput(f"a LinearizationTable of {tag.count} values")
    table = np.array(tiff.values(tag, tag.count), np.int64)
    if not _rises(table):
        raise CorruptInput("the LinearizationTable does not rise")
    return table


def _deltas(tiff: Tiff, tag: Tag | None) -> NDArray[np.float64] | None:
    if tag is None:
        return None
    if not 0 < tag.count <= 1 << 18:
        raise CorruptInput(f"a BlackLevelDelta of {tag.count} values")
    deltas = np.array(tiff.values(tag, tag.count), np.float64)
    if not np.isfinite(deltas).all():
        raise CorruptInput("a BlackLevelDelta is not a finite number")
    return deltas if deltas.any() else None


def _numbers(tiff: Tiff, tag: Tag | None, most: int) -> tuple[float, ...]:
    return () if tag is None else tuple(float(value) for value in tiff.values(tag, most))
