"""The third reader: decodes containers as a whole, and checks the result with their header.

Covers JPEG XL, JPEG 2000, AVIF, and JPEG that is lossless or of 12 bits, by imagecodecs; BMP, WebP
and GIF by imageio. Check: size, channels and bits of the decoded picture must match the header, or
the file is ``unsupported``. imageio's plugins silently return 16 bits as 8. A library is given the
file's bytes and never its name. Not covered: anything in bands.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput, InputChanged, Unsupported
from divere_cli.image import containers
from divere_cli.image.containers import Held
from divere_cli.image.jpeg import frame
from divere_cli.image.layout import Header
from divere_cli.image.limits import check_expansion
from divere_cli.image.other.header import EXPORT
from divere_cli.image.other.segments import lossless
from divere_cli.image.reader import Band, Reader
from divere_cli.image.source import Source

_BAND_BYTES = 8 << 20
_BY_IMAGEIO = {"bmp": ".bmp", "webp": ".webp", "gif": ".gif"}

Picture = NDArray[Any]


class WholeReader(Reader):
    """A picture that was decoded as a whole; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, header: Header, picture: Picture) -> None:
        super().__init__(header)
        self._picture = picture
        self._table = _scale(header)

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture in bands; see :meth:`divere_cli.image.reader.Reader.bands`."""
        return self._bands(slice(0, self.header.channels), rows)

    def infrared(self) -> Iterator[Band] | None:
        if "infrared" not in self.header.extra:
            return None
        sample = self.header.channels + self.header.extra.index("infrared")
        return self._bands(slice(sample, sample + 1), None)

    def _bands(self, samples: slice, rows: int | None) -> Iterator[Band]:
        height, width = self._picture.shape[:2]
        step = rows or max(1, _BAND_BYTES // (width * self._picture[0, 0].nbytes))
        for first in range(0, height, step):
            band = self._picture[first : first + step, :, samples]
            made = band if self._table is None else self._table[band]
            yield first, np.ascontiguousarray(made, dtype=self.header.layout.dtype)

    def close(self) -> None:
        self._picture = np.empty((0, 0, 0), np.uint8)


def open_reader(path: str, header: Header) -> WholeReader:
    """Decode a container as a whole; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.

    Raises
    ------
    CorruptInput
        The decoder finds damage, or the file is cut.
    Unsupported
        The decoded picture does not match the header.
    """
    samples = header.channels + len(header.extra)
    check_expansion(header.pixels * samples * -(-header.bits // 8), header.file_size)
    with Source(path) as source:
        if source.size != header.file_size:
            raise InputChanged("the size of the file changed while it was read")
        _check_whole(source, header)
        data = source.read(0, source.size)
    picture = _decoded(data, header)
    _compare(picture, header)
    if picture.dtype.kind == "f" and not np.isfinite(picture).all():
        raise CorruptInput("the picture has values that are not finite numbers")
    return WholeReader(header, picture)


def _decoded(data: bytes, header: Header) -> Picture:
    decoders: dict[str, Callable[[bytes], Any]] = {
        "jxl": _jxl,
        "avif": _avif,
        "jp2": imagecodecs.jpeg2k_decode,
        "jpeg": _jpeg,
    }
    try:
        if header.format in _BY_IMAGEIO:
            picture = _by_imageio(data, _BY_IMAGEIO[header.format])
        else:
            picture = np.asarray(decoders[header.format](data))
    except (CorruptInput, Unsupported, MemoryError):
        raise
    except Exception as error:  # each codec and plugin has its own, without a common base
        raise CorruptInput(f"the picture cannot be decoded: {error}") from error
    return picture if picture.ndim == 3 else picture[..., None]


def _by_imageio(data: bytes, extension: str) -> Picture:
    """Read 8-bit samples with imageio as RGB, followed by alpha if the file has it."""
    import imageio.v3 as imageio

    with imageio.imopen(io.BytesIO(data), "r", plugin="pillow", extension=extension) as file:
        about = file.properties(index=0)
        if about.dtype != np.uint8:
            raise Unsupported(f"imageio reads it as {about.dtype}, not as 8 bits", hint=EXPORT)
        picture = np.asarray(file.read(index=0))
    if picture.ndim == 2:
        picture = picture[..., None]
    return picture.repeat(3, axis=2) if picture.shape[2] == 1 else picture


def _jpeg(data: bytes) -> Picture:
    """Decode a lossless or 12-bit JPEG; the decoder would fill up a cut one."""
    about = frame.read(Held(data))
    if not about.ends:
        raise CorruptInput("the JPEG has no end: it is cut")
    if about.lossless:
        return lossless(data)
    return np.asarray(imagecodecs.jpeg8_decode(data))


def _jxl(data: bytes) -> Picture:
    """Decode a JPEG XL as stored; orientation is applied later, for all formats."""
    return np.asarray(imagecodecs.jpegxl_decode(data, keeporientation=True))


def _avif(data: bytes) -> Picture:
    """Decode an AVIF as stored; orientation is applied later, for all formats."""
    if not imagecodecs.AVIF.available:
        raise Unsupported("an AVIF, for which this installation has no decoder", hint=EXPORT)
    return np.asarray(imagecodecs.avif_decode(data))


def _check_whole(source: Source, header: Header) -> None:
    """Check the ends of all boxes, which decoders may ignore."""
    if header.format in ("jp2", "jxl") and source.read(4, 4) in (b"jP  ", b"JXL "):
        for _ in containers.boxes(source, 0, source.size):
            pass


def _compare(picture: Picture, header: Header) -> None:
    """Check that the decoded picture matches the header, or raise."""
    alpha = len(header.extra)
    shape = (header.height, header.width, header.channels + alpha)
    # the decoder may omit alpha that is opaque everywhere, or add it
    shapes = (shape, (*shape[:2], header.channels), (*shape[:2], header.channels + 1))
    if picture.shape not in shapes:
        raise Unsupported(
            f"the header says {shape}, the decoder gives {picture.shape}", hint=EXPORT
        )
    kind = "f" if header.sample == "float" else "u"
    bits = 8 * picture.dtype.itemsize
    fits = bits == (8 if header.bits <= 8 else 16) if kind == "u" else bits in (16, 32)
    if picture.dtype.kind != kind or not fits:
        raise Unsupported(
            f"the header says {header.bits} bits, the decoder gives {picture.dtype}", hint=EXPORT
        )
    if kind == "u" and header.bits not in (8, 16) and header.format != "jxl":
        most = int(picture.max(initial=0))
        if most >= 1 << header.bits:
            raise Unsupported(
                f"the header says {header.bits} bits, the decoder gives {most}", hint=EXPORT
            )


def _scale(header: Header) -> Picture | None:
    """Scale samples that are not whole bytes, and widen half floats."""
    if header.sample == "float" or header.bits in (8, 16) or header.format == "jxl":
        return None
    kind = np.dtype(header.layout.dtype)
    most = (1 << header.bits) - 1
    codes = np.arange(1 << (8 if header.bits < 8 else 16)).clip(0, most) / most
    table: Picture = np.rint(codes * np.iinfo(kind).max).astype(kind)
    return table
