"""``--auto``: group scans into rolls, and decide gray balance and exposure for each scan.

Implements the protocol ``batch.request.Roll``. Standard library only: nothing here decodes
a picture.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from divere_cli.profile.hashing import digest
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Frame
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.roll import Decision, Decisions, Measured, RollFrame, RollRecord
from divere_cli.roll import decide, freezing, naming, reasons
from divere_cli.roll.baseline import Item, Mode, Triple
from divere_cli.roll.folder import Folder
from divere_cli.roll.measurement import AREAS, FrameLooks, from_json
from divere_cli.text import quote

TASK = "divere_cli.roll.measure:measure"


@dataclass(frozen=True, slots=True, repr=False)
class Auto:
    """Measures scans and decides their gains; a batch takes it as its ``roll``.

    Parameters
    ----------
    mode : {"auto", "frame", "roll"}
        ``auto``: like ``roll``, but only for scans that are graded by a shipped profile.
    roll_by : str, optional
        A pattern (``*``, ``?``, ``[...]``) for the start of a scan's name: scans in one
        folder whose matching text is equal are a roll.
    strict : bool
        Low confidence fails the scans of a roll.
    pull : float, optional
        How far each frame is moved to the exposure of its roll, 0 to 1; None: computed from
        the spread of the roll.
    gray_frames : tuple of str
        Globs for the name of a scan below INPUT or for its last part: frames that show a
        gray card, which sets the gray of their roll.
    """

    mode: Literal["auto", "frame", "roll"]
    roll_by: str | None = None
    strict: bool = False
    pull: float | None = None
    gray_frames: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return all options; text for options of earlier versions must not change.

        It is part of the digest by which decided rolls stay as they are.
        """
        options = f"mode={self.mode!r}, roll_by={self.roll_by!r}, strict={self.strict!r}"
        if self.pull is not None:
            options += f", pull={self.pull!r}"
        if self.gray_frames:
            options += f", gray_frames={self.gray_frames!r}"
        return f"Auto({options})"

    def parameters(self, name: str) -> str:
        """Return the parameters of a scan's measure task; empty for none."""
        return AREAS if naming.fits(name, self.gray_frames) else ""

    @property
    def task(self) -> str:
        """Dotted name of the measure task."""
        return TASK

    @property
    def unasked(self) -> bool:
        """Whether measuring is only the default, not requested by the user."""
        return self.mode == "auto"

    def measures(self, recipes: Sequence[Recipe], shipped: bool) -> bool:
        """Return whether a scan with these recipes is measured at all.

        Parameters
        ----------
        recipes : sequence of Recipe
            Recipes of the scan's frames.
        shipped : bool
            Whether they come from a profile that ships with divere.
        """
        if self.mode != "auto":
            return True
        return shipped and all(recipe.film.invert and recipe.film.rgb_gains for recipe in recipes)

    def decide(
        self,
        measured: Sequence[Measured],
        frozen: Mapping[str, str] | None = None,
        stocks: Mapping[str, str] | None = None,
    ) -> Decisions:
        """Decide all scans at once; a bad frame raises no error.

        Parameters
        ----------
        measured : sequence of Measured
        frozen : mapping of str to str, optional
            The decisions of earlier runs, by name of the scan: they stay, and new scans of
            the same roll follow them.
        stocks : mapping of str to str, optional
            The film stock of scans by name, where it is known from the code at the film's
            edge: scans of different stocks are never one roll.
        """
        earlier = frozen or {}
        folders: dict[tuple[str, str, str], Folder] = {}
        owners: dict[tuple[str, str, str], list[tuple[str, int]]] = {}
        stays: dict[str, Decision] = {}
        for scan in sorted(measured, key=lambda scan: scan.name):
            gains = freezing.kept_gains(scan, earlier)
            if gains is not None:
                stays[scan.name] = _again(scan, gains, earlier[scan.name])
            name, directory = naming.roll_name(scan, self.roll_by), os.path.dirname(scan.input)
            gray = naming.fits(scan.name, self.gray_frames)
            for index, item in enumerate(_items(scan, gray)):
                key = (name, directory, _bare(item.frame.recipe).sha256)
                folder = folders.setdefault(key, Folder(name))
                if gains is None:
                    folder.items.append(item)
                    owners.setdefault(key, []).append((scan.name, index))
                elif index == 0:
                    folder.decided.append(earlier[scan.name])
                    folder.stay.append(scan.name)
        collected = _Collected()
        for key, folder_of in sorted(folders.items()):
            self._decide(folder_of, owners.get(key, []), collected, stocks or {})
        scans = {
            scan.name: stays.get(scan.name)
            or self._decision(
                scan, collected.frames.get(scan.name, {}), collected.texts.get(scan.name, "")
            )
            for scan in measured
        }
        return Decisions(scans, tuple(collected.records), self._warnings(scans, stays))

    def _decide(
        self,
        folder: Folder,
        owners: Sequence[tuple[str, int]],
        collected: _Collected,
        stocks: Mapping[str, str],
    ) -> None:
        """Decide the rolls of one folder."""
        mode: Mode = "frame" if self.mode == "frame" else "roll"
        for roll, places in folder.rolls(mode, self.pull, stocks):
            made, baseline = decide.decided(roll)
            record = _with_own_gray(made, [item.frame.recipe for item in roll.items])
            collected.records.append(record)
            by_scan: dict[str, list[RollFrame]] = {}
            for item_index, frame in zip(places, record.frames, strict=True):
                name, index = owners[item_index]
                collected.frames.setdefault(name, {})[index] = (record, frame)
                by_scan.setdefault(name, []).append(frame)
            for name, frames in by_scan.items():
                collected.texts[name] = freezing.text(roll, baseline, frames)

    def _warnings(self, scans: Collection[str], stays: Collection[str]) -> tuple[str, ...]:
        """Return warnings about globs of gray frames that have no effect."""
        warnings = []
        for glob in self.gray_frames:
            named = [name for name in scans if naming.fits(name, (glob,))]
            if not named:
                warnings.append(
                    f"--gray-frame {quote(glob)} matches no scan that is measured, and is not "
                    "used (give the name of a scan, or a pattern such as 'card*')"
                )
            elif all(name in stays for name in named):
                warnings.append(
                    f"--gray-frame {quote(glob)} is not used: an earlier run decided this roll "
                    "('--auto roll --force' decides it again, by the gray frame)"
                )
        return tuple(warnings)

    def _decision(
        self, scan: Measured, decided_frames: dict[int, tuple[RollRecord, RollFrame]], frozen: str
    ) -> Decision:
        recipes: list[Recipe] = []
        notes: list[str] = []
        warnings: list[str] = []
        error = None
        for index, frame in enumerate(scan.frames):
            record, roll_frame = decided_frames[index]
            recipes.append(graded(frame.recipe, roll_frame.rgb_gains))
            notes += [reasons.note(record)] * (reasons.note(record) not in notes)
            prefix = f"{frame.crop_name}: " if frame.crop_name else ""
            odd = roll_frame.kind in ("no_picture", "positive", "unmeasured")
            odd = odd or roll_frame.reason == reasons.NO_CARD
            (warnings if odd else notes).append(prefix + roll_frame.reason)
            if roll_frame.confidence == "low":
                why = roll_frame.reason if roll_frame.kind == "unmeasured" else record.reasons[0]
                line = f"{prefix}low confidence: {why}"
                if not self.unasked:
                    warnings.append(line)
                elif roll_frame.kind == "unmeasured" or record.confidence != "low":
                    notes.append(line)  # else the note on the roll has it already
                error = _refused(record, line) if self.strict else None
        return Decision(tuple(recipes), tuple(notes), tuple(warnings), error, frozen)


