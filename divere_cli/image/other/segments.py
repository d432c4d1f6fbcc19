"""Strips and tiles of the second reader: storage that the first cannot stream, by tifffile.

Covers packed samples of any number of bits, floats of 24 and 64 bits, integers
of 32 and 64, mirrored bytes, LZMA, subsampled YCbCr, and codes of whole
pictures: CCITT, JPEG 2000, JPEG XL, JPEG XR, LERC, WebP, lossless and lossy JPEG.
tifffile opens the one page, from an open file and never by a name, so that no
other file is touched; what it makes of the directory must be what our own
header says. Byte streams are undone to their exact length first, because a
decoder that ends early must be an error; codes of pictures must say the size
that the page has. Not covered: where segments lie
(:mod:`divere_cli.image.tiff.placing`) and rows of them
(:mod:`divere_cli.image.tiff.reader`): both are the first reader's.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import IO, Any, cast

import imagecodecs
import numpy as np
import tifffile

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.closing import Closing
from divere_cli.image.containers import Held
from divere_cli.image.ifd.reader import size_of
from divere_cli.image.ifd.tags import Compression, Photometric
from divere_cli.image.jpeg import frame
from divere_cli.image.layout import Page
from divere_cli.image.source import Source
from divere_cli.image.tiff import lzw
from divere_cli.image.tiff.checks import PICTURES
from divere_cli.image.tiff.segments import Codec, Samples, Segments

_JPEG = (Compression.JPEG, Compression.LOSSY_JPEG, Compression.OLD_JPEG)
_JPEG_XR = (Compression.JPEG_XR, Compression.JPEG_XR_OLD)
# pixels apart that a predictor compares
_APART = {2: 1, 34892: 2, 34893: 4}
_FLOATS_APART = {3: 1, 34894: 2, 34895: 4}
_FLOAT_PREDICTOR, _THREE_BYTES = 3, 24
_XR_OFFSET, _XR_COUNT = 0xBCC0, 0xBCC1


class OtherSegments(Segments):
    """Strips or tiles that the first reader cannot stream; see :class:`Segments`."""

    def __init__(self, source: Source, page: Page, big_endian: bool) -> None:
        self._tiff: _Opened | None = None
        super().__init__(source, page, big_endian)

    def _types(self) -> tuple[np.dtype[Any], np.dtype[Any]]:
        page = self.page
        if page.sample == "float":
            size = {16: 2, 64: 8}.get(page.bits, 4)
            decoded = np.dtype(f"f{size}")
        else:
            size = next(size for size in (1, 2, 4, 8) if page.bits <= 8 * size)
            decoded = np.dtype(f"u{size}")
        return decoded.newbyteorder(self._order), decoded

    def read_rows(self, offset: int, out: Samples, name: str) -> None:
        """Read and unpack uncompressed rows at ``offset``."""
        plain = self.page.bits == 8 * out.dtype.itemsize and self.page.subsampling == (1, 1)
        if plain and self.page.fill_order == 1:
            super().read_rows(offset, out, name)
            return
        data = self._source.read(offset, self._bytes_of(len(out)), name)
        self._unpack(data, out)

    def _bytes_of(self, rows: int) -> int:
        """Return the size in bytes of some rows of a segment before compression."""
        across, down = self.page.subsampling
        if (across, down) == (1, 1):
            return rows * self.stored_row_bytes()
        return -(-self.page.width // across) * -(-rows // down) * (across * down + 2)

    def _codec(self) -> Codec:
        if self.page.compression in PICTURES:
            self._tiff = _Opened(self._source, self.page)
            return self._picture
        return self._stream

    def _stream(self, data: memoryview, out: Samples) -> int:
        """Decompress a byte stream to its exact length, then undo packing and predictor."""
        code = bytes(data)
        if self.page.fill_order == 2:
            code = bytes(imagecodecs.bitorder_decode(code))
        size = self._bytes_of(len(out))
        plain = self.page.bits == 8 * out.dtype.itemsize and size == out.nbytes
        raw = out.reshape(-1).view(np.uint8) if plain else np.empty(size, np.uint8)
        got = len(_undone(self.page.compression, code, raw))
        if got < size:
            raise ValueError(f"it ends {size - got} bytes too early")
        if plain:
            self._undo_predictor(out)
        else:
            self._unpack(raw.tobytes(), out, mirrored=False)
        return int(out.nbytes)

    def _restore(self, out: Samples) -> None:
        """Do nothing: the decoders return native samples."""

    def _unpack(self, data: bytes, out: Samples, mirrored: bool = True) -> None:
        """Convert uncompressed rows to samples."""
        page = self.page
        if mirrored and page.fill_order == 2:
            data = bytes(imagecodecs.bitorder_decode(data))
        if page.subsampling != (1, 1):
            _spread(np.frombuffer(data, np.uint8), page.subsampling, out)
            return
        shape = out.shape
        if page.sample == "float" and page.bits == 24:
            order = self._order
            if page.predictor == _FLOAT_PREDICTOR and page.compression != Compression.NONE:
                data, order = _planes_joined(data, shape), ">"
            out[:] = imagecodecs.float24_decode(data, byteorder=order).reshape(shape)
        elif page.sample == "uint" and page.bits == _THREE_BYTES:
            codes = np.frombuffer(data, np.uint8).reshape(*shape, 3).astype(out.dtype)
            first, second, third = codes[..., 0], codes[..., 1], codes[..., 2]
            if self._order == "<":
                first, third = third, first
            out[:] = first << 16 | second << 8 | third
        elif page.sample == "uint" and page.bits not in (8, 16, 32, 64):
            run = page.segment_width * self.samples
            unpacked = imagecodecs.packints_decode(
                data, np.dtype(">" + out.dtype.char), page.bits, runlen=run
            )
            out[:] = np.asarray(unpacked).reshape(shape)
        else:
            self._unpack_whole(data, out)

    def _unpack_whole(self, data: bytes, out: Samples) -> None:
        out[:] = np.frombuffer(data, self.dtype).reshape(out.shape)
        self._undo_predictor(out)

    def _undo_predictor(self, out: Samples) -> None:
        """Undo byte order and predictor, in place."""
        predictor = 1 if self.page.compression == Compression.NONE else self.page.predictor
        if predictor in _FLOATS_APART:
            stored = out.view(self.stored)
            out[:] = imagecodecs.floatpred_decode(stored, axis=-2, dist=_FLOATS_APART[predictor])
            return
        if not self.stored.isnative:
            out.byteswap(inplace=True)
        if predictor in _APART:
            bits = out.view(f"u{out.itemsize}")
            imagecodecs.delta_decode(bits, axis=-2, dist=_APART[predictor], out=bits)

    def _picture(self, data: memoryview, out: Samples) -> int:
        """Decode a segment stored as a picture; it must have the size of the segment."""
        code = bytes(data)
        page = self.page
        if page.compression in _JPEG:
            decoded = self._jpeg_picture(code)
        else:
            if page.compression in _JPEG_XR:
                _check_xr(code)
            assert self._tiff is not None
            last = len(out) < page.segment_rows
            decoded = self._tiff.decode(code, page.down - 1 if last else 0)
        rows = decoded.reshape(-1, *out.shape[1:]) if decoded.size >= out.size else decoded
        if rows.shape[1:] != out.shape[1:] or len(rows) < len(out):
            raise ValueError(f"it holds {decoded.shape}, and not {out.shape}")
        if rows.dtype.kind != out.dtype.kind or rows.dtype.itemsize > out.dtype.itemsize:
            raise ValueError(f"it holds samples of {rows.dtype}")
        out[:] = rows[: len(out)]
        return int(out.nbytes)

    def _jpeg_picture(self, code: bytes) -> Samples:
        """Decode a JPEG of any kind and row layout; a lossless one may have other sides."""
        page, tables = self.page, None
        if page.tables is not None:
            length = min(size_of(page.tables), 1 << 16)
            tables = self._source.read(page.tables.offset, length, "the JPEG tables")
        about = frame.read(Held(code))
        if about.samples < page.segment_width * self.samples:
            raise ValueError("JPEG data of another size")
        if about.samples > page.segment_width * page.segment_rows * self.samples:
            raise ValueError(f"JPEG data of another size: {about.width} x {about.height}")
        if not about.ends:
            raise ValueError("JPEG data without its end")
        if about.lossless:
            return lossless(code)
        space = {1: "GRAYSCALE", 3: "RGB", 4: "CMYK"}.get(about.components)
        plain_color = page.photometric in (Photometric.RGB, Photometric.MIN_IS_BLACK)
        stored = space if plain_color or about.components == 4 else None
        return np.asarray(
            imagecodecs.jpeg8_decode(code, tables=tables, colorspace=stored, outcolorspace=space)
        )


def _undone(compression: int, code: bytes, raw: Samples) -> Samples:
    if compression == Compression.LZW:
        return lzw.decode(code, raw)
    decoders: dict[Compression, Callable[..., Any]] = {
        Compression.ADOBE_DEFLATE: imagecodecs.deflate_decode,
        Compression.DEFLATE: imagecodecs.deflate_decode,
        Compression.PACKBITS: imagecodecs.packbits_decode,
        Compression.ZSTD: imagecodecs.zstd_decode,
        Compression.ZSTD_OLD: imagecodecs.zstd_decode,
        Compression.LZMA: imagecodecs.lzma_decode,
    }
    decode = decoders[Compression(compression)]
    samples: Samples = decode(code, out=raw)
    return samples


def _planes_joined(data: bytes, shape: tuple[int, ...]) -> bytes:
    """Undo the floating-point predictor of 24-bit samples; return them in big-endian order.

    Each row holds the first bytes of all samples, then the second, then the third, as differences
    between neighboring pixels (Adobe Photoshop TIFF Technical Note 3).
    """
    rows, samples = shape[0], shape[-1]
    steps = np.frombuffer(data, np.uint8).reshape(rows, -1, samples)
    planes = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(rows, 3, -1)
    return planes.transpose(0, 2, 1).tobytes()


def _spread(data: Samples, steps: tuple[int, int], out: Samples) -> None:
    """Upsample chroma to all pixels (TIFF 6.0 section 21)."""
    across, down = steps
    rows, width = out.shape[:2]
    wide, tall = -(-width // across), -(-rows // down)
    units = data[: wide * tall * (across * down + 2)].reshape(tall, wide, -1)
    luma = units[:, :, : across * down].reshape(tall, wide, down, across)
    out[:, :, 0] = luma.transpose(0, 2, 1, 3).reshape(tall * down, wide * across)[:rows, :width]
    for channel in (1, 2):
        shared = units[:, :, across * down + channel - 1]
        spread = shared.repeat(down, axis=0).repeat(across, axis=1)
        out[:, :, channel] = spread[:rows, :width]


def _check_xr(code: bytes) -> None:
    """Check the table of a JPEG XR: its decoder returns a full picture for a cut file."""
    if code[:3] != b"II\xbc" or len(code) < 8:
        raise ValueError("no JPEG XR data")
    (at,) = struct.unpack_from("<I", code, 4)
    (count,) = struct.unpack_from("<H", code, at)
    fields = {}
    for index in range(count):
        tag, kind, _, value = struct.unpack_from("<HHII", code, at + 2 + 12 * index)
        fields[tag] = value & 0xFFFF if kind == 3 else value
    size = fields.get(_XR_COUNT, 0)
    if not size or fields.get(_XR_OFFSET, 0) + size > len(code):
        raise ValueError("JPEG XR data without its end")


def lossless(code: bytes) -> Samples:
    """Decode a lossless JPEG.

    Parameters
    ----------
    code : bytes
        The whole stream.

    Returns
    -------
    ndarray
        uint8 or uint16.
    """
    # liblj92 stops at damage; it reads restart intervals and point transforms as samples
    if frame.is_plain_lossless(Held(code)):
        return np.asarray(imagecodecs.ljpeg_decode(code))
    return np.asarray(imagecodecs.jpeg8_decode(code))


class _Opened(Closing):
    """One page of a file, read by tifffile, and its segment decoder.

    Raises
    ------
    Unsupported
        tifffile reads the page differently from our header.
    CorruptInput
        It cannot be opened.
    """

    def __init__(self, source: Source, page: Page) -> None:
        flags: dict[str, Any] = {f"is_{name}": False for name in tifffile.TIFF.FILE_FLAGS}
        try:
            # without name, series and dialects tifffile reads only this page of this file
            tiff = tifffile.TiffFile(
                cast(IO[bytes], _Stream(source)), name="scan", _multifile=False, **flags
            )
            tiff.filehandle.seek(page.ifd)
            self._page = tifffile.TiffPage(tiff, index=0)
        except (CorruptInput, MemoryError):
            raise
        except Exception as error:  # tifffile has errors of many kinds for odd directories
            raise CorruptInput(f"the directory cannot be read: {error}") from error
        self._compare(page)
        if page.compression == Compression.JPEG_XR_OLD:
            self._page.compression = Compression.JPEG_XR
        try:
            self._page.init_decode()
        except Exception as error:
            raise Unsupported(f"tifffile does not decode it: {error}") from error

    def _compare(self, page: Page) -> None:
        """Check that tifffile and our header read the directory alike."""
        other_page = self._page
        pairs = {
            "width": (other_page.imagewidth, page.width),
            "height": (other_page.imagelength, page.height),
            "samples": (other_page.samplesperpixel, page.samples),
            "bits": (other_page.bitspersample, page.bits),
            "compression": (other_page.compression, page.compression),
            "planes": (other_page.planarconfig == 2 and page.samples > 1, page.planar),
            "tiles": (
                (other_page.tilewidth, other_page.tilelength) if other_page.is_tiled else None,
                page.tile,
            ),
        }
        for name, (theirs, ours) in pairs.items():
            if theirs != ours:
                raise Unsupported(f"the {name} of the page are read in two ways: {ours}, {theirs}")

    def decode(self, code: bytes, index: int) -> Samples:
        """Decode one segment by its number; the last strip has fewer rows."""
        decoded, _, _ = self._page.decode(code, index)
        if decoded is None:
            raise ValueError("it is empty")
        samples: Samples = np.asarray(decoded)[0]
        return samples

    def close(self) -> None:
        self._page.parent.close()


class _Stream(io.RawIOBase):
    """A source as an open file without a name."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        start = (0, self._at, self._source.size)[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        remaining = max(0, self._source.size - self._at)
        count = remaining if size is None or size < 0 else min(size, remaining)
        data = self._source.read(self._at, count)
        self._at += count
        return data
