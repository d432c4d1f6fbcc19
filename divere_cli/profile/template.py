"""Writes a template preset: every key with a value and an explanation.

Covers the text that ``divere profiles new`` writes. JSON has no comments, so the explanations are
in ``metadata.notes``, which nothing reads.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from divere_cli.profile import document, inherit, library, resolve
from divere_cli.profile.fields import keys
from divere_cli.profile.schema import CcParams, Idt, Metadata, Preset
from divere_cli.profile.strict_json import Json

_NOT_OF_ONE_PICTURE = ("crops", "active_crop_id", "name", "metadata", "idt", "cc_params")
_OF_METADATA = ("raw_file", "orientation", "crop", "film_type", "film_stock", "scanner")


def text(path: str, name: str) -> str:
    """Return a preset with the figures of a shipped profile and an explanation of each key.

    Parameters
    ----------
    path : str
        Path of the new file; its stem becomes the title.
    name : str
        Name of a shipped profile.

    Raises
    ------
    ProfileError
        There is no such profile.
    """
    recipe = resolve.recipe(inherit.complete(library.load(name)))
    metadata: dict[str, Json] = {
        "raw_file": "",
        "title": os.path.splitext(os.path.basename(path))[0],
        "orientation": 0,
        "crop": [0.0, 0.0, 1.0, 1.0],
        "note": f"made from {name}; metadata.notes explains the keys",
    }
    preset = document.preset(recipe, metadata)
    preset_metadata = preset["metadata"]
    assert isinstance(preset_metadata, dict)
    notes: dict[str, Json] = {}
    notes |= _explained(Preset, "", lambda key: key not in _NOT_OF_ONE_PICTURE)
    notes |= _explained(Metadata, "metadata.", lambda key: key in _OF_METADATA)
    notes |= _explained(Idt, "idt.")
    notes |= _explained(CcParams, "cc_params.", lambda key: not key.startswith("enable_"))
    preset_metadata["notes"] = notes
    return json.dumps(preset, indent=2, ensure_ascii=False) + "\n"


def _explained(cls: type, prefix: str, chosen: Any = lambda key: True) -> dict[str, Json]:
    explained: dict[str, Json] = {}
    assert dataclasses.is_dataclass(cls)
    for name, key in keys(cls).items():
        if not chosen(name):
            continue
        unit = f" [{key.unit}]" if key.unit else ""
        absent = f"; without it: {key.absent}" if key.absent else ""
        explained[prefix + name] = f"{key.text}{unit}{absent}"
    return explained
