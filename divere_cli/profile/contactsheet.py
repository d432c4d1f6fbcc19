"""The pictures of a preset: one, or one for each crop of a contact sheet.

Covers inheritance from the sheet, the geometry of each picture, and crop names
that are safe and unique in a folder. Cutting pixels is for ``image``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from divere_cli.profile import inherit, resolve
from divere_cli.profile.schema import Box, Crop, Metadata, Preset
from divere_cli.records import Recipe

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]+')


@dataclass(frozen=True, slots=True)
class Cut:
    """One positive to make of a scan.

    ``crop`` is (x, y, w, h) in 0..1 of the stored frame; ``orientation`` degrees
    counter-clockwise, after the crop; ``crop_name`` is empty but on a contact sheet.
    """

    crop: Box
    orientation: int
    crop_name: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Cuts:
    """All positives of a preset, in the sheet's order, and what was noticed."""

    cuts: tuple[Cut, ...]
    warnings: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Over all that decides the pixels: the crops, rotations, names and recipes."""
        facts = [(c.crop, c.orientation, c.crop_name, c.recipe.sha256) for c in self.cuts]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def cuts(preset: Preset, working: str = resolve.WORKING, channels: int = 3) -> Cuts:
    """The pictures of a preset; raises ProfileError as :func:`resolve.recipe` does."""
    whole = inherit.complete(preset)
    sheet = whole.sheet
    if not sheet:
        return _single(whole, working, channels)
    names = _unique(_name(crop, index) for index, crop in enumerate(sheet, 1))
    found: list[Cut] = []
    warnings = list(whole.warnings)
    for crop, name in zip(sheet, names, strict=True):
        part = _part(whole, crop)
        resolved = resolve.resolve(part, working, channels)
        metadata = part.metadata or Metadata()
        found.append(Cut(metadata.crop or WHOLE, metadata.orientation or 0, name, resolved.recipe))
        warnings += [w for w in resolved.warnings if w not in warnings]
    return Cuts(tuple(found), tuple(warnings))


def needs_channels(preset: Preset) -> bool:
    """Whether the scan's channel count decides the grade: where no film type is given."""
    whole = inherit.complete(preset)
    parts = [_part(whole, crop) for crop in whole.sheet] or [whole]
    return any((part.metadata or Metadata()).film_type is None for part in parts)


def _single(preset: Preset, working: str, channels: int) -> Cuts:
    resolved = resolve.resolve(preset, working, channels)
    metadata = preset.metadata or Metadata()
    crop = WHOLE if preset.type == "contactsheet" else metadata.crop or WHOLE
    cut = Cut(crop, metadata.orientation or 0, "", resolved.recipe)
    return Cuts((cut,), (*preset.warnings, *resolved.warnings))


def _part(sheet: Preset, crop: Crop) -> Preset:
    """A crop as a preset of its own: what it does not give is the sheet's.

    Not the orientation: a crop's is absolute, and 0 when absent, as in DiVERE.
    """
    above, own = sheet.metadata or Metadata(), crop.metadata or Metadata()
    metadata = dataclasses.replace(
        own,
        crop=own.crop or WHOLE,
        film_type=own.film_type or above.film_type,
    )
    return dataclasses.replace(
        sheet,
        metadata=metadata,
        idt=crop.idt or sheet.idt,
        cc_params=crop.cc_params or sheet.cc_params,
        crops=None,
        type="single",
    )


def _name(crop: Crop, number: int) -> str:
    metadata = crop.metadata or Metadata()
    for given in (metadata.name, metadata.id):
        name = _NOT_IN_NAMES.sub("_", given or "").strip(" .")
        if name:
            return name
    return f"crop_{number}"


def _unique(names: Iterable[str]) -> list[str]:
    """Names told apart by a number where they repeat, as a folder compares them."""
    taken: set[str] = set()
    found: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.casefold())
        found.append(candidate)
    return found
