"""Reads camera raw files with LibRaw (the extra ``[raw]``): linear camera color.

Covers one decode, the same for every file: black subtracted, scaled to the sensor's white,
demosaiced (AHD), and nothing else: no gamma, no automatic brightness, no color matrix, no
rotation, 16 bits. White balance is off, or the camera's own where the preset asks for it; the
strongest channel keeps its values then and the others are weakened, so that nothing is clipped
that the sensor did not clip. The output is the camera's own RGB: the preset's input space says
what that is. A cut file is refused by what it says of its own extent, because LibRaw fills the
missing rows without an error. Not covered: film scanners' raw TIFF and NEF, which are plain TIFF.

LibRaw holds the file, the sensor's data and the picture twice: 18 bytes a pixel (measured).
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli import extras
from divere_cli.errors import CorruptInput, LimitExceeded, OutOfMemory, Unsupported
from divere_cli.image import containers
from divere_cli.image.codes import TOLD_SHARE
from divere_cli.image.ifd.reader import HEADS, Directory, Tiff, parse
from divere_cli.image.ifd.tags import Compression, Photometric
from divere_cli.image.layout import Header
from divere_cli.image.limits import MAX_PIXELS
from divere_cli.image.reader import Band, Reader
from divere_cli.image.source import Source
from divere_cli.image.tiff import placing
from divere_cli.records.grade import WhiteBalance

_BAND_BYTES = 8 << 20
_SEGMENTS = ((273, 279), (324, 325))  # offsets and byte counts of strips, of tiles
_MOST_SEGMENTS = 1 << 16

Balance = tuple[float, float, float, float]  # red, green, blue, second green


class RawReader(Reader):
    """A raw file that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, picture: NDArray[np.uint16], header: Header) -> None:
        super().__init__(header)
        self._picture = picture

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture in bands; see :meth:`divere_cli.image.reader.Reader.bands`."""
        return self._bands(slice(0, self.header.channels), rows)

    def infrared(self) -> Iterator[Band] | None:
        if "infrared" not in self.header.extra:
            return None
        sample = self.header.channels + self.header.extra.index("infrared")
        return self._bands(slice(sample, sample + 1), None)

    def _bands(self, samples: slice, rows: int | None) -> Iterator[Band]:
        step = rows or max(1, _BAND_BYTES // (self.header.width * self._picture.shape[2] * 2))
        for first in range(0, self.header.height, step):
            yield first, np.ascontiguousarray(self._picture[first : first + step, :, samples])

    def close(self) -> None:
        self._picture = np.empty((0, 0, 0), np.uint16)


def open_reader(path: str, header: Header, white_balance: WhiteBalance = "off") -> RawReader:
    """Decode a raw file; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    white_balance : WhiteBalance, default 'off'
        ``off`` or ``as_shot``.

    Raises
    ------
    Unsupported
        Without LibRaw, when LibRaw does not know the camera, or when the file has
        no white balance and ``white_balance`` asks for it.
    CorruptInput
        When the file is cut or LibRaw finds damage.
    LimitExceeded
        When the sensor has more pixels than the limit.
    """
    try:
        import rawpy
    except ImportError as error:
        hint = extras.how_to_add("raw")
        raise Unsupported("camera raw files need LibRaw", hint=hint) from error
    with Source(path) as source:
        check_whole(source)
        _check_sensor(source, header)
        data = source.read(0, source.size)
    try:
        # from memory: LibRaw looks for other files beside one that it opens by name
        with rawpy.imread(io.BytesIO(data)) as raw:
            if raw.sizes.raw_width * raw.sizes.raw_height > MAX_PIXELS:
                raise LimitExceeded(f"the sensor has more pixels than the limit of {MAX_PIXELS}")
            balance = _as_shot(raw) if white_balance == "as_shot" else None
            above = _above_white(raw)
            picture = _developed(rawpy, raw, balance)
    except rawpy.LibRawFileUnsupportedError as error:
        raise Unsupported(f"LibRaw does not know this raw file: {_message(error)}") from error
    except rawpy.LibRawTooBigError as error:
        raise LimitExceeded("LibRaw cannot read a picture of this size") from error
    except (rawpy.LibRawUnsufficientMemoryError, MemoryError) as error:
        raise OutOfMemory("LibRaw needs more memory than there is") from error
    except rawpy.LibRawError as error:
        raise CorruptInput(f"the raw file is damaged: {_message(error)}") from error
    reader = RawReader(picture, _completed(header, picture, balance))
    reader.warnings = above
    return reader


def _above_white(raw: Any) -> tuple[str, ...]:
    """Warn if more of the sensor than a few highlights is above its white."""
    sensor = raw.raw_image_visible
    if sensor is None or not raw.white_level:
        return ()
    share = np.count_nonzero(sensor > raw.white_level) / max(1, sensor.size)
    if share <= TOLD_SHARE:
        return ()
    return (
        f"{share:.0%} of the sensor's samples are above the white of the file"
        f" ({raw.white_level}); they are clipped",
    )


def _as_shot(raw: Any) -> Balance:
    """Read the camera's white balance; without one, LibRaw would use daylight."""
    red, green, blue, second = (float(value) for value in raw.camera_whitebalance)
    strongest = max(red, green, blue)
    if not (min(red, green, blue) > 0 and math.isfinite(strongest)):
        raise Unsupported(
            "this raw file has no white balance from the camera",
            hint='set "camera_white_balance" to "off" in the preset',
        )
    second = second if second > 0 else green
    return red / strongest, green / strongest, blue / strongest, second / strongest


