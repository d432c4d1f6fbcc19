"""The preset's JSON Schema, for editors and other programs.

Covers ``divere-preset.schema.json`` (one preset) and ``divere-presets.schema.json`` (a folder's
presets), generated from the classes that read them. Only the reader checks what a schema cannot
express (a crop stays in the frame, a name ships).
"""

from __future__ import annotations

from divere_cli.profile.fields import SCHEMA_KEY, Object
from divere_cli.profile.schema import FOLDER_DEFAULT, FOLDER_FILE, OWN_ENTRY, Preset
from divere_cli.profile.strict_json import Json

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def preset() -> dict[str, Json]:
    """Return the schema of one preset, version 3."""
    return {
        "$schema": DRAFT,
        "title": "DiVERE preset, version 3",
        "description": "One grade, or a contact sheet of grades. Unknown keys have no effect; "
        "divere warns of them.",
        **Object(Preset).schema(),
        "$defs": Object(Preset).definitions(),
    }


def folder() -> dict[str, Json]:
    """Return the schema of a ``divere_presets.json``."""
    return {
        "$schema": DRAFT,
        "title": FOLDER_FILE,
        "description": "Presets by the file name of the scan they are for.",
        "type": "object",
        "properties": {
            SCHEMA_KEY: {"type": "string"},
            FOLDER_DEFAULT: {
                "description": "For every scan without an entry of its own.",
                "anyOf": [{"type": "null"}, Object(Preset).schema()],
            },
            OWN_ENTRY: {
                "description": "What divere keeps of the folder and its scans; no preset.",
                "type": "object",
                "properties": {
                    "type": {"const": "divere-cli/1"},
                    "folder": {"type": "object"},
                    "scans": {"type": "object", "additionalProperties": {"type": "object"}},
                },
                "required": ["type"],
            },
        },
        "additionalProperties": Object(Preset).schema(),
        "$defs": Object(Preset).definitions(),
    }


FILES = {"divere-preset.schema.json": preset, "divere-presets.schema.json": folder}
