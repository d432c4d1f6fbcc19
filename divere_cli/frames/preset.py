"""Write found frames to a ``divere_presets.json``: contact sheets to correct in DiVERE.

Covers the entry of each scan (its grade is kept; only its crops are new), and this
program's own data: turns of crops by id, film, unsure crops. Everything else in the file is
kept. Text in, text out; standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from divere_cli.errors import ProfileError
from divere_cli.frames.answer import FoundScan
from divere_cli.profile import document as documents
from divere_cli.profile import own_entry, strict_json
from divere_cli.profile.strict_json import Json
from divere_cli.records.grade import Recipe


def merged(
    text: bytes | None,
    file: str,
    scans: Mapping[str, tuple[FoundScan, Recipe]],
    *,
    deskew: bool = False,
) -> bytes:
    """Return a presets file with the crops of scans set.

    Parameters
    ----------
    text : bytes or None
        Content of the file; None if there is none.
    file : str
        Its name, for messages.
    scans : mapping
        File name of a scan to its found frames, and the grade for a new entry.
    deskew : bool
        Whether to store the turn of each crop, so that the grade levels it.

    Raises
    ------
    ProfileError
        The existing file is not a presets file.
    """
    document: Json = {} if text is None else strict_json.parse(text, file)
    if not isinstance(document, dict):
        raise ProfileError(f"{file}: $ is no object of presets")
    ours: dict[str, dict[str, Json]] = {}
    for name, (scan, recipe) in scans.items():
        existing = document.get(name)
        entry = dict(existing) if isinstance(existing, dict) else documents.preset(recipe, {})
        document[name] = _sheet(entry, name, scan)
        ours[name] = _ours(scan, deskew)
    plain = (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    return own_entry.merged(plain, file, scans=ours)


def _sheet(entry: dict[str, Json], name: str, scan: FoundScan) -> dict[str, Json]:
    """A scan's preset with crops; its own crop goes, for it was the whole picture's."""
    before = entry.get("metadata")
    metadata: dict[str, Json] = {"raw_file": name}
    metadata |= before if isinstance(before, dict) else {}
    metadata.pop("crop", None)
    names = _names(scan)
    orientation = metadata.get("orientation", 0)
    crops: list[Json] = [
        {
            "metadata": {
                "id": frame.id,
                "name": names[frame.id],
                "crop": list(frame.crop),
                "orientation": orientation,
            }
        }
        for frame in scan.frames
    ]
    return {
        **entry,
        "type": "contactsheet",
        "metadata": metadata,
        "crops": crops,
        "active_crop_id": scan.frames[0].id,
    }


def _names(scan: FoundScan) -> dict[str, str]:
    """A name for each crop: its number on the film where all have one of their own, else its id."""
    numbers = [frame.number for frame in scan.frames]
    numbered = all(numbers) and len(set(numbers)) == len(numbers)
    return {frame.id: frame.number if numbered else frame.id for frame in scan.frames}


def _ours(scan: FoundScan, deskew: bool) -> dict[str, Json]:
    turns: dict[str, Json] = {
        frame.id: frame.turn for frame in scan.frames if frame.turn and frame.sure
    }
    unsure: dict[str, Json] = {frame.id: frame.why for frame in scan.frames if not frame.sure}
    return {
        "format": scan.film or None,
        "turns": turns if deskew and turns else None,
        "unsure": unsure or None,
    }
