"""The grades of a sheet: their recipes, labels with values for a preset, and positions.

Covers the ring-around, strips of exposure and of contrast, and a sheet of profiles.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, sqrt

from divere_cli.proof.orders import Named, Vary
from divere_cli.records.grade import Recipe

# The key of a preset's cc_params that the second line of a label shows.
KEYS = {
    "color": "rgb_gains",
    "exposure": "rgb_gains",
    "contrast": "density_gamma",
    "profile": "rgb_gains",
}
DIGITS = 4
STRIP = 4  # steps to each side
RING = 2
CONTACT_ASPECT = 1.5  # of a contact sheet's tiles: 3 by 2, as most films are
LEAST_GAMMA, MOST_GAMMA = 0.1, 5.0  # of a preset
MOST_GAIN = 5.0

# Channel, sign and direction on the sheet (columns right, rows down): hues are around the
# center as on a color wheel, opposite to their complements.
WHEEL = (
    ("red", 0, 1, (1.0, 0)),
    ("yellow", 2, -1, (0.5, -1)),
    ("green", 1, 1, (-0.5, -1)),
    ("cyan", 0, -1, (-1.0, 0)),
    ("blue", 2, 1, (-0.5, 1)),
    ("magenta", 1, -1, (0.5, 1)),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One tile: ``lines`` are its label, ``at`` its column and row, columns may be halves."""

    lines: tuple[str, ...]
    recipe: Recipe
    at: tuple[float, int]
    center: bool = False


def variants(vary: Vary, profiles: tuple[Named, ...], step: float) -> tuple[Variant, ...]:
    """Return the tiles of a sheet.

    Parameters
    ----------
    vary : {"color", "exposure", "contrast", "profile"}
    profiles : tuple of Named
        The grade that is varied; for ``profile`` all grades.
    step : float
        Density (log10) between neighbors; for ``contrast`` the slope between them.
    """
    if vary == "profile":
        return tuple(_profiles(profiles))
    recipe = profiles[0].recipe
    if vary == "color":
        return tuple(_ring(recipe, step))
    if vary == "exposure":
        return tuple(_exposures(recipe, step))
    return tuple(_contrasts(recipe, step))


def gains_text(recipe: Recipe) -> str:
    """Return the gains of a recipe as they are written in a preset.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    return ", ".join(_number(gain) for gain in recipe.rgb_gains)


def columns_for(count: int, aspect: float) -> int:
    """Return the columns of a sheet whose shape is near 4:3.

    Parameters
    ----------
    count : int
        Number of tiles.
    aspect : float
        Width over height of a tile.
    """
    return max(1, min(count, round(sqrt(count * 4.0 / 3.0 / max(aspect, 0.1)))))


def _ring(recipe: Recipe, step: float) -> Iterator[Variant]:
    yield Variant(("center", gains_text(recipe)), recipe, (2.0, 2), center=True)
    for name, channel, sign, (right, down) in WHEEL:
        for ring in range(1, RING + 1):
            moved = _gained(recipe, {channel: sign * ring * step})
            at = (2.0 + ring * right, 2 + ring * down)
            yield Variant((f"{name} {ring}", gains_text(moved)), moved, at)


def _exposures(recipe: Recipe, step: float) -> Iterator[Variant]:
    for offset in range(-STRIP, STRIP + 1):
        shift = offset * step
        moved = _gained(recipe, dict.fromkeys(range(3), shift))
        name = "center" if offset == 0 else f"{_number(shift, sign=True)} D"
        at = _in_strip(offset + STRIP)
        yield Variant((name, gains_text(moved)), moved, at, center=offset == 0)


def _contrasts(recipe: Recipe, step: float) -> Iterator[Variant]:
    for offset in range(-STRIP, STRIP + 1):
        gamma = min(MOST_GAMMA, max(LEAST_GAMMA, recipe.density_gamma + offset * step))
        gamma = round(gamma, DIGITS)
        moved = replace(recipe, density_gamma=gamma, sha256="")
        name = "center" if offset == 0 else f"contrast {_number(gamma / recipe.density_gamma)}"
        at = _in_strip(offset + STRIP)
        yield Variant((name, _number(gamma)), moved, at, center=offset == 0)


def _profiles(profiles: tuple[Named, ...]) -> Iterator[Variant]:
    columns = max(1, ceil(sqrt(len(profiles))))
    for index, named in enumerate(profiles):
        at = (float(index % columns), index // columns)
        lines = (f"-p {named.name}", gains_text(named.recipe))
        yield Variant(lines, named.recipe, at, center=index == 0)


def _in_strip(index: int) -> tuple[float, int]:
    return float(index % 3), index // 3


def _gained(recipe: Recipe, shifts: dict[int, float]) -> Recipe:
    red, green, blue = (
        round(min(MOST_GAIN, max(-MOST_GAIN, gain + shifts.get(channel, 0.0))), DIGITS)
        for channel, gain in enumerate(recipe.rgb_gains)
    )
    return replace(recipe, rgb_gains=(red, green, blue), sha256="")


def _number(value: float, *, sign: bool = False) -> str:
    """Return a number as in a preset: without unneeded digits or a minus zero."""
    rounded = round(value, DIGITS) + 0.0
    return f"{rounded:+g}" if sign else f"{rounded:g}"
