"""The pictures of a preset: one, or one for each crop of a contact sheet.

Covers inheritance from the sheet, the geometry of each picture, and crop names
that are safe and unique in a folder. Cutting pixels is for ``image``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from divere_cli.profile import inherit, resolve
from divere_cli.profile.diagnostics import located
from divere_cli.profile.schema import Box, Crop, Metadata, Preset
from divere_cli.records.grade import Recipe

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]+')


@dataclass(frozen=True, slots=True)
class Cut:
    """One positive to be made from a scan.

    ``crop`` is (x, y, w, h) in 0..1 of the stored frame; ``orientation`` degrees
    counter-clockwise, after the crop; ``crop_name`` is empty but on a contact sheet. ``turn`` is
    the rotation of the picture within the crop, in degrees counter-clockwise; 0 if it is not
    corrected.
    """

    crop: Box
    orientation: int
    crop_name: str
    recipe: Recipe
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Cuts:
    """All positives of a preset, in the sheet's order, and warnings."""

    cuts: tuple[Cut, ...]
    warnings: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash of everything that determines the pixels: crops, rotations, names and recipes."""
        facts = [
            (c.crop, c.orientation, c.crop_name, c.recipe.sha256, *([c.turn] if c.turn else ()))
            for c in self.cuts
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a preset before its names are resolved."""

    preset: Preset
    crop: Box
    orientation: int
    crop_name: str


def pictures(preset: Preset) -> list[Picture]:
    """Return the pictures of a preset, each with its own preset; bases are merged in.

    Parameters
    ----------
    preset : Preset
        The preset.
    """
    merged = inherit.complete(preset)
    sheet = merged.sheet
    if not sheet:
        metadata = merged.metadata or Metadata()
        crop = WHOLE if merged.type == "contactsheet" else metadata.crop or WHOLE
        return [Picture(merged, crop, metadata.orientation or 0, "")]
    names = _unique(_name(crop, number) for number, crop in enumerate(sheet, 1))
    return [_picture(merged, index, name) for index, name in enumerate(names)]


def cuts(
    preset: Preset,
    working: str = resolve.WORKING,
    channels: int = 3,
    turns: Mapping[str, float] | None = None,
) -> Cuts:
    """Return the pictures of a preset, each with its grade.

    Parameters
    ----------
    preset : Preset
    working : str
        Name of the working color space.
    channels : int
        Of the scan: 1 or 3.
    turns : mapping, optional
        Rotation of the pictures of a contact sheet, in degrees counter-clockwise, by crop id.

    Raises
    ------
    ProfileError
        As :func:`resolve.recipe` does.
    """
    cuts: list[Cut] = []
    warnings = list(preset.warnings)
    for picture in pictures(preset):
        resolved = resolve.resolve(picture.preset, working, channels)
        metadata = picture.preset.metadata
        turn = (turns or {}).get((metadata.id if metadata is not None else None) or "", 0.0)
        cut = Cut(picture.crop, picture.orientation, picture.crop_name, resolved.recipe, turn)
        cuts.append(cut)
        warnings += [warning for warning in resolved.warnings if warning not in warnings]
    return Cuts(tuple(cuts), tuple(warnings))


def needs_channels(preset: Preset) -> bool:
    """Return whether the grade depends on the scan's channels, because no film type is given.

    Parameters
    ----------
    preset : Preset
        The preset.
    """
    parts = [picture.preset.metadata or Metadata() for picture in pictures(preset)]
    return any(metadata.film_type is None for metadata in parts)


def _picture(sheet: Preset, index: int, name: str) -> Picture:
    """Return a crop with its own preset; keys that it does not give come from the sheet.

    The orientation is not inherited: that of a crop is absolute, and 0 if absent, as in DiVERE.
    """
    crop = sheet.sheet[index]
    above, metadata = sheet.metadata or Metadata(), crop.metadata or Metadata()
    paths = {"": located(sheet.paths, f".crops[{index}]")}
    for part in ("idt", "cc_params"):
        if getattr(crop, part) is None:
            paths[f".{part}"] = located(sheet.paths, f".{part}")
    preset = dataclasses.replace(
        sheet,
        paths=paths,
        metadata=dataclasses.replace(
            metadata,
            film_type=metadata.film_type or above.film_type,
            provenance=metadata.provenance or above.provenance,
        ),
        idt=crop.idt or sheet.idt,
        cc_params=crop.cc_params or sheet.cc_params,
        crops=None,
        type="single",
    )
    return Picture(preset, metadata.crop or WHOLE, metadata.orientation or 0, name)


def _name(crop: Crop, number: int) -> str:
    metadata = crop.metadata or Metadata()
    for candidate in (metadata.name, metadata.id):
        name = _NOT_IN_NAMES.sub("_", candidate or "").strip(" .")
        if name:
            return name
    return f"crop_{number}"


def _unique(names: Iterable[str]) -> list[str]:
    """Return unique names: repeated ones get a number, compared as a folder does."""
    used: set[str] = set()
    unique: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate.casefold() in used:
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate.casefold())
        unique.append(candidate)
    return unique
