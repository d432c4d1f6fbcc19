"""Lists the codecs of this installation, for ``divere doctor``."""

from __future__ import annotations

import imagecodecs

NAMES = {
    "avif": "AVIF",
    "ccitt": "CCITTFAX4",
    "deflate": "DEFLATE",
    "jpeg": "JPEG8",
    "jpeg2000": "JPEG2K",
    "jpegxl": "JPEGXL",
    "jpegxr": "JPEGXR",
    "lerc": "LERC",
    "ljpeg": "LJPEG",
    "lzma": "LZMA",
    "lzw": "LZW",
    "packbits": "PACKBITS",
    "png": "PNG",
    "webp": "WEBP",
    "zstd": "ZSTD",
}


def available() -> dict[str, bool]:
    """Return for each codec that divere uses whether it is available."""
    return {name: bool(getattr(imagecodecs, cls).available) for name, cls in NAMES.items()}
