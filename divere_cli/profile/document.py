"""Converts a :class:`Recipe` to a preset, which ``samples`` and ``analyze`` write for DiVERE.

Covers version 3 with all figures, so that the file keeps its meaning when shipped data change;
names are labels only. Not covered: reading (:mod:`divere_cli.profile.loading`).
"""

from __future__ import annotations

from collections.abc import Mapping

from divere_cli.profile.schema import VERSION
from divere_cli.profile.strict_json import Json
from divere_cli.records.grade import Curves, Points, Recipe, Space

LABEL = "custom"


def preset(recipe: Recipe, metadata: Mapping[str, Json]) -> dict[str, Json]:
    """Return a single preset as JSON-ready data.

    Parameters
    ----------
    recipe : Recipe
    metadata : mapping
        ``raw_file``, ``orientation``, ``crop`` and notes; the film type is added.
    """
    return {
        "version": VERSION,
        "type": "single",
        "metadata": {**metadata, "film_type": recipe.film.name},
        **ours(recipe),
        **grade(recipe),
    }


def ours(recipe: Recipe) -> dict[str, Json]:
    """Return the keys that DiVERE does not know, if their values differ from its behavior.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    keys: dict[str, Json] = {}
    if recipe.adaptation != "ratio":
        keys["adaptation"] = recipe.adaptation
    if recipe.camera_white_balance != "off":
        keys["camera_white_balance"] = recipe.camera_white_balance
    return keys


def grade(recipe: Recipe) -> dict[str, Json]:
    """Return ``idt`` and ``cc_params`` of a recipe: the content of a folder default or a crop.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    red, blue = recipe.channel_gamma
    return {
        "idt": _idt(recipe.input_space),
        "cc_params": {
            "density_gamma": recipe.density_gamma,
            "density_dmax": recipe.density_dmax,
            "rgb_gains": list(recipe.rgb_gains),
            **({"density_matrix": _matrix(recipe)} if recipe.matrix is not None else {}),
            "density_curve": {"name": LABEL, "points": _points(recipe.curves)},
            "channel_gamma": {"r": red, "b": blue},
            "screen_glare_compensation": recipe.screen_glare_compensation,
        },
    }


def _matrix(recipe: Recipe) -> Json:
    return {"name": LABEL, "values": [list(row) for row in recipe.matrix or ()]}


def _points(curves: Curves) -> Json:
    named = {"rgb": curves.rgb, "r": curves.r, "g": curves.g, "b": curves.b}
    return {name: _listed(points) for name, points in named.items()}


def _listed(points: Points) -> Json:
    # DiVERE draws a curve that does nothing from these two points
    return [[x, y] for x, y in points or ((0.0, 0.0), (1.0, 1.0))]


def _idt(space: Space) -> Json:
    idt: dict[str, Json] = {"name": space.name, "gamma": space.gamma}
    idt["white"] = {"x": space.white[0], "y": space.white[1]}
    if space.primaries is not None:
        idt["primitives"] = {
            channel: {"x": x, "y": y}
            for channel, (x, y) in zip("rgb", space.primaries, strict=True)
        }
    return idt
