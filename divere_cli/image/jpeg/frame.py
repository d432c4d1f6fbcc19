"""Reads the frame header of any JPEG stream: baseline, progressive, lossless, any bits.

Covers the checks of a TIFF or DNG segment before a decoder gets it. Not covered: the header of a
JPEG file (:mod:`divere_cli.image.jpeg.header`).

Source: ITU-T T.81 annex B.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from divere_cli.errors import CorruptInput
from divere_cli.image import containers
from divere_cli.image.source import Source

_RESTART_INTERVAL, _SCAN = 0xDD, 0xDA
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_NO_FRAMES = {0xC4, 0xC8, 0xCC}  # tables, and what T.81 keeps for later
_BARE = {0x01, *range(0xD0, 0xD9)}
_MOST = 4096
_END = b"\xff\xd9"
_TAIL = 64


@dataclass(frozen=True, slots=True)
class Frame:
    """Values of the start of frame, and whether the stream has its end marker."""

    marker: int
    bits: int
    width: int
    height: int
    components: int
    ends: bool

    @property
    def lossless(self) -> bool:
        """Whether it is lossless (process 14, SOF3, and variants)."""
        return self.marker in _LOSSLESS

    @property
    def samples(self) -> int:
        """Number of samples in the frame, of all components."""
        return self.width * self.height * self.components


def is_plain_lossless(source: Source) -> bool:
    """Return whether a lossless stream has neither restart intervals nor a point transform.

    Parameters
    ----------
    source : Source
        The open file.
    """
    for marker, offset, length in containers.segments(source):
        if marker == _RESTART_INTERVAL and source.read(offset, 2) != b"\0\0":
            return False
        if marker == _SCAN and length and source.read(offset + length - 1, 1)[0] & 15:
            return False
    return True


def read(source: Source) -> Frame:
    """Find the frame of a stream.

    Parameters
    ----------
    source : Source
        The open file.

    Raises
    ------
    CorruptInput
        There is none before the first scan.
    """
    at = 2
    for _ in range(_MOST):
        mark, marker = source.read(at, 2, "a JPEG marker")
        if mark != 0xFF:
            raise CorruptInput(f"no JPEG marker at byte {at}")
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack(">H", source.read(at + 2, 2, "a JPEG segment"))
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES:
            data = source.read(at + 4, 6, "the JPEG frame")
            bits, height, width, components = struct.unpack(">BHHB", data)
            tail = min(_TAIL, source.size)
            end = source.read(source.size - tail, tail).rstrip(b"\0").endswith(_END)
            # codes of a scan hold no marker of an end: bytes behind one do not belong to it
            end = end or _END in source.read(at, source.size - at)
            return Frame(marker, bits, width, height, components, end)
        if marker in (0xDA, 0xD9) or length < 2:
            break
        at += 2 + length
    raise CorruptInput("the JPEG has no frame before its first scan")
