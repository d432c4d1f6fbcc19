"""Records about a picture that need no decoder, and its metadata.

Frozen records that header, readers, writers, metadata and color share. Plain
data: nothing here opens a file, and nothing but the standard library is
imported, so that the parent process may hold them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.records.film import FilmNotes
from divere_cli.records.serialize import LATER

Extra = Literal["alpha", "infrared", "unknown"]
Sample = Literal["uint", "float"]
Format = Literal[
    "tiff", "png", "jpeg", "raw", "pnm", "jxl", "jp2", "jxr", "webp", "gif", "bmp", "avif", "dump"
]
Band = Literal["", "uint8", "uint16", "float32"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The format of a band: ``(rows, width, channels)`` of ``uint8|uint16|float32``.

    ``channels`` is 1 or 3 (color only), ``bits`` 8 or 16 for ``uint`` and 32
    for ``float`` (16-bit float files are widened by the reader).
    """

    channels: int
    bits: int
    sample: Sample = "uint"

    @property
    def dtype(self) -> str:
        """Name of the numpy type of a band: ``uint8``, ``uint16`` or ``float32``."""
        return f"{self.sample}{self.bits}"

    @property
    def itemsize(self) -> int:
        """Bytes of one pixel in a band."""
        return self.channels * self.bits // 8


@dataclass(frozen=True, slots=True)
class Resolution:
    """Pixels per unit; ``unit`` as in TIFF: 1 none, 2 inch, 3 centimeter."""

    x: float
    y: float
    unit: int = 2


