"""Which codecs this installation has, for ``divere doctor``."""

from __future__ import annotations

import imagecodecs

NAMES = {
    "deflate": "DEFLATE",
    "jpeg": "JPEG8",
    "lzw": "LZW",
    "packbits": "PACKBITS",
    "png": "PNG",
    "zstd": "ZSTD",
}


def available() -> dict[str, bool]:
    """Return for each codec that divere reads or writes whether it is there."""
    return {name: bool(getattr(imagecodecs, cls).available) for name, cls in NAMES.items()}
