"""``--auto``: which scans make a roll, and what is decided for each of them.

Covers the seam to ``batch`` (its protocol ``measuring.Roll``). Standard library
only: nothing here decodes a picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from divere_cli.profile.hashing import digest
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Frame
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.roll import Decision, Decisions, Measured, RollFrame, RollRecord
from divere_cli.roll import decide, films, freezing, reasons
from divere_cli.roll.baseline import Item, Mode, Roll, Triple
from divere_cli.roll.freezing import Common
from divere_cli.roll.measurement import FrameLooks, from_json

TASK = "divere_cli.roll.measure:measure"


@dataclass(frozen=True, slots=True, repr=False)
class Auto:
    """Measures and decides; give it to a batch as its ``roll``.

    Parameters
    ----------
    mode : {"auto", "frame", "roll"}
        ``auto``: as ``roll``, for what a shipped profile serves.
    roll_by : str, optional
        A pattern (``*``, ``?``, ``[...]``) that the start of a scan's name is held
        against: scans in one folder with the same matching text are a roll.
    strict : bool
        Low confidence fails the scans of a roll.
    pull : float, optional
        How much of what a frame differs from its roll's exposure is taken back,
        0 to 1; by the roll's own spread when None.
    """

    mode: Literal["auto", "frame", "roll"]
    roll_by: str | None = None
    strict: bool = False
    pull: float | None = None

    def __repr__(self) -> str:
        """Say all options; what an earlier version knew is said as it did, for rolls it decided."""
        known = f"mode={self.mode!r}, roll_by={self.roll_by!r}, strict={self.strict!r}"
        return f"Auto({known})" if self.pull is None else f"Auto({known}, pull={self.pull!r})"

    @property
    def task(self) -> str:
        """Dotted name of the measure task."""
        return TASK

    @property
    def unasked(self) -> bool:
        """Whether this is the default, that nobody asked for."""
        return self.mode == "auto"

    def measures(self, recipes: Sequence[Recipe], shipped: bool) -> bool:
        """Return whether scans served so are measured at all.

        Parameters
        ----------
        recipes : sequence of Recipe
            Of its frames.
        shipped : bool
            Whether they are of a profile that came with divere.
        """
        if self.mode != "auto":
            return True
        return shipped and all(one.film.invert and one.film.rgb_gains for one in recipes)

    def decide(
        self, measured: Sequence[Measured], frozen: Mapping[str, str] | None = None
    ) -> Decisions:
        """Decide all scans at once; a bad frame raises nothing.

        ``frozen`` is, by name of a scan, what an earlier run decided for it: that stays,
        and new scans of its roll are decided by it.
        """
        known = frozen or {}
        groups: dict[tuple[str, str, str], list[tuple[Measured, int, Item]]] = {}
        told: dict[tuple[str, str, str], list[str]] = {}
        stays: dict[str, Decision] = {}
        for scan in sorted(measured, key=lambda one: one.name):
            gains = freezing.kept(scan, known)
            if gains is not None:
                stays[scan.name] = _again(scan, gains, known[scan.name])
            for index, item in enumerate(_items(scan)):
                name, folder = roll_name(scan, self.roll_by), os.path.dirname(scan.input)
                key = (name, folder, _bare(item.frame.recipe).sha256)
                if gains is not None:
                    told.setdefault(key, []).append(known[scan.name])
                else:
                    groups.setdefault(key, []).append((scan, index, item))
        records = []
        found: dict[str, dict[int, tuple[RollRecord, RollFrame]]] = {}
        texts: dict[str, str] = {}
        for key, group in sorted(groups.items()):
            common = freezing.common(told.get(key, ()))
            for asked, places in self._rolls(key[0], [item for _, _, item in group], common):
                own = [group[place][2].frame.recipe for place in places]
                made, baseline = decide.decided(asked)
                record = _with_own_gray(made, own)
                records.append(record)
                by_scan: dict[str, list[RollFrame]] = {}
                for place, frame in zip(places, record.frames, strict=True):
                    scan, index, _ = group[place]
                    found.setdefault(scan.name, {})[index] = (record, frame)
                    by_scan.setdefault(scan.name, []).append(frame)
                for scan_name, frames in by_scan.items():
                    texts[scan_name] = freezing.text(asked, baseline, frames)
        scans = {
            scan.name: stays.get(scan.name)
            or self._decision(scan, found.get(scan.name, {}), texts.get(scan.name, ""))
            for scan in measured
        }
        return Decisions(scans, tuple(records))

    def _rolls(
        self, name: str, items: list[Item], common: Common | None = None
    ) -> Iterator[tuple[Roll, tuple[int, ...]]]:
        """Part what lies in one folder into films; each with the places of its frames."""
        mode: Mode = "frame" if self.mode == "frame" else "roll"
        if common is not None:
            whole = Roll(name, tuple(items), mode, "film", common.group, self.pull)
            yield replace(whole, common=common.baseline), tuple(range(len(items)))
            return
        parts = films.part([item.looks for item in items])
        several = sum(part.what == "film" for part in parts) > 1
        film = 0
        for part in parts:
            film += part.what == "film"
            named = f" (film {film})" if several and part.what == "film" else ""
            named = {"film": named, "black-and-white": " (black-and-white)"}.get(
                part.what, " (positives)"
            )
            own = tuple(items[i] for i in part.frames)
            title = name + (named if len(parts) > 1 else "")
            yield Roll(title, own, mode, part.what, part.base, self.pull), part.frames

    def _decision(
        self, scan: Measured, found: dict[int, tuple[RollRecord, RollFrame]], frozen: str
    ) -> Decision:
        recipes: list[Recipe] = []
        notes: list[str] = []
        warnings: list[str] = []
        error = None
        for index, frame in enumerate(scan.frames):
            record, told = found[index]
            recipes.append(graded(frame.recipe, told.rgb_gains))
            notes += [reasons.note(record)] * (reasons.note(record) not in notes)
            prefix = f"{frame.crop_name}: " if frame.crop_name else ""
            odd = told.kind in ("no_picture", "positive", "unmeasured")
            (warnings if odd else notes).append(prefix + told.reason)
            if told.confidence == "low":
                why = told.reason if told.kind == "unmeasured" else record.reasons[0]
                line = f"{prefix}low confidence: {why}"
                (notes if self.unasked else warnings).append(line)
                error = _refused(record, line) if self.strict else None
        return Decision(tuple(recipes), tuple(notes), tuple(warnings), error, frozen)


def _again(scan: Measured, gains: tuple[Triple, ...], frozen: str) -> Decision:
    """What an earlier run decided for a scan."""
    recipes = tuple(
        graded(frame.recipe, own) for frame, own in zip(scan.frames, gains, strict=True)
    )
    return Decision(recipes, (freezing.AS_DECIDED,), frozen=frozen)


def _with_own_gray(record: RollRecord, recipes: Sequence[Recipe]) -> RollRecord:
    """Keep the gray of presets that were calibrated on a chart; their exposure is the roll's."""
    if not any(recipe.calibrated for recipe in recipes):
        return record
    frames = tuple(
        replace(frame, rgb_gains=_moved(recipe, frame.rgb_gains)) if recipe.calibrated else frame
        for frame, recipe in zip(record.frames, recipes, strict=True)
    )
    said = "the gray is the preset's, which was calibrated on a chart: exposure alone was measured"
    gains = _moved(next(recipe for recipe in recipes if recipe.calibrated), record.rgb_gains)
    return replace(record, frames=frames, rgb_gains=gains, reasons=(said, *record.reasons))


