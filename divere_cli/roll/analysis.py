"""Write the decisions for a roll as a ``divere_presets.json``.

DiVERE opens this file, and ``divere batch`` reads it. It has an entry with gains for each
scan, a folder default with the gains of the roll (for scans that come later, and for other
rolls on the same stock), and the evidence for each decision (``metadata.provenance``), which
grading ignores. The film base is written if bare film was seen on the roll; a preset that
already has a film base, or the region where it is visible, keeps it.
"""

from __future__ import annotations

import os

from divere_cli import __version__
from divere_cli.errors import PlanError
from divere_cli.profile import document, writing
from divere_cli.profile.strict_json import Json
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Frame
from divere_cli.records.roll import Decision, Decisions, Measured, RollFrame, RollRecord
from divere_cli.records.serialize import to_plain
from divere_cli.roll.auto import graded

SCHEMA = "divere-analysis/1"


def presets(measured: tuple[Measured, ...], decided: Decisions) -> bytes:
    """Return the bytes of the presets file.

    Parameters
    ----------
    measured : tuple of Measured
        The scans.
    decided : Decisions
        The decisions.

    Raises
    ------
    PlanError
        Two scans have the same file name: a presets file has no folders.
    ProfileError
        A name cannot be written as JSON.
    """
    entries: dict[str, dict[str, Json]] = {}
    for scan in measured:
        name = os.path.basename(scan.name)
        if name in entries:
            raise PlanError(
                f"two scans are called '{name}': a presets file cannot tell them apart",
                hint="analyze one folder at a time",
            )
        entries[name] = _entry(name, scan, decided.scans[scan.name], decided)
    return writing.folder(entries, _default(measured, decided))


def evidence(decided: Decisions) -> dict[str, Json]:
    """Return all rolls with their evidence, for ``analyze --json``.

    Parameters
    ----------
    decided : Decisions
        The decisions.
    """
    return {"schema": SCHEMA, "version": __version__, "rolls": to_plain(decided.rolls)}


def _default(measured: tuple[Measured, ...], decided: Decisions) -> dict[str, Json] | None:
    """Return the folder default, the grade of the roll; None if there are several rolls."""
    if len(decided.rolls) != 1:
        return None
    first, record = measured[0], decided.rolls[0]
    recipe = graded(first.frames[0].recipe, record.rgb_gains)
    film: dict[str, Json] = {"metadata": {"film_type": recipe.film.name}}
    return film | document.ours(recipe) | _film_base(first, record) | document.grade(recipe)


def _entry(name: str, scan: Measured, decision: Decision, decided: Decisions) -> dict[str, Json]:
    decided_frames = _decided_frames(scan, decided)
    pairs = list(zip(scan.frames, decision.recipes, strict=True))
    if len(pairs) == 1:
        frame, recipe = pairs[0]
        record, roll_frame = decided_frames[0]
        metadata = _position(frame) | {
            "raw_file": name,
            "provenance": _provenance(record, roll_frame),
        }
        return document.preset(recipe, metadata) | _film_base(scan, record)
    sheet_metadata: dict[str, Json] = {
        "raw_file": name,
        "provenance": _provenance(*decided_frames[0]),
    }
    crops: list[Json] = [
        _crop(index, frame, recipe, decided_frames[index], pairs[0][1].film.name)
        for index, (frame, recipe) in enumerate(pairs)
    ]
    sheet = document.preset(pairs[0][1], sheet_metadata) | _film_base(scan, decided_frames[0][0])
    return sheet | {"type": "contactsheet", "crops": crops, "active_crop_id": "1"}


def _decided_frames(scan: Measured, decided: Decisions) -> list[tuple[RollRecord, RollFrame]]:
    """Return the roll and the decision for each frame of a scan, in order."""
    matches = [
        (record, frame)
        for record in decided.rolls
        for frame in record.frames
        if frame.input == scan.name
    ]
    remaining = list(matches)
    ordered = []
    for frame in scan.frames:
        match = next(pair for pair in remaining if pair[1].crop_name == frame.crop_name)
        remaining.remove(match)
        ordered.append(match)
    return ordered


def _crop(
    index: int, frame: Frame, recipe: Recipe, decided_frame: tuple[RollRecord, RollFrame], film: str
) -> dict[str, Json]:
    named: dict[str, Json] = {"id": str(index + 1), "name": frame.crop_name}
    if recipe.film.name != film:
        named["film_type"] = recipe.film.name
    metadata = named | _position(frame) | {"provenance": _provenance(*decided_frame)}
    return {"metadata": metadata, **document.grade(recipe)}


def _position(frame: Frame) -> dict[str, Json]:
    return {"orientation": frame.orientation, "crop": list(frame.crop)}


def _film_base(scan: Measured, record: RollRecord) -> dict[str, Json]:
    """Return the film base in the scan's preset, else the density of the roll's bare film."""
    base_density = record.film_base
    if scan.film_base is not None:
        return {"film_base": list(scan.film_base)}
    if scan.base_region is not None:
        return {"film_base_region": list(scan.base_region)}
    return (
        {}
        if base_density is None
        else {"film_base": [max(0.0, density) for density in base_density]}
    )


def _provenance(record: RollRecord, frame: RollFrame) -> dict[str, Json]:
    return {
        "program": f"divere {__version__}",
        "schema": SCHEMA,
        "roll": record.name,
        "roll_rgb_gains": list(record.rgb_gains),
        "roll_confidence": record.confidence,
        "roll_reasons": list(record.reasons),
        "film_base": None if record.film_base is None else list(record.film_base),
        "film_base_source": record.film_base_source,
        "kind": frame.kind,
        "exposure": frame.exposure,
        "pixels": frame.pixels,
        "neutral_pixels": frame.neutral_pixels,
        "spread": frame.spread,
        "confidence": frame.confidence,
        "reason": frame.reason,
    }
