"""Reports all problems of a preset file, not only the first one.

Covers presets and ``divere_presets.json`` of a folder: reading, every key, and every name they
use. It reports what a batch would refuse, and nothing else.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass

from divere_cli.errors import ProfileError
from divere_cli.profile import crops, loading, strict_json
from divere_cli.profile.diagnostics import Findings, step
from divere_cli.profile.schema import FOLDER_DEFAULT, FOLDER_FILE, Preset
from divere_cli.profile.strict_json import Json


@dataclass(frozen=True, slots=True)
class Checked:
    """Problems and warnings of one file; it can be used if there are no problems."""

    file: str
    presets: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(path: str) -> Checked:
    """Check a preset file, or the presets of a folder.

    Parameters
    ----------
    path : str
        Path of the file.
    """
    try:
        document = strict_json.read(path, loading.MAX_FOLDER_BYTES)
        if os.path.basename(path) != FOLDER_FILE and not loading.is_folder(document):
            strict_json.read(path)
            return _checked(path, {"$": document})
        return _checked(path, _entries(loading.folder(document, path)))
    except ProfileError as error:
        return Checked(path, 0, (_without(path, error.message),), ())


def _entries(folder: loading.Folder) -> dict[str, Json]:
    entries = {"$" + step(name): entry for name, entry in folder.entries.items()}
    if folder.default is not None:
        entries[f"$.{FOLDER_DEFAULT}"] = folder.default
    return entries


def _checked(path: str, documents: dict[str, Json]) -> Checked:
    problems: list[str] = []
    warnings: list[str] = []
    for root, document in documents.items():
        findings = Findings()
        preset = loading.examine(document, findings, root)
        problems += [str(problem) for problem in findings.problems]
        if findings.uncounted:
            problems.append(f"{root} has {findings.uncounted} problems more")
        warnings += findings.warnings
        if preset is not None and not findings.problems:
            _resolve(preset, path, problems, warnings)
    return Checked(path, len(documents), tuple(problems), tuple(warnings))


def _resolve(preset: Preset, path: str, problems: list[str], warnings: list[str]) -> None:
    try:
        cuts = crops.cuts(dataclasses.replace(preset, file=path))
    except ProfileError as error:
        problems.append(_without(path, error.message))
    else:
        warnings += [_without(path, warning) for warning in cuts.warnings]


def _without(path: str, message: str) -> str:
    return message.removeprefix(f"{path}: ")