@dataclass(slots=True)
class _Collected:
    """Decisions so far, by scan and index of the frame in it."""

    records: list[RollRecord] = field(default_factory=list)
    frames: dict[str, dict[int, tuple[RollRecord, RollFrame]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def _again(scan: Measured, gains: tuple[Triple, ...], frozen: str) -> Decision:
    """Return the decision of an earlier run for a scan."""
    recipes = tuple(
        graded(frame.recipe, frame_gains)
        for frame, frame_gains in zip(scan.frames, gains, strict=True)
    )
    return Decision(recipes, (freezing.AS_DECIDED,), frozen=frozen)


def _with_own_gray(record: RollRecord, recipes: Sequence[Recipe]) -> RollRecord:
    """Keep the gray of presets that were calibrated on a chart; set the roll's exposure."""
    if record.gray_frames or not any(recipe.calibrated for recipe in recipes):
        return record
    frames = tuple(
        replace(frame, rgb_gains=_moved(recipe, frame.rgb_gains)) if recipe.calibrated else frame
        for frame, recipe in zip(record.frames, recipes, strict=True)
    )
    reason = "the preset was calibrated on a chart: its gray is kept, only exposure was measured"
    gains = _moved(next(recipe for recipe in recipes if recipe.calibrated), record.rgb_gains)
    return replace(record, frames=frames, rgb_gains=gains, reasons=(reason, *record.reasons))


def _moved(recipe: Recipe, gains: Triple) -> Triple:
    """Return the recipe's gains, shifted so that their mean is that of ``gains``."""
    shift = (sum(gains) - sum(recipe.rgb_gains)) / 3.0
    red, green, blue = (round(gain + shift, 5) for gain in recipe.rgb_gains)
    return red, green, blue


def graded(recipe: Recipe, gains: Triple) -> Recipe:
    """Return the recipe with other gains and a new hash.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    gains : Triple
        Gains (R, G, B), densities.
    """
    if not recipe.film.rgb_gains:
        return recipe
    changed = replace(recipe, rgb_gains=gains)
    return replace(changed, sha256=digest(changed))


def _items(scan: Measured, gray: bool) -> list[Item]:
    frames: tuple[FrameLooks | None, ...] = (None,) * len(scan.frames)
    measured = False
    if scan.measurement:
        stored_frames = from_json(scan.measurement).frames
        measured = len(stored_frames) == len(scan.frames)
        frames = stored_frames if measured else frames
    pairs: zip[tuple[Frame, FrameLooks | None]] = zip(scan.frames, frames, strict=True)
    return [Item(scan.name, frame, looks, measured, gray) for frame, looks in pairs]


def _bare(recipe: Recipe) -> Recipe:
    """Return the recipe without gains: it is equal for all frames of a roll."""
    return graded(recipe, (0.0, 0.0, 0.0))


def _refused(record: RollRecord, line: str) -> ErrorRecord:
    return ErrorRecord(
        kind="profile",
        message=f"roll {record.name}: {line}",
        hint="grade it with a preset of its own or with --from, or leave out --strict",
    )
