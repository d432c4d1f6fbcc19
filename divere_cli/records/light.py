"""The map of a light as plain data: what evens out scans of one run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LightMap:
    """Gains at the centers of cells, a ring of cells beyond the picture's rim included.

    ``across`` and ``down`` are a cell's sides in parts of the picture's width and
    height. ``gains`` is text of 16-bit logarithms (``develop.flat_field.packed``);
    ``sha256`` is that of the gains and sides. ``lowest`` and ``highest`` are the gains
    within the picture, over all channels.
    """

    rows: int
    columns: int
    channels: int
    across: float
    down: float
    gains: str
    sha256: str = ""
    lowest: float = 1.0
    highest: float = 1.0