def _moved(recipe: Recipe, gains: Triple) -> Triple:
    """The recipe's gains, with the mean of others."""
    shift = (sum(gains) - sum(recipe.rgb_gains)) / 3.0
    red, green, blue = (round(gain + shift, 5) for gain in recipe.rgb_gains)
    return red, green, blue


def graded(recipe: Recipe, gains: Triple) -> Recipe:
    """Give the recipe with other gains, its hash made anew."""
    if not recipe.film.rgb_gains:
        return recipe
    changed = replace(recipe, rgb_gains=gains)
    return replace(changed, sha256=digest(changed))


def roll_name(scan: Measured, pattern: str | None) -> str:
    """Name the roll a scan belongs to: its folder, with what the pattern matched."""
    folder, _, name = scan.name.rpartition("/")
    shown = folder or os.path.basename(os.path.dirname(os.path.abspath(scan.input))) or "/"
    matched = re.match(expression(pattern), name) if pattern else None
    return f"{shown}/{matched.group()}" if matched else shown


def expression(pattern: str) -> str:
    """Turn a pattern into a regular expression for the start of a name; ``*`` takes the least."""
    found = []
    for part in re.findall(r"\[[^]]*\]|.", pattern, re.DOTALL):
        if part == "*":
            found.append(".*?")
        elif part == "?":
            found.append(".")
        elif len(part) > 2:
            body = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            found.append(f"[{'^' + body[1:] if body.startswith('!') else body}]")
        else:
            found.append(re.escape(part))
    return "".join(found)


def _items(scan: Measured) -> list[Item]:
    frames: tuple[FrameLooks | None, ...] = (None,) * len(scan.frames)
    measured = False
    if scan.measurement:
        told = from_json(scan.measurement).frames
        measured = len(told) == len(scan.frames)
        frames = told if measured else frames
    pairs: zip[tuple[Frame, FrameLooks | None]] = zip(scan.frames, frames, strict=True)
    return [Item(scan.name, frame, looks, measured) for frame, looks in pairs]


def _bare(recipe: Recipe) -> Recipe:
    """Give the recipe without gains: what frames of one roll have in common."""
    return graded(recipe, (0.0, 0.0, 0.0))


def _refused(record: RollRecord, line: str) -> ErrorRecord:
    return ErrorRecord(
        kind="profile",
        message=f"roll {record.name}: {line}",
        hint="grade it with a preset of its own or with --from, or leave out --strict",
    )
