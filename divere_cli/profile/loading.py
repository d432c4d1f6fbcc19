"""Reads preset files as :class:`Preset`, strictly.

Covers one preset (``load``) and the ``divere_presets.json`` of a folder (``load_folder``): every
key's type and range, and checks of several values (a box that leaves the frame, primaries that
span no triangle). Not covered: looking names up (:mod:`divere_cli.profile.resolve`).
"""

from __future__ import annotations

import dataclasses
import os
import unicodedata
from dataclasses import dataclass, field

from divere_cli.errors import ProfileError
from divere_cli.profile import strict_json
from divere_cli.profile.diagnostics import Findings, Place, step
from divere_cli.profile.fields import SCHEMA_KEY, Object
from divere_cli.profile.schema import (
    CROP_SLACK,
    FOLDER_DEFAULT,
    OWN_ENTRY,
    Box,
    CcParams,
    Crop,
    Idt,
    Metadata,
    Preset,
)
from divere_cli.profile.strict_json import Json
from divere_cli.profile.versions import NEW_KEYS, OLD_KEYS, upgrade
from divere_cli.records.grade import XY

MAX_FOLDER_BYTES = 16 << 20
# Twice the area of the sRGB triangle is 0.22; below this limit colors cannot be distinguished.
LEAST_AREA = 1e-4
_OURS = frozenset(("base", "adaptation", "camera_white_balance", "film_base", "film_base_region"))
_SAYING = NEW_KEYS | OLD_KEYS | _OURS
_PRESET_KEYS = _SAYING | {"version", "type"}
_NO_SCANS = frozenset((FOLDER_DEFAULT, SCHEMA_KEY, OWN_ENTRY))


def load(path: str) -> Preset:
    """Read one preset file.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    ProfileError
        Names the file, the JSON path, the value and the allowed values.
    """
    path = os.fspath(path)
    return preset(strict_json.read(path), path, label=_stem(path))


def preset(value: Json, file: str, *, label: str = "", root: str = "$") -> Preset:
    """Return a preset from a document; raise as :func:`load` does.

    Parameters
    ----------
    value : Json
        The JSON value.
    file : str
        Name of the file, for messages.
    label : str, default ''
        Name of the preset.
    root : str, default '$'
        JSON path of the document in the file.
    """
    findings = Findings()
    loaded = examine(value, findings, root)
    if loaded is None or findings.problems:
        raise ProfileError(_sentence(file, findings))
    warnings = tuple(f"{file}: {warning}" for warning in findings.warnings)
    return dataclasses.replace(loaded, label=label or _stem(file), file=file, warnings=warnings)


def examine(value: Json, findings: Findings, root: str = "$") -> Preset | None:
    """Read a document as a preset, and report all its problems.

    Parameters
    ----------
    value : Json
        The JSON value.
    findings : Findings
        Takes errors and warnings.
    root : str, default '$'
        JSON path of the document in the file.
    """
    upgraded = upgrade(value, Place(findings, root))
    if upgraded.value is None:
        return None
    renames = {new: root + old for new, old in upgraded.renames.items()}
    at = Place(findings, root, renames=renames)
    loaded = Object(Preset).read(upgraded.value, at)
    if loaded is None:
        return None
    if isinstance(value, dict) and not _SAYING & value.keys() and findings.warnings:
        at.problem("is no preset: divere knows none of its keys", structural=False)
        return None
    read: Preset = dataclasses.replace(loaded, paths={"": root, **renames})
    _check_part(read.metadata, read.idt, read.cc_params, at)
    if read.film_base_region is not None:
        _check_box(read.film_base_region, "region", at.key("film_base_region"))
    for index, crop in enumerate(read.crops or ()):
        _check_crop(crop, at.key("crops").item(index))
    if read.type == "single" and read.crops:
        at.key("crops").warn("are not used: the type is single")
    return read


