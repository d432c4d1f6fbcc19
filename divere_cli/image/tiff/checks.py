"""Which TIFF pages can be read: compression, samples, segments, sizes that fit the file.

Covers what is known without the tables of segments; those are checked in
:mod:`divere_cli.image.tiff.segments` by whoever decodes. No decoder, no numpy.
"""

from __future__ import annotations

from divere_cli.errors import CorruptInput, LimitExceeded, Unsupported
from divere_cli.image.ifd.reader import Tiff
from divere_cli.image.layout import Page
from divere_cli.image.limits import check_expansion

COMPRESSIONS = {
    1: "none",
    5: "lzw",
    7: "jpeg",
    8: "deflate",
    32773: "packbits",
    32946: "deflate",
    50000: "zstd",
}
OTHER_COMPRESSIONS = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "old JPEG", 33003: "JPEG 2000", 33004: "JPEG 2000",
    33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG", 34925: "LZMA",
    34926: "old zstd", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
SAMPLES = (("uint", 8), ("uint", 16), ("float", 16), ("float", 32))
YCBCR = 6
JPEG = 7
MAX_SEGMENTS = 1 << 20


def check_page(tiff: Tiff, page: Page) -> None:
    """Raise unless the page's picture can be read.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    _check_storage(page)
    _check_segments(page)
    _check_expansion(page, tiff.source.size)
    _check_last_segment(tiff, page)


def _check_storage(page: Page) -> None:
    if page.compression not in COMPRESSIONS:
        name = OTHER_COMPRESSIONS.get(page.compression, "unknown")
        raise Unsupported(f"TIFF compression {page.compression} ({name}) cannot be read")
    if (page.sample, page.bits) not in SAMPLES:
        raise Unsupported(_said_of_bits(page))
    if page.compression == JPEG and (page.bits, page.sample) != (8, "uint"):
        raise Unsupported("a JPEG-compressed TIFF of more than 8 bits a sample")
    if page.compression == JPEG and not page.planar and page.samples not in (1, 3):
        raise Unsupported(f"a JPEG-compressed TIFF of {page.samples} samples a pixel")
    if page.photometric == YCBCR and page.compression != JPEG:
        raise Unsupported("the picture is stored as YCbCr without JPEG compression")
    if page.fill_order != 1:
        raise Unsupported("the bits are stored in reverse order (FillOrder 2)")
    allowed = (1, 2) if page.sample == "uint" else (1, 2, 3)
    if page.predictor not in allowed and page.compression not in (1, JPEG, 32773):
        raise Unsupported(f"TIFF predictor {page.predictor} cannot be read")


def _said_of_bits(page: Page) -> str:
    if page.bits < 0:
        return "samples of different sizes in one pixel"
    if page.sample is None:
        return f"{page.bits}-bit samples that are signed, complex, or of different kinds"
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
    for tag in (page.offsets, page.counts):
        if tag is None or not tag.count:
            raise CorruptInput(f"the table of {name}s is missing")
        if tag.count < page.segments or tag.kind not in (3, 4, 13, 16, 18):
            raise CorruptInput(
                f"the table of {name}s has {tag.count} entries instead of {page.segments}"
            )


def _check_last_segment(tiff: Tiff, page: Page) -> None:
    """A cut file mostly shows here already; the other segments are checked when it is read."""
    assert page.offsets is not None, "checked before"
    assert page.counts is not None, "checked before"
    last = page.segments - 1
    offset = int(tiff.value_at(page.offsets, last))
    count = int(tiff.value_at(page.counts, last))
    tiff.source.inside(offset, count, f"{page.segment_name} {last}")


def _check_expansion(page: Page, file_size: int) -> None:
    full = page.width * page.height * page.samples * page.bits // 8
    if page.compression == 1 and full > file_size:
        raise CorruptInput(f"{full} bytes of pixels cannot be in a file of {file_size}")
    check_expansion(full, file_size)
