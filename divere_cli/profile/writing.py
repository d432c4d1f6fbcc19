"""Writes presets: a ``divere_presets.json`` that both divere and DiVERE open.

Covers presets as JSON in the documented keys (version 3) and a folder's file of them, as bytes.
Not covered: converting a recipe to a preset (:mod:`divere_cli.profile.document`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from divere_cli.errors import ProfileError
from divere_cli.profile import loading, strict_json
from divere_cli.profile.fields import keys
from divere_cli.profile.schema import FOLDER_DEFAULT, VERSION, Preset
from divere_cli.profile.strict_json import Json

_READ_ONLY = frozenset({"provenance"})  # the author of a preset, which writing does not change


def plain(preset: Preset, raw_file: str = "") -> dict[str, Json]:
    """Return a preset as JSON-ready data, without absent keys.

    Parameters
    ----------
    preset : Preset
        Its base, if any, should be merged in: DiVERE does not know bases.
    raw_file : str
        The scan of the preset; DiVERE refuses a preset without one.
    """
    document = _plain(preset)
    assert isinstance(document, dict)
    metadata = document.get("metadata")
    named: dict[str, Json] = {"raw_file": raw_file}
    if isinstance(metadata, dict):
        named |= metadata
    if raw_file:
        named["raw_file"] = raw_file
    kind = "contactsheet" if preset.sheet else "single"
    return {**document, "version": VERSION, "type": preset.type or kind, "metadata": named}


def folder(entries: Mapping[str, Mapping[str, Json]], default: Mapping[str, Json] | None) -> bytes:
    """Return the bytes of a ``divere_presets.json``.

    Parameters
    ----------
    entries : mapping
        File name of a scan to its preset, JSON-ready.
    default : mapping, optional
        ``idt`` and ``cc_params`` for every scan without an entry.

    Raises
    ------
    ProfileError
        A preset could not be read back, so nothing invalid is ever written.
    """
    document: dict[str, Json] = {name: dict(entry) for name, entry in entries.items()}
    if FOLDER_DEFAULT in document:
        raise ProfileError(f"no preset can be written for a scan called {FOLDER_DEFAULT!r}")
    if default is not None:
        document[FOLDER_DEFAULT] = dict(default)
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        data = text.encode() + b"\n"
    except ValueError as error:  # a NaN, or bytes in a name that are no UTF-8
        raise ProfileError(f"a preset cannot be written: {error}") from None
    _check(data)
    return data


def _check(data: bytes) -> None:
    """Read the new bytes back, so that they cannot be refused later."""
    label = "the presets to be written"
    if len(data) > loading.MAX_FOLDER_BYTES:
        raise ProfileError(f"{label} are {len(data)} bytes; allowed: {loading.MAX_FOLDER_BYTES}")
    presets = loading.folder(strict_json.parse(data, label), label)
    for name in presets.entries:
        presets.entry(name)
    presets.folder_default()


def _plain(value: object) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {
            name: getattr(value, name) for name in keys(type(value)) if name not in _READ_ONLY
        }
        return {name: _plain(member) for name, member in members.items() if member is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    assert value is None or isinstance(value, str | float | int)
    return value
