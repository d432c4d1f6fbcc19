"""Converts presets of version 2 and earlier to the keys of version 3.

Covers renaming only: values stay unchanged, and the reader of version 3 checks them; its messages
use the paths of the old file (``renames``).

An old file has ``grading_params`` (figures and curve points),
``input_transformation`` (``idt``), ``density_matrix`` and ``density_curve`` at
the top.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from divere_cli.profile.diagnostics import Place
from divere_cli.profile.schema import VERSION
from divere_cli.profile.strict_json import Json

OLD_KEYS = frozenset(
    (
        *("grading_params", "input_transformation", "input_color_space"),
        *("density_matrix", "correction_matrix", "density_curve"),
    )
)
NEW_KEYS = frozenset(("metadata", "idt", "cc_params", "crops"))
_IN_METADATA = ("raw_file", "orientation", "crop", "film_type")
_FIGURES = (
    *("density_gamma", "density_dmax", "rgb_gains", "channel_gamma", "screen_glare_compensation"),
    *("enable_density_inversion", "enable_density_matrix"),
    *("enable_rgb_gains", "enable_density_curve"),
)
_CURVES = {
    "rgb": "curve_points",
    "r": "curve_points_r",
    "g": "curve_points_g",
    "b": "curve_points_b",
}
_READ_AT_TOP = frozenset(("version", "name", *_IN_METADATA, *OLD_KEYS))
_OLD_SHEETS = ("contactsheets", "bundle", "crops")
_MATRIX_NAMES = ("density_matrix_name", "density_matrix_file", "correction_matrix_file")
_READ_IN_GRADING = frozenset(
    (
        *_FIGURES,
        *_CURVES.values(),
        *("density_matrix", "correction_matrix", "density_curve_name", "input_color_space_name"),
        *_MATRIX_NAMES,
    )
)
_IDENTITY: list[Json] = [[0, 0], [1, 1]]


@dataclass(slots=True)
class Upgraded:
    """A document in the keys of version 3, with the old paths of its values."""

    value: Json
    renames: dict[str, str] = field(default_factory=dict)

    def take(self, new: str, old: str) -> None:
        """Record that the path ``new`` is ``old`` in the file."""
        self.renames[new] = old


def upgrade(value: Json, at: Place) -> Upgraded:
    """Convert a document to version 3; one of version 3 stays unchanged.

    An invalid version is reported to ``at``.

    Parameters
    ----------
    value : Json
        The JSON value.
    at : Place
        Its position, for messages.
    """
    if not isinstance(value, dict):
        at.refuse(value, "an object, a preset")
        return Upgraded(None)
    version = value.get("version")
    is_old = not NEW_KEYS & value.keys() and bool(OLD_KEYS & value.keys())
    if version is not None and (isinstance(version, bool) or version not in (1, 2, VERSION)):
        newer = isinstance(version, int | float) and version > VERSION
        hint = " (written by a newer DiVERE?)" if newer else ""
        at.key("version").refuse(version, f"1, 2 or {VERSION}{hint}")
        return Upgraded(None)
    if version == VERSION or not is_old:
        return Upgraded({**value, "version": VERSION} if version in (1, 2) else value)
    return _from_old(value, at)


def _from_old(old: dict[str, Json], at: Place) -> Upgraded:
    for name in filter(old.__contains__, _OLD_SHEETS):
        at.key(name).problem(
            "is a contact sheet of an older version; "
            "allowed: version 3 (open and save it in DiVERE)",
            structural=False,
        )
    at.unknown([name for name in old if name not in _READ_AT_TOP and name not in _OLD_SHEETS])
    grading = old.get("grading_params") or {}
    if not isinstance(grading, dict):
        at.key("grading_params").refuse(grading, "an object")
        return Upgraded(None)
    at.key("grading_params").unknown([name for name in grading if name not in _READ_IN_GRADING])
    upgraded = Upgraded(None)
    metadata = _metadata(old, upgraded)
    grade = _grade(old, grading, upgraded)
    document: dict[str, Json] = {"version": VERSION, "type": "single", "metadata": metadata}
    document["cc_params"] = grade
    for name in ("input_transformation", "input_color_space"):
        if old.get(name):
            document["idt"] = _idt(old[name], name, upgraded)
            break
    upgraded.value = document
    return upgraded


def _metadata(old: dict[str, Json], upgraded: Upgraded) -> dict[str, Json]:
    metadata: dict[str, Json] = {}
    for name in _IN_METADATA:
        if name in old:
            metadata[name] = old[name]
            upgraded.take(f".metadata.{name}", f".{name}")
    return metadata


def _grade(old: dict[str, Json], grading: dict[str, Json], upgraded: Upgraded) -> dict[str, Json]:
    grade: dict[str, Json] = {}
    for name in _FIGURES:
        if name in grading:
            grade[name] = grading[name]
            upgraded.take(f".cc_params.{name}", f".grading_params.{name}")
    matrix = _matrix(old, grading, upgraded)
    if matrix:
        grade["density_matrix"] = matrix
    curve = _curve(old, grading, upgraded)
    if curve:
        grade["density_curve"] = curve
    return grade


def _matrix(old: dict[str, Json], grading: dict[str, Json], upgraded: Upgraded) -> dict[str, Json]:
    """Return name and values; the top of the file overrides ``grading_params``."""
    matrix: dict[str, Json] = {}
    for holder, prefix in ((old, ""), (grading, ".grading_params")):
        for name in ("density_matrix", "correction_matrix"):
            value = holder.get(name)
            parts = value if isinstance(value, dict) else {"values": value}
            for part in ("name", "values"):
                if parts.get(part) is not None and part not in matrix:
                    matrix[part] = parts[part]
                    tail = f".{part}" if isinstance(value, dict) else ""
                    upgraded.take(f".cc_params.density_matrix.{part}", f"{prefix}.{name}{tail}")
    for name in _MATRIX_NAMES:
        if grading.get(name) and "name" not in matrix:
            matrix["name"] = grading[name]
            upgraded.take(".cc_params.density_matrix.name", f".grading_params.{name}")
    return matrix


def _curve(old: dict[str, Json], grading: dict[str, Json], upgraded: Upgraded) -> dict[str, Json]:
    """Return name and points; identity points are used only if there are no others."""
    stored = old.get("density_curve")
    top: dict[str, Json] = stored if isinstance(stored, dict) else {}
    curve: dict[str, Json] = {}
    for holder, name, path in (
        (top, "name", ".density_curve.name"),
        (grading, "density_curve_name", ".grading_params.density_curve_name"),
    ):
        if holder.get(name) and "name" not in curve:
            curve["name"] = holder[name]
            upgraded.take(".cc_params.density_curve.name", path)
    points: dict[str, Json] = {}
    at_top = top.get("points")
    listed = not isinstance(at_top, dict)
    tops: dict[str, Json] = at_top if isinstance(at_top, dict) else {"rgb": at_top}
    for channel, old_name in _CURVES.items():
        new = f".cc_params.density_curve.points.{channel}"
        if tops.get(channel) not in (None, [], _IDENTITY) or old_name not in grading:
            points[channel] = tops.get(channel)
            upgraded.take(new, ".density_curve.points" + ("" if listed else f".{channel}"))
        else:
            points[channel] = grading[old_name]
            upgraded.take(new, f".grading_params.{old_name}")
    if any(value is not None for value in points.values()):
        curve["points"] = points
    return curve


def _idt(old: Json, name: str, upgraded: Upgraded) -> Json:
    """Return ``input_transformation``: a name and its definition, under several spellings."""
    if not isinstance(old, dict):
        upgraded.take(".idt", f".{name}")
        return old
    definition = old.get("definition")
    inner: dict[str, Json] = definition if isinstance(definition, dict) else {}
    idt: dict[str, Json] = {}
    spellings = {
        "name": ("name",),
        "gamma": ("gamma",),
        "white": ("white", "white_point", "white_point_xy"),
        "primitives": ("primitives", "primaries", "primaries_xy"),
    }
    upgraded.take(".idt", f".{name}")
    for new, olds in spellings.items():
        for prefix, holder in ((f".{name}", old), (f".{name}.definition", inner)):
            for spelling in olds:
                if holder.get(spelling) is not None and new not in idt:
                    idt[new] = _points_as_objects(holder[spelling])
                    upgraded.take(f".idt.{new}", f"{prefix}.{spelling}")
    return idt


def _points_as_objects(value: Json) -> Json:
    """Convert [x, y] to {x, y}, R to r, three points to r, g, b: old versions had all of these."""
    if isinstance(value, list) and len(value) == 3:
        return {name: _points_as_objects(point) for name, point in zip("rgb", value, strict=True)}
    if isinstance(value, list) and len(value) == 2:
        return {"x": value[0], "y": value[1]}
    if isinstance(value, dict) and value.keys() & {"r", "g", "b", "R", "G", "B"}:
        return {name.lower(): _points_as_objects(point) for name, point in value.items()}
    return value
