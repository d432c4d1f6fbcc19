"""Presets written back: a ``divere_presets.json`` that divere and DiVERE both open.

Covers presets as JSON in the documented keys (version 3) and a folder's file of
them, as bytes. A recipe becomes a preset
in :mod:`divere_cli.profile.document`.
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

_READ_ONLY = frozenset({"provenance"})  # who made a preset; it is not made again by writing it


def plain(preset: Preset, raw_file: str = "") -> dict[str, Json]:
    """Give a preset as JSON-ready data, with what it does not say left out.

    Parameters
    ----------
    preset : Preset
        Its base, if it has one, should be merged in: DiVERE knows no bases.
    raw_file : str
        The scan it is for; DiVERE refuses a preset without one.
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
    """Give the bytes of a ``divere_presets.json``.

    Parameters
    ----------
    entries : mapping
        File name of a scan to its preset, JSON-ready.
    default : mapping, optional
        ``idt`` and ``cc_params`` for every scan without an entry.

    Raises
    ------
    ProfileError
        When a preset could not be read back: what is written is always valid.
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
    """Read back what is to be written, so that it cannot be refused later."""
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
