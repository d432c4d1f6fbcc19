"""Which frame number lies where along the film of a scan.

Covers the arithmetic only; standard library, so that the parent process asks, too. The codes are
read by :mod:`divere_cli.films.edge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Crop = tuple[float, float, float, float]  # x, y, width, height in 0..1 of the stored frame


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where a scan's codes lie along the film, in parts of the scan's width.

    Of its height where ``upright``. ``zero`` is where half frame 0 would have its code's
    middle, ``step`` how far it is to the next half frame; below 0 where numbers fall.
    """

    upright: bool
    zero: float
    step: float

    def of_crop(self, crop: Crop) -> str:
        """Return the number of a picture whose crop is (x, y, width, height), each 0 to 1."""
        x, y, width, height = crop
        return self.frame(x + width / 2, y + height / 2)

    def frame(self, x: float, y: float) -> str:
        """Return the number of the picture whose middle is at ``x``, ``y`` (0 to 1).

        Its own is the whole number of the two codes beside its middle, as a scan of it alone
        has it.
        """
        half = ((y if self.upright else x) - self.zero) / self.step
        return str((math.floor(half) + 1) // 2)
