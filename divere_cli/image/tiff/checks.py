"""Checks which TIFF pages can be read, and by which reader: compression, samples, sizes.

Covers checks without the tables of segments; these are checked in
:mod:`divere_cli.image.tiff.segments` during decoding. Pages that the first reader cannot stream go
to the second (:mod:`divere_cli.image.other.segments`). No decoder, no numpy.
"""

from __future__ import annotations

from divere_cli.errors import CorruptInput, LimitExceeded, Unsupported
from divere_cli.image.ifd.reader import Tiff
from divere_cli.image.ifd.tags import Compression, Photometric, TiffTag
from divere_cli.image.layout import Page
from divere_cli.image.limits import check_expansion

# compressions of plain sample streams; the first reader supports the first seven
STREAMS = {
    Compression.NONE: "none",
    Compression.LZW: "lzw",
    Compression.ADOBE_DEFLATE: "deflate",
    Compression.PACKBITS: "packbits",
    Compression.DEFLATE: "deflate",
    Compression.ZSTD: "zstd",
    Compression.ZSTD_OLD: "zstd",
    Compression.LZMA: "lzma",
}
SECOND_STREAMS = {Compression.LZMA, Compression.ZSTD_OLD}
# compressions of whole pictures, which store their own size
PICTURES = {
    Compression.OLD_JPEG: "old JPEG",
    Compression.JPEG: "jpeg",
    Compression.LOSSY_JPEG: "lossy JPEG",
    Compression.JPEG2000_KAKADU: "JPEG 2000",
    Compression.JPEG2000_KAKADU_RGB: "JPEG 2000",
    Compression.JPEG2000: "JPEG 2000",
    Compression.LERC: "LERC",
    Compression.JPEG_XR: "JPEG XR",
    Compression.JPEG_XR_OLD: "JPEG XR",
    Compression.WEBP: "WebP",
    Compression.JPEG_XL: "JPEG XL",
    Compression.JPEG_XL_OLD: "JPEG XL",
    Compression.CCITT_RLE: "CCITT",
    Compression.CCITT_FAX3: "CCITT",
    Compression.CCITT_FAX4: "CCITT",
}
COMPRESSIONS = {**STREAMS, **PICTURES}
OTHER_COMPRESSIONS = {
    Compression.WEBP_OLD: "old WebP",
    Compression.PIXARLOG: "PixarLog",
    Compression.JPEG2000_KAKADU_YCBCR: "JPEG 2000 of YCbCr",
    9: "JBIG",
    32766: "NeXT",
    32809: "ThunderScan",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34713: "Nikon NEF",
}
_JPEG = {Compression.OLD_JPEG, Compression.JPEG, Compression.LOSSY_JPEG}
_JPEG2000 = {
    Compression.JPEG2000,
    Compression.JPEG2000_KAKADU,
    Compression.JPEG2000_KAKADU_RGB,
}
_CCITT = {Compression.CCITT_RLE, Compression.CCITT_FAX3, Compression.CCITT_FAX4}
SAMPLES = (("uint", 8), ("uint", 16), ("float", 16), ("float", 32))
_FLOATS = (16, 24, 32, 64)
_INTEGERS = (*range(1, 17), 24, 32, 64)
# samples that each picture compression can store
_HELD = {
    Compression.LOSSY_JPEG: (("uint", 8),),
    Compression.WEBP: (("uint", 8),),
    Compression.JPEG_XR: (("uint", 8), ("uint", 16)),
    Compression.JPEG_XR_OLD: (("uint", 8), ("uint", 16)),
    Compression.JPEG_XL: (("uint", 8), ("uint", 16), ("float", 16), ("float", 32)),
    Compression.JPEG_XL_OLD: (("uint", 8), ("uint", 16), ("float", 16), ("float", 32)),
    Compression.LERC: (("uint", 8), ("uint", 16), ("uint", 32), ("float", 32), ("float", 64)),
}
_PREDICTORS = {"uint": (1, 2, 34892, 34893), "float": (1, 2, 3, 34894, 34895)}
MAX_SEGMENTS = 1 << 20
BANDS_BYTES = 8 << 20  # segments up to this size need no memory besides a band
EXPORT = "open it in an image editor and save it as a 16-bit RGB TIFF"