@dataclass(frozen=True, slots=True)
class Tag:
    """A TIFF directory entry: ``count`` values of TIFF type ``kind``, at ``offset`` in the file."""

    code: int
    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Levels:
    """The black and white levels of a DNG page, and the part of it that is the picture.

    ``repeat`` is (rows, columns) of the pattern of ``black``, which holds
    rows x columns x samples codes; ``white`` one code for each sample. ``active``
    is (top, left, bottom, right), from where the pattern and the deltas count;
    ``crop`` (left, top, width, height), both in stored pixels.
    """

    linearization: Tag | None
    repeat: tuple[int, int]
    black: tuple[float, ...]
    delta_h: Tag | None
    delta_v: Tag | None
    white: tuple[float, ...]
    active: tuple[int, int, int, int]
    crop: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """The storage of one picture in a TIFF file, in TIFF's own numbers.

    ``samples`` counts all of a pixel's samples (color and extra); ``tile`` is
    (width, height) or None for strips; ``sample`` is None and ``bits`` -1 where
    samples differ or are of no known kind. ``offsets`` and ``counts`` locate the
    tables of segment offsets and byte counts, ``tables`` the JPEG tables and
    ``colors`` the color map: these are read by whoever decodes. ``number`` is
    PageNumber's (page, of how many) or None, ``sub`` whether the directory is
    another one's sub-directory, ``white`` the code of MaxSampleValue where it says
    another white than the largest code (0: it does not); ``faults`` say what cannot
    be true, ``doubts`` what was taken in one of two ways.
    """

    ifd: int
    subfile: int
    width: int
    height: int
    samples: int
    bits: int
    sample: Sample | None
    photometric: int
    compression: int
    predictor: int
    planar: bool
    rows_per_strip: int
    tile: tuple[int, int] | None
    extras: tuple[int, ...]
    orientation: int
    offsets: Tag | None
    counts: Tag | None
    tables: Tag | None = None
    fill_order: int = 1
    number: tuple[int, int] | None = None
    sub: bool = False
    colors: Tag | None = None
    white: int = 0
    subsampling: tuple[int, int] = (1, 1)
    levels: Levels | None = None
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def segment_name(self) -> str:
        """``strip`` or ``tile``, for messages."""
        return "strip" if self.tile is None else "tile"

    @property
    def across(self) -> int:
        """Tiles side by side; 1 for strips."""
        return 1 if self.tile is None else -(-self.width // self.tile[0])

    @property
    def down(self) -> int:
        """Strips or rows of tiles in one plane."""
        return -(-self.height // self.segment_rows)

    @property
    def segment_rows(self) -> int:
        """Rows of one strip or tile."""
        return self.rows_per_strip if self.tile is None else self.tile[1]

    @property
    def segment_width(self) -> int:
        """Pixels of one row of a strip or tile."""
        return self.width if self.tile is None else self.tile[0]

    @property
    def planes(self) -> int:
        """Planes stored one after the other; 1 when samples are interleaved."""
        return self.samples if self.planar else 1

    @property
    def segments(self) -> int:
        """Strips or tiles in all planes."""
        return self.across * self.down * self.planes


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a picture, read without a decoder.

    ``channels`` is 1 or 3 of color; ``extra`` names what else each pixel or
    file carries. ``bits`` and ``sample`` are as stored. ``variant`` names the
    dialect: ``tiff``, ``bigtiff``, ``hdr``, ``hdri``, ``vuescan``, ``fff``,
    ``nikon-scan``, ``dng``, ``nef``... ``inverted`` is TIFF's MinIsWhite.
    ``icc`` is the embedded profile's (offset, bytes) or None where it is
    absent or not stored as one piece. ``orientation`` is the file's own tag.

    ``reader`` names the reader where it is not that of ``format``, ``band`` the
    type of its bands where ``bits`` and ``sample`` do not say it, and ``memory``
    the bytes that it holds beside bands at its most. ``picture`` is which of the
    file's ``pictures`` this is, from 0 on. ``transfer`` is what the file says of
    how samples relate to light, other than by an ICC profile: empty, ``linear``,
    ``srgb``, ``bt709``, ``pq``, ``hlg`` or ``gamma X`` (light is the sample to the
    power of X), and ``transfer_by`` which part of the file says it. ``icc``: the
    profile comes first, and ``transfer_else`` counts if it cannot be used.
    """

    format: Format
    width: int
    height: int
    channels: int
    bits: int
    file_size: int
    sample: Sample = "uint"
    extra: tuple[Extra, ...] = ()
    compression: str = "none"
    planar: bool = False
    inverted: bool = False
    big_endian: bool = False
    variant: str = ""
    orientation: int = 1
    resolution: Resolution | None = None
    icc: tuple[int, int] | None = None
    make: str = ""
    model: str = ""
    software: str = ""
    date: str = ""
    pages: int = 1
    page: Page | None = None  # TIFF: the picture
    infrared_page: Page | None = None  # TIFF: infrared as a page of its own
    reader: str = field(default="", metadata=LATER)
    band: Band = field(default="", metadata=LATER)
    memory: int = field(default=0, metadata=LATER)
    picture: int = field(default=0, metadata=LATER)
    pictures: int = field(default=1, metadata=LATER)
    transfer: str = field(default="", metadata=LATER)
    transfer_by: str = field(default="", metadata=LATER)
    transfer_else: str = field(default="", metadata=LATER)
    transfer_else_by: str = field(default="", metadata=LATER)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Pixels of the stored picture."""
        return self.width * self.height

    @property
    def layout(self) -> Layout:
        """The format of this picture's bands."""
        if self.band:
            bits = int(self.band.lstrip("uintfloa"))
            return Layout(self.channels, bits, "float" if self.band == "float32" else "uint")
        bits = 32 if self.sample == "float" else self.bits
        return Layout(channels=self.channels, bits=bits, sample=self.sample)


@dataclass(frozen=True, slots=True)
class Processing:
    """The processing record for the metadata of an output."""

    program: str
    version: str
    profile: str
    profile_sha256: str
    film: FilmNotes | None = None
    origin: str = ""  # the scan's file name and SHA-256, with film data
    origin_sha256: str = ""


@dataclass(frozen=True, slots=True)
class PictureMetadata:
    """The metadata that a writer embeds; the writer adds nothing else.

    ``icc`` is a whole ICC profile. ``exif`` is a whole Exif block as it follows
    ``Exif\\0\\0`` in a JPEG (a small TIFF: II or MM, IFD0 with its Exif and GPS
    sub-directories, no thumbnail, no maker note, orientation 1); a TIFF writer
    moves its entries into the picture's own directory. ``xmp`` is a packet
    (UTF-8), ``iptc`` the raw IIM records. Empty means absent. ``exposure`` are the
    stops by which a flat master's middle gray is darker than 18 %. ``orientation``
    is written by the TIFF writer only.
    """

    icc: bytes = b""
    resolution: Resolution | None = None
    software: str = ""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    exposure: float = 0.0
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class Carried:
    """Metadata of an input, read once before any of its frames is written.

    Blocks of the same form as in :class:`PictureMetadata`, not yet cleaned of
    what describes the negative; ``warnings`` say what could not be read.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    warnings: tuple[str, ...] = field(default=())
