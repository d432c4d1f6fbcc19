"""Orders for sheets, from the parent to a worker: plain data, standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from divere_cli.records.grade import Recipe, Space

Vary = Literal["color", "exposure", "contrast", "profile"]

STEPS = {"color": 0.05, "exposure": 0.1, "contrast": 0.05, "profile": 0.0}


@dataclass(frozen=True, slots=True)
class Named:
    """A profile by its name, resolved for the scan."""

    name: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """A sheet of one scan in many grades.

    ``profiles`` has the grade that is varied, or for ``profile`` all grades. ``measured``:
    gray and exposure are measured first, as a batch does for a shipped profile. ``step`` is
    a density, for ``contrast`` a slope; ``size`` is the long edge of the sheet in pixels,
    ``form`` Pillow's name of the format.
    """

    vary: Vary
    step: float
    profiles: tuple[Named, ...]
    measured: bool
    title: str
    space: Space
    size: int
    form: str


@dataclass(frozen=True, slots=True)
class ContactTile:
    """One picture of a roll with its labels; ``failed`` is the reason if there is no picture.

    ``shape`` is the shape of the small picture: rows, columns, channels.
    """

    name: str
    lines: tuple[str, ...]
    shape: tuple[int, int, int] = (0, 0, 0)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class ContactOrder:
    """A roll on a sheet. The frames of the job are the tiles with pictures, in order."""

    tiles: tuple[ContactTile, ...]
    title: str
    space: Space
    size: int
    form: str


@dataclass(frozen=True, slots=True)
class SmallOrder:
    """Reduce a scan's pictures to at most ``side`` pixels a side; measure them if requested."""

    measured: bool
    side: int


@dataclass(frozen=True, slots=True)
class Cells:
    """Small pictures that a worker wrote for the sheet: shapes (rows, columns, channels).

    ``numbers`` are their frame numbers on the film, where its edge shows them.
    """

    shapes: tuple[tuple[int, int, int], ...]
    measurement: str
    numbers: tuple[str, ...] = ()
