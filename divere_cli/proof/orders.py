"""What a sheet is of, as the parent asks a worker for it: plain data, standard library only."""

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
    """One scan under many grades.

    ``profiles`` has the grade that is varied, or for ``profile`` all that are shown.
    ``measured``: neutral and exposure are measured first, as a batch does for a shipped
    profile. ``step`` is a density, for ``contrast`` a slope; ``size`` the long edge of the
    sheet in pixels; ``form`` what Pillow calls the format.
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
    """One picture of a roll: its labels; ``failed`` says why there is no picture.

    ``shape`` is that of the small picture: rows, columns, channels.
    """

    name: str
    lines: tuple[str, ...]
    shape: tuple[int, int, int] = (0, 0, 0)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class ContactOrder:
    """A roll on a sheet. Frames of the job are the tiles that have pictures, in order."""

    tiles: tuple[ContactTile, ...]
    title: str
    space: Space
    size: int
    form: str


@dataclass(frozen=True, slots=True)
class SmallOrder:
    """Make a scan's pictures small: at most ``side`` pixels a side; measure them, too."""

    measured: bool
    side: int


@dataclass(frozen=True, slots=True)
class Cells:
    """Small pictures that a worker left for the sheet: shapes (rows, columns, channels).

    ``numbers`` are their frame numbers on the film, where its edge shows them.
    """

    shapes: tuple[tuple[int, int, int], ...]
    measurement: str
    numbers: tuple[str, ...] = ()
