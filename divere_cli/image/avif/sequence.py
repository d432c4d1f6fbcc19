"""Reads the size of a coded picture from the sequence header of AV1.

Covers the units before it and its fields up to the size. Not covered: frame headers, and sequence
headers with timing, which videos have. Standard library only.

Source: AV1 bitstream and decoding process specification sections 5.3, 5.5 and 4.10.5.
"""

from __future__ import annotations

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.avif.items import EXPORT

_SEQUENCE_HEADER = 1
_MOST_LENGTH_BYTES = 8
_SHORT = "the AV1 data of the AVIF has no sequence header"


class _Bits:
    """Bits of a sequence header, from the highest of each byte on."""

    def __init__(self, data: bytes) -> None:
        self._data, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise CorruptInput(_SHORT)
        return self._data >> self._left & ((1 << count) - 1)


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels of the picture whose AV1 data begins so.

    Parameters
    ----------
    data : bytes
        The first bytes of an item.

    Raises
    ------
    CorruptInput, Unsupported
    """
    bits = _Bits(_sequence_header(data))
    bits.take(4)
    if bits.take(1):
        bits.take(5)  # a still picture: no more than the level
    else:
        _skip_points(bits)
    widths, heights = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(widths) + 1, bits.take(heights) + 1


def _skip_points(bits: _Bits) -> None:
    if bits.take(1):
        raise Unsupported("an AVIF whose data has the timing of a video", hint=EXPORT)
    delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay and bits.take(1):
            bits.take(4)


def _sequence_header(data: bytes) -> bytes:
    """Return the first sequence header among the units."""
    at = 0
    while at < len(data):
        head = data[at]
        at += 2 if head & 4 else 1
        length = len(data) - at
        if head & 2:
            length, at = _length(data, at)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return data[at : at + length]
        at += length
    raise CorruptInput(_SHORT)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : at + _MOST_LENGTH_BYTES]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise CorruptInput(_SHORT)