def check_page(tiff: Tiff, page: Page) -> None:
    """Raise unless the page's picture can be read.

    Parameters
    ----------
    tiff : Tiff
        The open TIFF structure.
    page : Page
        One picture of the TIFF.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    if page.faults:
        raise CorruptInput(page.faults[0])
    _check_storage(page)
    _check_segments(page)
    _check_expansion(page, tiff.source.size)
    _check_last_segment(tiff, page)


def streams(page: Page) -> bool:
    """Return whether the first reader can read this page, band by band.

    Parameters
    ----------
    page : Page
        One picture of the TIFF.
    """
    if (page.sample, page.bits) not in SAMPLES or page.fill_order != 1:
        return False
    if page.subsampling != (1, 1) and page.compression in STREAMS:
        return False
    if page.compression in (Compression.JPEG, Compression.OLD_JPEG):
        fits = page.planar or page.samples in (1, 3)
        linear = page.photometric == Photometric.LINEAR_RAW
        return (page.sample, page.bits) == ("uint", 8) and fits and not linear
    return (
        page.compression in STREAMS
        and page.compression not in SECOND_STREAMS
        and (page.predictor <= 3 or page.compression in (Compression.NONE, Compression.PACKBITS))
    )


def memory(page: Page) -> int:
    """Return the memory for reading besides bands: a tall segment and its compressed data.

    Parameters
    ----------
    page : Page
        One picture of the TIFF.
    """
    if page.compression == Compression.NONE and page.tile is None and page.subsampling == (1, 1):
        return 0
    pixels = page.segment_rows * page.width
    row = -(-page.bits // 8) * page.samples
    segment = pixels * row
    if segment <= BANDS_BYTES:
        return 0
    # the code, what the decoder works on and gives, and the rows that are held
    if page.compression in _JPEG2000:
        return 6 * segment
    return segment * (2 if streams(page) else 4)


def _check_storage(page: Page) -> None:
    if page.compression not in COMPRESSIONS:
        name = OTHER_COMPRESSIONS.get(page.compression, "unknown")
        raise Unsupported(
            f"TIFF compression {page.compression} ({name}) cannot be read", hint=EXPORT
        )
    bits = _INTEGERS if page.sample == "uint" else _FLOATS
    if page.sample is None or page.bits not in bits:
        raise Unsupported(_said_of_bits(page), hint=EXPORT)
    if page.compression in PICTURES:
        _check_picture_code(page)
    if page.fill_order not in (1, 2):
        raise CorruptInput(f"FillOrder {page.fill_order}")
    _check_predictor(page)
    if page.subsampling != (1, 1) and page.compression in STREAMS:
        _check_subsampling(page)


def _check_picture_code(page: Page) -> None:
    name = COMPRESSIONS[Compression(page.compression)]
    if page.compression in _CCITT and (page.bits, page.samples) != (1, 1):
        raise CorruptInput(f"CCITT code of {page.samples} samples of {page.bits} bits")
    supported = _HELD.get(Compression(page.compression))
    if supported and (page.sample, page.bits) not in supported:
        raise Unsupported(f"{_said_of_bits(page)} in {name}", hint=EXPORT)
    if page.compression in _JPEG and page.sample != "uint":
        raise Unsupported("floating-point samples in a JPEG-compressed TIFF", hint=EXPORT)
    if page.compression == Compression.OLD_JPEG and (page.bits, page.planar) != (8, False):
        raise Unsupported("an old-style JPEG of other than 8 bits", hint=EXPORT)


def _check_predictor(page: Page) -> None:
    if page.compression in PICTURES or page.compression in (Compression.NONE, Compression.PACKBITS):
        return
    allowed = _PREDICTORS[page.sample or "uint"]
    full_bytes = page.bits in (8, 16, 32, 64)
    if page.sample == "float" and page.bits == 24:
        full_bytes = page.predictor == 3
    if page.predictor not in allowed or (page.predictor != 1 and not full_bytes):
        raise Unsupported(
            f"TIFF predictor {page.predictor} of {page.bits}-bit samples cannot be read",
            hint=EXPORT,
        )


def _check_subsampling(page: Page) -> None:
    fits = all(step in (1, 2, 4) for step in page.subsampling)
    if not fits or page.planar or page.tile or page.bits != 8 or page.samples != 3:
        raise Unsupported("subsampled YCbCr in tiles, planes or more than 8 bits", hint=EXPORT)


def _said_of_bits(page: Page) -> str:
    if page.bits < 0:
        return "samples of different sizes in one pixel"
    if page.sample is None:
        return (
            f"{page.bits}-bit samples that are signed, complex, or of different kinds:"
            " their white is unknown"
        )
    return f"{page.bits}-bit {'integer' if page.sample == 'uint' else 'float'} samples"


def _check_segments(page: Page) -> None:
    name = page.segment_name
    if page.tile is not None and not (
        all(0 < side <= 65536 and side % 8 == 0 for side in page.tile)
        and page.tile[0] * page.tile[1] <= 1 << 28
    ):
        raise CorruptInput(f"tiles of {page.tile[0]} x {page.tile[1]} pixels")
    if page.tile is None and page.rows_per_strip < 1:
        raise CorruptInput("strips of no rows")
    if page.segments > MAX_SEGMENTS:
        raise LimitExceeded(
            f"{page.segments} {name}s; the limit is {MAX_SEGMENTS}",
            hint="save it with larger strips or tiles",
        )
    if page.offsets is None or not page.offsets.count:
        raise CorruptInput(f"the table of {name}s is missing")
    for tag in (page.offsets, page.counts):
        # the decoder computes a missing table of byte counts
        if tag is None or not tag.count:
            continue
        if tag.count < page.segments or tag.kind not in (3, 4, 13, 16, 18):
            raise CorruptInput(
                f"the table of {name}s has {tag.count} entries instead of {page.segments}"
            )


def _check_last_segment(tiff: Tiff, page: Page) -> None:
    """Check the last segment, which reveals most cut files; the others are checked on reading."""
    assert page.offsets is not None, "checked before"
    last = page.segments - 1
    offset = int(tiff.value_at(page.offsets, last))
    count = int(tiff.value_at(page.counts, last)) if page.counts and page.counts.count else 0
    if page.compression == Compression.NONE and page.subsampling == (1, 1):
        count = stored_row(page) * rows_of(page, last)
    elif count and offset + count > tiff.source.size:
        count = 1  # self-terminating data may be complete; the decoder checks it
    tiff.source.inside(offset, count, f"{page.segment_name} {last}")


def stored_row(page: Page) -> int:
    """Return the bytes of one row of an uncompressed segment; packed rows are padded to bytes.

    Parameters
    ----------
    page : Page
        One picture of the TIFF.
    """
    samples = 1 if page.planar else page.samples
    return -(-page.segment_width * samples * page.bits // 8)


def rows_of(page: Page, index: int) -> int:
    """Return the rows of a segment; the last strip has fewer, tiles never.

    Parameters
    ----------
    page : Page
        One picture of the TIFF.
    index : int
        Number of the segment, from 0.
    """
    if page.tile is not None:
        return page.segment_rows
    return min(page.segment_rows, page.height - index % page.down * page.segment_rows)


def _check_expansion(page: Page, file_size: int) -> None:
    full = page.width * page.height * page.samples * page.bits // 8
    if page.subsampling != (1, 1):
        full //= 3
    if page.compression == Compression.NONE and full > file_size:
        raise CorruptInput(f"{full} bytes of pixels cannot be in a file of {file_size}")
    check_expansion(full, file_size)


def check_sensor(page: Page, tags: frozenset[int]) -> None:
    """Raise CorruptInput if a DNG's sensor page lacks tags that LibRaw would guess.

    Parameters
    ----------
    page : Page
    tags : frozenset of int
        The codes that stand in its directory.
    """
    if page.faults:
        raise CorruptInput(page.faults[0])
    if page.offsets is None or not page.offsets.count:
        raise CorruptInput(f"the table of {page.segment_name}s is missing")
    if TiffTag.IMAGE_WIDTH not in tags or TiffTag.IMAGE_LENGTH not in tags:
        raise CorruptInput("the DNG does not say its size")
