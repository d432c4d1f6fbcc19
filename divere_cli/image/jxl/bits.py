"""Bits, numbers and enumerations in the head of a JPEG XL codestream.

Covers reading and writing them, least significant bit first. Not covered: their meaning
(:mod:`.codestream`).

Source: ISO/IEC 18181-1:2024, annex B.
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.errors import CorruptInput

# A choice of U32(): (bits, offset); no bits: a constant.
Choices = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
ENUM: Choices = ((0, 0), (0, 1), (4, 2), (6, 18))


@dataclass(slots=True)
class BitReader:
    """Reads bits of ``data`` from its start."""

    data: bytes
    at: int = 0

    def bits(self, count: int) -> int:
        """Return the next ``count`` bits as a number.

        Raises
        ------
        CorruptInput
            The data end too early.
        """
        end = self.at + count
        if end > 8 * len(self.data):
            raise CorruptInput("the JPEG XL header is cut off")
        first, last = self.at // 8, -(-end // 8)
        number = int.from_bytes(self.data[first:last], "little") >> (self.at % 8)
        self.at = end
        return number & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit."""
        return bool(self.bits(1))

    def u32(self, choices: Choices) -> int:
        """Return a number of one of four sizes."""
        count, offset = choices[self.bits(2)]
        return offset + self.bits(count)


@dataclass(slots=True)
class BitWriter:
    """Collects bits."""

    number: int = 0
    count: int = 0

    def bits(self, value: int, count: int) -> None:
        """Append ``value`` in ``count`` bits."""
        self.number |= (value & ((1 << count) - 1)) << self.count
        self.count += count

    def u32(self, value: int, choices: Choices) -> None:
        """Append a number with the first choice that can hold it."""
        for index, (count, offset) in enumerate(choices):
            if offset <= value < offset + (1 << count):
                self.bits(index, 2)
                self.bits(value - offset, count)
                return
        raise ValueError(f"{value} does not fit into {choices}")

    def bytes(self) -> bytes:
        """Return all bits so far, padded with zeros to whole bytes."""
        return self.number.to_bytes(-(-self.count // 8), "little")
