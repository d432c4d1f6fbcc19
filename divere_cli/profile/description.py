"""Describes a preset: each figure of the grade, its unit and its origin.

Covers the rows of ``divere profiles show`` and ``divere inspect``. Not covered: their layout
(``cli``).
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.profile import crops, resolve
from divere_cli.profile.crops import Picture
from divere_cli.profile.resolve import Resolved
from divere_cli.profile.schema import Box, Metadata, Preset
from divere_cli.records.grade import Film, Recipe

NOTES = ("film_stock", "scanner", "light_source", "print_stock", "note", "source")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: ``origin`` is ``preset``, ``base NAME``, ``film type`` or ``default``."""

    name: str
    value: str
    unit: str
    origin: str


@dataclass(frozen=True, slots=True)
class Described:
    """One picture of a preset: the whole frame, or a crop of a contact sheet."""

    crop_name: str
    crop: Box
    orientation: int
    recipe: Recipe
    rows: tuple[Row, ...]
    origins: dict[str, str]


@dataclass(frozen=True, slots=True)
class Description:
    """A preset: its metadata and its pictures."""

    name: str
    title: str
    notes: tuple[tuple[str, str], ...]
    pictures: tuple[Described, ...]
    warnings: tuple[str, ...]


def describe(preset: Preset, working: str = resolve.WORKING) -> Description:
    """Describe a preset as it grades a color scan.

    Parameters
    ----------
    preset : Preset
        The preset.
    working : str, default resolve.WORKING
        Name of the working space.

    Raises
    ------
    ProfileError
        It has a name that divere does not ship.
    """
    described: list[Described] = []
    warnings = list(preset.warnings)
    parts = crops.pictures(preset)
    for part in parts:
        resolved = resolve.resolve(part.preset, working)
        described.append(_described(part, resolved))
        warnings += [warning for warning in resolved.warnings if warning not in warnings]
    part_metadata = parts[0].preset.metadata if len(parts) == 1 else preset.metadata
    metadata = part_metadata or Metadata()
    notes = tuple((name.replace("_", " "), getattr(metadata, name) or "") for name in NOTES)
    return Description(
        preset.label,
        metadata.title or "",
        tuple((name, note) for name, note in notes if note),
        tuple(described),
        tuple(warnings),
    )


def _described(part: Picture, resolved: Resolved) -> Described:
    recipe, origins = resolved.recipe, resolved.origins
    space = recipe.input_space
    rows = [
        Row("film type", recipe.film.name, "", origins["film_type"]),
        Row("steps", _steps(recipe.film), "", "film type"),
        Row("input space", space.name, "", origins["idt"]),
        Row("input primaries", _pairs(space.primaries or ()), "CIE 1931 xy", origins["idt"]),
        Row("input white", _pairs((space.white,)), "CIE 1931 xy", origins["idt"]),
        Row("input gamma", f"{space.gamma:g}", "", origins["idt.gamma"]),
        Row("working space", recipe.working_space.name, "", "program"),
        Row("adaptation", recipe.adaptation, "", origins["adaptation"]),
        Row(
            "white balance",
            recipe.camera_white_balance,
            "camera raw",
            origins["camera_white_balance"],
        ),
        Row("density gamma", f"{recipe.density_gamma:g}", "", origins["density_gamma"]),
        Row("density dmax", f"{recipe.density_dmax:g}", "log10", origins["density_dmax"]),
        Row("density matrix", _matrix(recipe), "", origins["density_matrix"]),
        Row("channel gamma r", f"{recipe.channel_gamma[0]:g}", "", origins["channel_gamma.r"]),
        Row("channel gamma b", f"{recipe.channel_gamma[1]:g}", "", origins["channel_gamma.b"]),
        Row("RGB gains", _numbers(recipe.rgb_gains), "log10", origins["rgb_gains"]),
        Row("density curve", _curves(recipe), "", origins["density_curve"]),
        Row(
            "screen glare",
            f"{recipe.screen_glare_compensation:g}",
            "linear",
            origins["screen_glare_compensation"],
        ),
    ]
    return Described(part.crop_name, part.crop, part.orientation, recipe, tuple(rows), origins)


def _steps(film: Film) -> str:
    steps = {
        "invert": film.invert,
        "matrix": film.density_matrix,
        "gains": film.rgb_gains,
        "curve": film.density_curve,
        "one channel": film.monochrome,
    }
    return ", ".join(name for name, runs in steps.items() if runs)


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _pairs(values: tuple[tuple[float, float], ...]) -> str:
    return "  ".join(f"{x:.4f} {y:.4f}" for x, y in values)


def _matrix(recipe: Recipe) -> str:
    if recipe.matrix is None:
        return "none"
    return " / ".join(_numbers(row) for row in recipe.matrix)


def _curves(recipe: Recipe) -> str:
    points = {name: len(getattr(recipe.curves, name)) for name in resolve.CHANNELS}
    counts = [f"{name}: {count} points" for name, count in points.items() if count]
    return ", ".join(counts) or "none"
