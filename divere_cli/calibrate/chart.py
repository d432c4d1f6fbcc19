"""A color chart: positions and colors of its patches.

Covers the records that the room shares. Values come from the shipped charts
(:mod:`divere_cli.calibrate.shipped_charts`) and from reference files
(:mod:`divere_cli.calibrate.reference_file`). Standard library only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Lab = tuple[float, float, float]

# A ColorChecker's patches take 0.80 (Mini) to 0.88 (Classic) of their pitch.
FILL = 0.84
# Chroma under which a patch counts as gray; the white of a ColorChecker has 2.4.
GRAY_CHROMA = 4.0


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch: its name and its CIE Lab under D50."""

    name: str
    lab: Lab

    @property
    def gray(self) -> bool:
        """Whether it is one of the chart's neutral patches."""
        return math.hypot(self.lab[1], self.lab[2]) < GRAY_CHROMA


@dataclass(frozen=True, slots=True)
class Chart:
    """Patches row by row from the chart's own top left; ``patches`` has rows x columns."""

    name: str
    title: str
    rows: int
    columns: int
    patches: tuple[Patch, ...]
    source: str

    @property
    def grays(self) -> tuple[int, ...]:
        """Indices of the neutral patches."""
        return tuple(index for index, patch in enumerate(self.patches) if patch.gray)

    @property
    def corner_names(self) -> tuple[str, str, str, str]:
        """Names of the patches at top left, top right, bottom right, bottom left."""
        last = len(self.patches) - 1
        corners = (0, self.columns - 1, last, last - self.columns + 1)
        return tuple(self.patches[i].name for i in corners)  # type: ignore[return-value]