def _developed(rawpy: Any, raw: Any, balance: Balance | None) -> NDArray[np.uint16]:
    """Run the decode that all raw files get."""
    picture: NDArray[np.uint16] = raw.postprocess(
        rawpy.Params(
            demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
            user_wb=list(balance or (1.0, 1.0, 1.0, 1.0)),
            highlight_mode=rawpy.HighlightMode.Ignore,  # else LibRaw scales the weakest to 1
            output_color=rawpy.ColorSpace.raw,
            output_bps=16,
            user_flip=0,
            no_auto_bright=True,
            adjust_maximum_thr=0.0,  # else the brightest pixel of a picture moves its white
            gamma=(1.0, 1.0),
        )
    )
    return picture if picture.ndim == 3 else picture[:, :, None]


def _completed(header: Header, picture: NDArray[np.uint16], balance: Balance | None) -> Header:
    """Complete the header with values that only the decoder knows."""
    height, width, samples = picture.shape
    channels = samples - len(header.extra)
    if channels not in (1, 3):
        raise Unsupported(f"a raw file of {samples} colors")
    unknown = "the size is known only to the raw decoder"
    balance_text = "off"
    if balance is not None:
        balance_text = "as shot (red {:.4g}, green {:.4g}, blue {:.4g})".format(*balance)
    return replace(
        header,
        width=width,
        height=height,
        channels=channels,
        bits=16,
        sample="uint",
        notes=(
            *(note for note in header.notes if note != unknown),
            f"camera raw: linear camera color, white balance {balance_text}",
        ),
    )


def _message(error: Exception) -> str:
    """Return LibRaw's message; rawpy returns it as bytes."""
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def check_whole(source: Source) -> None:
    """Compare the extent of a raw file's data with the size of the file.

    Parameters
    ----------
    source : Source
        The open file.

    Raises
    ------
    CorruptInput
        When picture data ends after the end of the file.
    """
    head = source.read(0, min(16, source.size))
    if head[:4] in HEADS:
        _check_tiff(parse(source))
    elif head.startswith(b"FUJIFILMCCD-RAW "):
        start, length = struct.unpack(">II", source.read(100, 8, "the RAF header"))
        source.inside(start, length, "the sensor's data")
    elif head[4:8] == b"ftyp":
        # CR3: its boxes fill the file to the last byte
        for _ in containers.boxes(source, 0, source.size):
            pass


def _check_sensor(source: Source, header: Header) -> None:
    """Check the strips of a DNG: LibRaw would read strips that are too small for its samples."""
    page = header.page
    plain = page is not None and page.compression == Compression.NONE and page.bits > 0
    if page is None or not plain or header.variant != "dng" or page.faults:
        return
    if page.photometric == Photometric.CFA and page.width and page.height:
        placing.read(source, page, ">" if header.big_endian else "<")


def _check_tiff(tiff: Tiff) -> None:
    directories, _ = tiff.chain()
    for directory in directories:
        for offsets, counts in _SEGMENTS:
            if offsets in directory.entries and counts in directory.entries:
                _check_segments(tiff, directory, offsets, counts)


def _check_segments(tiff: Tiff, directory: Directory, offsets: int, counts: int) -> None:
    entries = directory.entries
    starts = tiff.values(entries[offsets], _MOST_SEGMENTS)
    sizes = tiff.values(entries[counts], _MOST_SEGMENTS)
    for index, (start, size) in enumerate(zip(starts, sizes, strict=False)):
        tiff.source.inside(int(start), int(size), f"segment {index} of the raw data")
