"""Positions of frame numbers along the film of a scan.

Covers the arithmetic only; standard library, as the parent process uses it, too. The codes are
read by :mod:`divere_cli.films.edge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Crop = tuple[float, float, float, float]  # x, y, width, height in 0..1 of the stored frame


@dataclass(frozen=True, slots=True)
class Numbering:
    """Positions of a scan's codes along the film, in shares of its width.

    If ``upright``, in shares of its height. ``zero`` is the position of half frame 0, that is
    of the center of its code; ``step`` is the distance to the next half frame, negative where
    numbers decrease.
    """

    upright: bool
    zero: float
    step: float

    def of_crop(self, crop: Crop) -> str:
        """Return the number of a picture whose crop is (x, y, width, height), each 0 to 1."""
        x, y, width, height = crop
        return self.frame(x + width / 2, y + height / 2)

    def frame(self, x: float, y: float) -> str:
        """Return the number of the picture whose center is at ``x``, ``y`` (0 to 1).

        It is the full number of the two codes beside the center, as in a scan of this picture
        alone.
        """
        half = ((y if self.upright else x) - self.zero) / self.step
        return str((math.floor(half) + 1) // 2)
