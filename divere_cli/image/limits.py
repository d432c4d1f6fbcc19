"""Limits for all formats: sides, areas and expansions that no real scan has."""

from __future__ import annotations

from divere_cli.errors import LimitExceeded

MAX_PIXELS = 2_000_000_000
MAX_SIDE = 200_000
# deflate expands by at most 1032; a scan, with its grain, by 3
BOMB_RATIO = 500
BOMB_BYTES = 100_000_000
# of one block
METADATA_BYTES = 4 << 20


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise LimitExceeded unless sides and area are within the limits.

    Parameters
    ----------
    width : int
        Pixels.
    height : int
        Pixels.
    max_pixels : int
        Larger pictures are refused.
    """
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise LimitExceeded(
            f"the header says {width} x {height} pixels; a side must be 1 to {MAX_SIDE}",
            hint="the file may be damaged",
        )
    if width * height > max_pixels:
        raise LimitExceeded(f"{width} x {height} pixels are more than the limit of {max_pixels}")


def check_expansion(full: int, stored: int) -> None:
    """Raise LimitExceeded if ``stored`` bytes would expand to ``full`` bytes as in no real scan.

    Parameters
    ----------
    full : int
        Bytes of the picture.
    stored : int
        Bytes in the file.
    """
    if full > BOMB_BYTES and full > BOMB_RATIO * stored:
        raise LimitExceeded(
            f"{stored} bytes would expand to {full}; a scan does not compress that much",
            hint="if the file is right, save it without compression",
        )
