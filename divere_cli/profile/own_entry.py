"""divere's own entry in a ``divere_presets.json``: film base, confidence, rolls, turns, marks.

Covers one entry of the file, kept apart from the presets so that DiVERE keeps
it when it saves (it passes over an entry of a type that it does not know, and
drops unknown keys within its own)::

    "divere_cli": {"type": "divere-cli/1", "folder": {...}, "scans": {"<name>": {...}}}

Pure text in, text out: whatever else the file holds, and whatever other rooms
keep in our entry, is written back as it was. Standard library only.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from divere_cli.errors import ProfileError
from divere_cli.profile import loading, strict_json
from divere_cli.profile.schema import OWN_ENTRY
from divere_cli.profile.strict_json import Json

KEY = OWN_ENTRY
TYPE = "divere-cli/1"

Values = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """divere's own entry: values for the whole folder, and for scans by file name."""

    folder: Values = field(default_factory=dict)
    scans: Mapping[str, Values] = field(default_factory=dict)

    def scan(self, name: str) -> Values:
        """Return the values of one scan; NFC and NFD are the same name."""
        normal = unicodedata.normalize("NFC", name)
        names = (n for n in self.scans if unicodedata.normalize("NFC", n) == normal)
        return self.scans.get(next(names, name), {})


def load(path: str) -> OwnEntry:
    """Read divere's own entry of a presets file; empty if the file has none.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    ProfileError
        The file cannot be read, or the entry has an unknown version.
    """
    return read(strict_json.read(path, loading.MAX_FOLDER_BYTES), path)


def read(document: Json, file: str) -> OwnEntry:
    """Read divere's own entry of a parsed presets file; raise as :func:`load` does.

    Parameters
    ----------
    document : Json
        The parsed file.
    file : str
        Name of the file, for messages.
    """
    entry = document.get(KEY) if isinstance(document, dict) else None
    if entry is None:
        return OwnEntry()
    if not isinstance(entry, dict) or entry.get("type") != TYPE:
        type_ = entry.get("type") if isinstance(entry, dict) else entry
        raise ProfileError(
            f"{file}: $.{KEY}.type is {type_!r}; allowed: {TYPE!r}",
            hint="a newer divere wrote it, or it was changed by hand",
        )
    folder, scans = entry.get("folder", {}), entry.get("scans", {})
    if not isinstance(folder, dict):
        raise ProfileError(f"{file}: $.{KEY}.folder is no object")
    if not isinstance(scans, dict):
        raise ProfileError(f"{file}: $.{KEY}.scans is no object")
    return OwnEntry(folder, {n: values for n, values in scans.items() if isinstance(values, dict)})


def merged(
    text: bytes | None,
    file: str,
    folder: Values | None = None,
    scans: Mapping[str, Values] | None = None,
) -> bytes:
    """Return a presets file with keys of divere's entry set; everything else is unchanged.

    Parameters
    ----------
    text : bytes, optional
        The current content; None if there is no file.
    file : str
        Its name, for messages.
    folder, scans : mapping, optional
        Keys to set; a value of None removes the key. Other keys stay.

    Raises
    ------
    ProfileError
        The content is no presets file.
    """
    document: Json = {} if text is None else strict_json.parse(text, file)
    if not isinstance(document, dict):
        raise ProfileError(f"{file}: $ is no object of presets")
    read(document, file)
    entry = document.get(KEY)
    ours: dict[str, Json] = dict(entry) if isinstance(entry, dict) else {"type": TYPE}
    if folder:
        ours["folder"] = _with(ours.get("folder"), folder)
    scan_values = ours.get("scans")
    names: dict[str, Json] = dict(scan_values) if isinstance(scan_values, dict) else {}
    for name, values in (scans or {}).items():
        names[name] = _with(names.get(name), values)
    if names:
        ours["scans"] = names
    document[KEY] = ours
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _with(before: Json, values: Values) -> dict[str, Json]:
    entry: dict[str, Json] = dict(before) if isinstance(before, dict) else {}
    for key, value in values.items():
        if value is None:
            entry.pop(key, None)
        else:
            entry[key] = value
    return entry
