"""Preset documents for the tests of this room."""

from __future__ import annotations

import copy
from typing import Any

MY_SCANNER: dict[str, Any] = {
    "name": "my scanner",
    "gamma": 1.0,
    "white": {"x": 0.32, "y": 0.34},
    "primitives": {
        "r": {"x": 0.66, "y": 0.32},
        "g": {"x": 0.26, "y": 0.67},
        "b": {"x": 0.15, "y": 0.05},
    },
}

SINGLE: dict[str, Any] = {
    "version": 3,
    "type": "single",
    "metadata": {
        "raw_file": "IMG 1.tif",
        "orientation": 90,
        "crop": [0.1, 0.2, 0.5, 0.6],
        "film_type": "color_negative_c41",
        "note": "two\nlines",
    },
    "idt": MY_SCANNER,
    "cc_params": {
        "density_gamma": 1.2,
        "density_dmax": 2.1,
        "rgb_gains": [0.1, 0.0, -0.2],
        "density_matrix": {
            "name": "mine",
            "values": [[1.1, 0.1, 0.0], [0.0, 0.9, 0.05], [0.0, 0.0, 1.0]],
        },
        "density_curve": {
            "name": "mine",
            "points": {"rgb": [[0.0, 0.0], [0.4, 0.5], [1.0, 1.0]], "r": [[0, 0], [1, 1]]},
        },
        "channel_gamma": {"r": 1.1, "b": 0.9},
        "screen_glare_compensation": 0.01,
    },
}

SHEET: dict[str, Any] = {
    "version": 3,
    "type": "contactsheet",
    "metadata": {"orientation": 270, "film_type": "color_negative_ecn2"},
    "idt": {"name": "9000ED", "gamma": 1.0},
    "cc_params": {"density_dmax": 2.2},
    "active_crop_id": "b",
    "crops": [
        {"metadata": {"id": "a", "name": "left", "crop": [0.0, 0.0, 0.5, 1.0]}},
        {
            "metadata": {"id": "b", "name": "right", "orientation": 0, "crop": [0.5, 0, 0.5, 1]},
            "idt": {"name": "Hasselblad_X5"},
            "cc_params": {"density_dmax": 3.0},
        },
    ],
}

OLD: dict[str, Any] = {
    "name": "mine",
    "version": 2,
    "raw_file": "IMG 1.tif",
    "orientation": 180,
    "crop": [0.0, 0.0, 0.5, 0.5],
    "input_transformation": {
        "name": "my scanner",
        "definition": {
            "gamma": 1.1,
            "white_point": [0.32, 0.34],
            "primaries": {"R": [0.66, 0.32], "G": [0.26, 0.67], "B": [0.15, 0.05]},
        },
    },
    "grading_params": {
        "density_gamma": 1.3,
        "density_dmax": 2.6,
        "rgb_gains": [0.1, 0.0, -0.1],
        "density_matrix": [[1.1, 0, 0], [0, 1, 0], [0, 0, 0.9]],
        "curve_points": [[0.0, 0.0], [0.5, 0.6], [1.0, 1.0]],
        "curve_points_r": [[0.0, 0.0], [1.0, 1.0]],
        "density_curve_name": "mine",
        "screen_glare_compensation": 0.02,
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at ``a.b.0`` replaced; ``...`` takes the key out."""
    found = copy.deepcopy(document)
    *steps, last = path.split(".")
    holder: Any = found
    for name in steps:
        holder = holder[int(name) if name.isdigit() else name]
    if value is ...:
        del holder[last]
    else:
        holder[int(last) if last.isdigit() else last] = value
    return found
