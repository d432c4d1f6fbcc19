"""A grade with every name resolved: color spaces, film, curves, the recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.records.serialize import LATER

XY = tuple[float, float]


Points = tuple[XY, ...]


Matrix3 = tuple[
    tuple[float, float, float],
    tuple[float, float, float],
    tuple[float, float, float],
]


Transfer = Literal["power", "l_star", "acescct"]


@dataclass(frozen=True, slots=True)
class Space:
    """A color space: CIE 1931 xy primaries and white; ``gamma`` linearises an encoded value.

    ``primaries`` is None for a gray space. ``transfer`` names the encoding; ``gamma``
    counts for ``power`` only. To an ``adapted`` one the white is adapted by Bradford
    whatever the preset says: DiVERE, whose own way presets follow, does not have it.
    """

    name: str
    primaries: tuple[XY, XY, XY] | None
    white: XY
    gamma: float = 1.0
    transfer: Transfer = field(default="power", metadata=LATER)
    adapted: bool = field(default=False, metadata=LATER)


WhiteBalance = Literal["off", "as_shot"]


@dataclass(frozen=True, slots=True)
class Film:
    """Which steps a film type runs (``profiles/film_types.json``)."""

    name: str
    invert: bool
    density_matrix: bool
    rgb_gains: bool
    density_curve: bool
    monochrome: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """Density curves, points ascending in x; an empty list does nothing at all."""

    rgb: Points = ()
    r: Points = ()
    g: Points = ()
    b: Points = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One grade with every name resolved: numbers only, ready for ``color``.

    ``input_space.gamma`` is the IDT gamma. Densities are log10. ``matrix`` is
    None where the preset has none. ``sha256`` is over the recipe's numbers and
    goes into the report and into what counts as up to date.
    """

    profile: str
    film: Film
    input_space: Space
    working_space: Space
    density_gamma: float = 1.0
    density_dmax: float = 2.5
    rgb_gains: tuple[float, float, float] = (0.0, 0.0, 0.0)
    matrix: Matrix3 | None = None
    channel_gamma: tuple[float, float] = (1.0, 1.0)  # r, b
    curves: Curves = field(default_factory=Curves)
    screen_glare_compensation: float = 0.0
    adaptation: Literal["ratio", "bradford"] = "ratio"
    camera_white_balance: WhiteBalance = "off"  # of a camera's raw file; others have none
    sha256: str = ""
    # its gray is that of a chart on the film: measuring a roll moves its exposure alone
    calibrated: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class ProfileRef:
    """Which profile served a scan."""

    name: str
    sha256: str