@dataclass(frozen=True, slots=True)
class Folder:
    """A ``divere_presets.json``: presets by file name, and one for all other scans.

    Entries are checked when they are used, so that an unused one does not stop a run.
    ``divere_entry`` is divere's own entry, unchecked.
    """

    file: str
    entries: dict[str, Json]
    default: Json = None
    divere_entry: Json = None
    _names: dict[str, str] = field(default_factory=dict)
    _checked: dict[str, Preset] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the scan called ``name`` has an entry; NFC and NFD are the same name."""
        return normal(name) in self._names

    def entry(self, name: str) -> Preset:
        """Return the preset of the scan called ``name``; raises as :func:`load`."""
        key = self._names[normal(name)]
        return preset(self.entries[key], self.file, label=_stem(self.file), root="$" + step(key))

    def folder_default(self) -> Preset | None:
        """Return the preset for scans without an entry; raises as :func:`load`."""
        if self.default is None:
            return None
        if FOLDER_DEFAULT not in self._checked:
            root = f"$.{FOLDER_DEFAULT}"
            default = preset(self.default, self.file, label=FOLDER_DEFAULT, root=root)
            self._checked[FOLDER_DEFAULT] = default
        return self._checked[FOLDER_DEFAULT]


def load_folder(path: str) -> Folder:
    """Read a ``divere_presets.json``; its entries are checked when they are used.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    ProfileError
        It is no such file, or names a scan twice (as NFC and as NFD).
    """
    path = os.fspath(path)
    return folder(strict_json.read(path, MAX_FOLDER_BYTES), path)


def folder(value: Json, file: str) -> Folder:
    """Read a document as a ``divere_presets.json``; raise as :func:`load_folder` does.

    Parameters
    ----------
    value : Json
        The JSON value.
    file : str
        Name of the file, for messages.
    """
    if not isinstance(value, dict):
        raise ProfileError(f"{file}: $ is a {_type(value)}; allowed: an object of presets")
    if is_preset(value):
        raise ProfileError(f"{file}: $ is a preset; allowed: an object from file name to preset")
    entries = {n: entry for n, entry in value.items() if n not in _NO_SCANS}
    names: dict[str, str] = {}
    for name in entries:
        first = names.setdefault(normal(name), name)
        if first != name:
            raise ProfileError(f"{file}: ${step(name)} and ${step(first)} name the same file")
    return Folder(file, entries, value.get(FOLDER_DEFAULT), value.get(OWN_ENTRY), names)


def is_preset(value: Json) -> bool:
    """Return whether a document is one preset and not the presets of a folder.

    A folder has objects by file name; a preset has its own keys.

    Parameters
    ----------
    value : Json
        The JSON value.
    """
    if not isinstance(value, dict) or FOLDER_DEFAULT in value:
        return False
    return bool(_PRESET_KEYS & value.keys())


def is_folder(value: Json) -> bool:
    """Return whether a document is the presets of a folder, by its keys.

    Parameters
    ----------
    value : Json
        The JSON value.
    """
    return isinstance(value, dict) and bool(value) and not is_preset(value)


def _check_crop(crop: Crop, at: Place) -> None:
    _check_part(crop.metadata, crop.idt, crop.cc_params, at)


def _check_part(
    metadata: Metadata | None, idt: Idt | None, grade: CcParams | None, at: Place
) -> None:
    if metadata is not None and metadata.crop is not None:
        _check_box(metadata.crop, "crop", at.key("metadata").key("crop"))
    if idt is not None:
        _check_idt(idt, at.key("idt"))


def _check_box(box: Box, name: str, at: Place) -> None:
    x, y, width, height = box
    inside = x + width <= 1 + CROP_SLACK and y + height <= 1 + CROP_SLACK
    if not (width > 0 and height > 0 and inside):
        at.refuse(list(box), f"a {name} inside the frame, larger than nothing", structural=False)


def _check_idt(idt: Idt, at: Place) -> None:
    if idt.primitives is not None:
        points = idt.primitives.pairs()
        if abs(_area(*points)) < LEAST_AREA:
            at.key("primitives").refuse(
                [list(p) for p in points], "primaries that span a triangle", structural=False
            )
            return
    if idt.white is None:
        return
    white = idt.white.pair()
    if white[1] <= 0:
        at.key("white").key("y").refuse(white[1], "a number above 0", structural=False)
    elif idt.primitives is not None and _on_an_edge(white, idt.primitives.pairs()):
        at.key("white").refuse(
            list(white), "a white that is no mixture of two primaries", structural=False
        )


def _on_an_edge(white: XY, primaries: tuple[XY, XY, XY]) -> bool:
    """Return whether two primaries alone give the white: then the matrix has no inverse."""
    r, g, b = primaries
    return any(abs(_area(white, p, q)) < LEAST_AREA for p, q in ((r, g), (g, b), (b, r)))


def _area(a: XY, b: XY, c: XY) -> float:
    """Return twice the area of a triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


def _sentence(file: str, findings: Findings) -> str:
    more = len(findings.problems) - 1 + findings.uncounted
    tail = f" (and {more} more)" if more else ""
    return f"{file}: {findings.problems[0]}{tail}"


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def normal(name: str) -> str:
    """Return a file name in the form used for comparing names (Unicode NFC).

    Parameters
    ----------
    name : str
        The name.
    """
    return unicodedata.normalize("NFC", name)


def _type(value: Json) -> str:
    names = {list: "list", str: "text", bool: "bool", int: "number", float: "number"}
    return names.get(type(value), "null")
