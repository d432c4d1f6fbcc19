"""What people write for a format or a compression: ``jpg``, ``.TIF``, ``ZIP``.

Covers words of the command line, of ``--also`` and of settings files. Standard library only.
"""

from __future__ import annotations

_FORMATS = {"jpg": "jpeg", "tif": "tiff", "jpegxl": "jxl"}
_COMPRESSIONS = {"zip": "deflate", "zlib": "deflate", "zstandard": "zstd"}


def format_meant(text: str) -> str:
    """Return the format that a name or a suffix means: ``jpeg`` for ``JPG`` or ``.jpg``.

    Parameters
    ----------
    text : str
        As it was typed.
    """
    word = text.strip().lower().removeprefix(".")
    return _FORMATS.get(word, word)


def compression_meant(text: str) -> str:
    """Return the compression that a name means: ``deflate`` for ``ZIP``.

    Parameters
    ----------
    text : str
        As it was typed.
    """
    word = text.strip().lower()
    return _COMPRESSIONS.get(word, word)
