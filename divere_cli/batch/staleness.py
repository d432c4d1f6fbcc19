"""Decide which scans are up to date, kept, deferred or need to be graded.

Covers the key of the work on a scan, the check whether its outputs exist as recorded,
positives that the user changed, failures of earlier runs, and the basis of a roll's
decision. It does not decide which files may be replaced (:mod:`.ownership`). Files are
never compared by "newer than", and nothing is written here.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from divere_cli import GRADE, __version__
from divere_cli.batch import further
from divere_cli.batch.journal.record import Done, OutputStamp
from divere_cli.batch.journal.state import State
from divere_cli.batch.ownership import Ownership
from divere_cli.batch.plan import Action, ScanPlan
from divere_cli.batch.request import BatchRequest
from divere_cli.errors import OutputError, ScanError, Unreadable
from divere_cli.files import stamp
from divere_cli.files.lock import NAME as LOCK_NAME
from divere_cli.files.output_folder import Folder
from divere_cli.records.copies import replace
from divere_cli.records.film import FilmNotes
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding, Stamp
from divere_cli.records.roll import Decision
from divere_cli.records.serialize import to_plain

DECIDED_BEFORE = "as an earlier run decided: its roll, presets and options are the same"
DECIDED_ANEW = "graded again: its roll was decided again, from other scans, presets or options"
EARLIER_GRADE = "made by an earlier version of the grade (--force makes it again)"

DELIVERED = "graded by an earlier version, which did not measure; --force grades it again"

FrameKey = tuple[str, tuple[float, float, float, float], int, str]
"""Output name, crop, orientation, recipe SHA-256."""

_Present = tuple[int, int]

Hashes = Mapping[str, str]
"""SHA-256 by path; empty where a file could not be read."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Outputs of a scan as found: changed by the user, unsure until hashed, or restored.

    ``present`` has size and time of recorded outputs that are there.
    """

    changed: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    restored: tuple[OutputStamp, ...] = ()
    present: Mapping[str, _Present] = field(default_factory=dict)


class Staleness:
    """Decides for each scan what to do; reads the journal's state and OUTPUT.

    Parameters
    ----------
    request : BatchRequest
    state : State
        State read from the journal.
    folder : Folder or None
        OUTPUT; None where it does not exist yet.
    ownership : Ownership
    now_ns : int
        The time by OUTPUT's clock (:func:`now_ns`), for ``--settle``.
    light : str
        Key of the flat field, or empty.

    Attributes
    ----------
    basis : str
        Digest of the inputs of this run's roll decisions; empty without ``--auto``.
    """

    def __init__(
        self,
        request: BatchRequest,
        state: State,
        folder: Folder | None,
        ownership: Ownership,
        now_ns: int,
        light: str = "",
    ) -> None:
        self._light = light
        self._request = request
        self._state = state
        self._folder = folder
        self._ownership = ownership
        self._now_ns = now_ns
        self._all_stand = False
        self._restored: dict[str, OutputStamp] = {}
        self._measured: frozenset[str] = frozenset()
        self._delivered: dict[str, str] = {}
        self._shared: tuple[object, tuple[Recipe, ...]] = (None, ())
        self.basis = ""

    def decide_from(self, roll: str, plans: Sequence[ScanPlan]) -> bool:
        """Set ``basis``; return whether the decision of the last run is still valid.

        If it is, every scan is up to date and none needs to be measured.
        """
        scans = [(each.scan.name, each.scan.stamp, self._grounds(each)) for each in plans]
        self.basis = basis(roll, scans)
        self._measured = frozenset(each.scan.name for each in plans)
        self._all_stand = not self._request.outputs.force and all(map(self._stands, plans))
        return self._all_stand

    def to_measure(self, plans: Sequence[ScanPlan]) -> list[ScanPlan]:
        """Return the plans of scans that are measured before they are graded."""
        roll = self._request.roll
        if roll is None:
            return []
        to_measure = []
        for plan in plans:
            selection = plan.selection
            if plan.error is not None or selection is None:
                continue
            recipes = tuple(cut.recipe for cut in selection.frames)
            delivered = roll.unasked and self._was_delivered(plan)
            if roll.measures(recipes, selection.shipped) and not delivered:
                to_measure.append(plan)
        return to_measure

    def frozen(self, plans: Sequence[ScanPlan], hashes: Hashes | None = None) -> dict[str, str]:
        """Return, by name, the decisions of an earlier run for scans that have not changed.

        ``hashes`` has the SHA-256 of scans whose times changed: equal content is unchanged.
        """
        if self._request.outputs.force:
            return {}
        pairs = ((plan, self._state.done.get(plan.scan.name)) for plan in plans)
        digests = hashes or {}
        return {
            plan.scan.name: done.decided
            for plan, done in pairs
            if done is not None
            and done.decided
            and (
                stamp.same(done.stamp, plan.scan.stamp)
                or (done.sha256 and digests.get(plan.scan.path) == done.sha256)
            )
        }

    def moved(self, plans: Sequence[ScanPlan]) -> list[str]:
        """Return the paths of decided scans whose times changed but whose size did not."""
        pairs = ((plan.scan, self._state.done.get(plan.scan.name)) for plan in plans)
        return [
            scan.path
            for scan, done in pairs
            if done is not None
            and done.decided
            and done.stamp.size == scan.stamp.size
            and not stamp.same(done.stamp, scan.stamp)
        ]

    def _was_delivered(self, plan: ScanPlan) -> bool:
        """Whether a positive of an earlier version that did not measure by default is valid.

        It was made with the shipped default profile, as it was then or as it is now; the
        user did not request another one.
        """
        done, selection = self._state.done.get(plan.scan.name), plan.selection
        if done is None or selection is None or not selection.shipped or done.basis:
            return False
        if self._request.outputs.force or self._folder is None or plan.also:
            return False
        recipes = tuple(cut.recipe for cut in selection.frames)
        before = tuple(
            replace(recipe, sha256=selection.earlier or recipe.sha256) for recipe in recipes
        )
        keys = {self._key(replace(plan, recipes=each)) for each in (recipes, before)}
        if done.key not in keys or not stamp.same(done.stamp, plan.scan.stamp):
            return False
        try:
            intact = outputs_as_recorded(done, self._folder, plan.writes)
        except OutputError:
            return False
        if intact:
            self._delivered[plan.scan.name] = done.key
        return intact

    def settle(
        self, plan: ScanPlan, decision: Decision | None = None, hashes: Hashes | None = None
    ) -> ScanPlan:
        """Return the plan of a scan with its action.

        Parameters
        ----------
        plan : ScanPlan
        decision : Decision, optional
            The decision of ``--auto`` for this scan.
        hashes : mapping, optional
            SHA-256 of the files that an earlier result ``check`` named in ``unsure``.
        """
        if plan.error is not None:
            return self._known_failure(plan) or replace(plan, action="fail")
        if plan.scan.name in self._delivered:
            delivered_key = self._delivered[plan.scan.name]
            plan = replace(plan, earlier=(*plan.earlier, delivered_key), notes=(DELIVERED,))
        measured = plan.scan.name in self._measured
        if decision is not None:
            plan = replace(
                plan,
                recipes=decision.recipes,
                basis=self.basis if measured else "",
                decided=decision.frozen,
                notes=decision.notes,
                warnings=decision.warnings,
            )
        else:
            plan = replace(
                plan,
                recipes=self._recipes_of(plan),
                key="" if self._all_stand and measured else self._key(plan),
            )
        if self._all_stand and measured:
            done = self._state.done[plan.scan.name]
            return replace(
                plan,
                action="up_to_date",
                key=done.key,
                notes=(DECIDED_BEFORE,),
                stale=(),
                recorded=done.outputs,
            )
        try:
            plan = plan if plan.key else replace(plan, key=self._key(plan))
            return self._each_output(self._settle(plan, hashes))
        except ScanError as problem:
            return replace(plan, action="fail", error=problem)
        except OSError as problem:
            error = Unreadable(problem.strerror or str(problem))
            return replace(plan, action="fail", error=error)

    def _recipes_of(self, plan: ScanPlan) -> tuple[Recipe, ...]:
        """Return the recipes of a scan's frames; scans in a row of one preset share them."""
        assert plan.selection is not None
        if self._shared[0] is not plan.selection:
            self._shared = plan.selection, tuple(cut.recipe for cut in plan.selection.frames)
        return self._shared[1]

    def paths(self, plan: ScanPlan) -> dict[str, str]:
        """Return the paths of a plan's ``unsure`` files by name; the empty name is the scan."""
        root = os.path.abspath(self._request.outputs.folder)
        named = {name: os.path.join(root, name) for name in plan.unsure if name}
        return named | ({"": os.path.abspath(plan.scan.path)} if "" in plan.unsure else {})

    def renewed(self, plans: Sequence[ScanPlan]) -> Iterator[Done]:
        """Yield updated records of up-to-date scans, so that the next run needs no hashing."""
        for plan in plans:
            if plan.action not in ("moved", "up_to_date"):
                continue
            recorded = self._state.done[plan.scan.name]
            basis, decided = plan.basis or recorded.basis, plan.decided or recorded.decided
            changed = (basis, decided) != (recorded.basis, recorded.decided)
            if plan.action == "moved" or changed:
                yield replace(
                    recorded,
                    path=os.path.abspath(plan.scan.path),
                    stamp=plan.scan.stamp,
                    basis=basis,
                    decided=decided,
                    outputs=tuple(self._restored.get(each.name, each) for each in recorded.outputs),
                )

    def _each_output(self, plan: ScanPlan) -> ScanPlan:
        """Settle each output separately; check that the outputs to make may be written."""
        done = None if self._request.outputs.force else self._state.done.get(plan.scan.name)
        settled = further.settled(plan, done, self._stands_alone)
        if settled.action == "grade" and plan.also:
            if self._unsettled(plan.scan.stamp):
                return replace(plan, action="deferred")
            self._ownership.check(settled)
        return settled

    def _stands_alone(self, output: OutputStamp) -> bool:
        """Whether a file is as recorded, or was restored with the recorded content."""
        again = self._restored.get(output.name, output)
        return self._folder is not None and _is(again, self._folder)

    def _settle(self, plan: ScanPlan, hashes: Hashes | None) -> ScanPlan:
        comparison = self._look(plan, hashes)
        if comparison.unsure:
            return replace(plan, action="check", unsure=self._unsure(plan, comparison))
        if comparison.changed:
            return self._keep_changed(plan, comparison.changed)
        for output in comparison.restored:
            self._restored[output.name] = output
            self._ownership.accept(output.name, output.size, output.mtime_ns)
        settled = self._up_to_date(plan, comparison, hashes) or self._known_failure(plan)
        if settled is not None:
            return settled
        if self._unsettled(plan.scan.stamp):
            return replace(plan, action="deferred")
        self._ownership.check(plan)
        notes = (*plan.notes, *self._future(plan.scan.stamp), *self._anew(plan))
        return replace(plan, action="grade", notes=notes)

    def _up_to_date(
        self, plan: ScanPlan, comparison: _Comparison, hashes: Hashes | None
    ) -> ScanPlan | None:
        done = self._state.done.get(plan.scan.name)
        if done is None or self._folder is None or self._request.outputs.force:
            return None
        if done.key != plan.key and done.key not in plan.earlier:
            return None
        present = comparison.present
        if not outputs_as_recorded(done, self._folder, plan.main, self._restored, present):
            return None
        earlier = done.grade < GRADE or done.key != plan.key
        notes = (*plan.notes, EARLIER_GRADE) if earlier else plan.notes
        if stamp.same(done.stamp, plan.scan.stamp):
            action: Action = "moved" if comparison.restored else "up_to_date"
            return replace(plan, action=action, key=done.key, notes=notes)
        if not done.sha256 or done.stamp.size != plan.scan.stamp.size:
            return None
        if hashes is None:
            return replace(plan, action="check", unsure=("",))
        if hashes.get(os.path.abspath(plan.scan.path)) != done.sha256:
            return None
        return replace(plan, action="moved", key=done.key, notes=notes)

    def _look(self, plan: ScanPlan, hashes: Hashes | None) -> _Comparison:
        """Compare the files that have the outputs' names with their records."""
        seen: dict[str, _Present] = {}
        comparison = _Comparison(present=seen)
        if self._folder is None or self._request.outputs.overwrite:
            return comparison
        for output in plan.writes:
            recorded = self._state.owned.get(output, ())
            if not recorded and output not in self._state.kept:
                continue
            status = self._folder.look(output)
            if status is None or not _regular(status):
                continue
            present = seen[output] = (status.st_size, status.st_mtime_ns)
            if output in self._state.kept:
                comparison = replace(comparison, changed=(*comparison.changed, output))
                continue
            if any((each.size, each.mtime_ns) == present for each in recorded):
                continue
            if recorded and self._state.owner.get(output) != plan.scan.name:
                continue  # belongs to another scan: ownership reports that
            same_size = [each for each in recorded if each.sha256 and each.size == present[0]]
            if not same_size:
                comparison = replace(comparison, changed=(*comparison.changed, output))
            elif hashes is None:
                comparison = replace(comparison, unsure=(*comparison.unsure, output))
            else:
                path = os.path.join(os.path.abspath(self._request.outputs.folder), output)
                digest = hashes.get(path, "")
                if any(each.sha256 == digest for each in same_size):
                    renewed = OutputStamp(output, *present, digest)
                    comparison = replace(comparison, restored=(*comparison.restored, renewed))
                else:
                    comparison = replace(comparison, changed=(*comparison.changed, output))
        return comparison

    def _unsure(self, plan: ScanPlan, comparison: _Comparison) -> tuple[str, ...]:
        """Return the outputs to hash, and the scan too if its times changed as well."""
        done = self._state.done.get(plan.scan.name)
        moved = done is not None and not stamp.same(done.stamp, plan.scan.stamp)
        return (*comparison.unsure, "") if moved else comparison.unsure

    def _keep_changed(self, plan: ScanPlan, changed: tuple[str, ...]) -> ScanPlan:
        """Keep a positive that the user changed; it is reported once."""
        new = tuple(output for output in changed if output not in self._state.kept)
        warnings = tuple(
            f"'{output}' was changed since divere wrote it and is left as it is from now on "
            "(--overwrite replaces it)"
            for output in new
        )
        notes = () if new else ("changed by its owner and left as it is",)
        return replace(plan, action="kept", kept=new, notes=notes, warnings=warnings)

    def _known_failure(self, plan: ScanPlan) -> ScanPlan | None:
        """Return the plan of a scan that is skipped because it failed before, or None."""
        failure = self._state.failed.get(plan.scan.name)
        scan = plan.scan.stamp
        if failure is None or (failure.size, failure.mtime_ns) != (scan.size, scan.mtime_ns):
            return None
        same = failure.key == plan.key and failure.version == __version__
        if not same or not self._request.outputs.skip_known_failures:
            return None
        if self._request.outputs.force:
            return None
        return replace(plan, action="known_failure", failure=failure)

    def _stands(self, plan: ScanPlan) -> bool:
        done = self._state.done.get(plan.scan.name)
        if done is None or self._folder is None or done.basis != self.basis:
            return False
        if any(each not in done.also for each in further.record(replace(plan, key=done.key))):
            return False
        try:
            return outputs_as_recorded(done, self._folder, plan.writes)
        except OutputError:
            return False

    def _key(self, plan: ScanPlan) -> str:
        assert plan.selection is not None
        cuts = plan.selection.frames
        recipes = plan.recipes or tuple(cut.recipe for cut in cuts)
        frames = [
            (output, cut.crop, cut.orientation, recipe.sha256)
            for output, cut, recipe in zip(plan.outputs, cuts, recipes, strict=True)
        ]
        inputs = self._request.inputs
        reading = [o for o in (inputs.transfer, inputs.orientation) if o != "auto"]
        reading += [f"turn {cut.turn:g} of {cut.crop_name}" for cut in cuts if cut.turn]
        output_key = key(frames, plan.sidecar, self._request.outputs.encoding, reading)
        return with_light(with_films(with_film(output_key, plan.film), plan.films), self._light)

    def _grounds(self, plan: ScanPlan) -> str:
        """Return the parts of its preset that a scan's decision depends on, as text."""
        assert plan.selection is not None
        base, region = plan.selection.film_base, plan.selection.film_base_region
        return " ".join([self._key(plan), *(str(value) for value in (base, region) if value)])

    def _unsettled(self, scan: Stamp) -> bool:
        """Whether a scan is younger than ``--settle``; times in the future are ignored."""
        times = [t for t in (scan.mtime_ns, scan.ctime_ns) if t <= self._now_ns]
        youngest = max(times, default=self._now_ns)
        return self._now_ns - youngest < self._request.inputs.settle_seconds * 1e9

    def _future(self, scan: Stamp) -> tuple[str, ...]:
        if scan.mtime_ns <= self._now_ns + 2_000_000_000:
            return ()
        return ("the modification time of the scan is in the future",)

    def _anew(self, plan: ScanPlan) -> tuple[str, ...]:
        done = self._state.done.get(plan.scan.name)
        if done is None or not done.basis or not plan.basis or done.basis == plan.basis:
            return ()
        return (DECIDED_ANEW,) if stamp.same(done.stamp, plan.scan.stamp) else ()


_compact = json.JSONEncoder(separators=(",", ":")).encode

# Keys once began with the program's version; a fixed 0.1.0 keeps recorded keys valid.
_KEY_BEGINS = "0.1.0"


def key(
    frames: Sequence[FrameKey], sidecar: str, encoding: Encoding, reading: Sequence[str] = ()
) -> str:
    """Return the SHA-256 of everything except the scan itself that determines an output.

    Parameters
    ----------
    frames : sequence of (output name, crop, orientation, recipe sha256)
    sidecar : str
        Name of the infrared sidecar, or empty.
    encoding : Encoding
    reading : sequence of str
        Options for transfer and orientation, and the angles by which frames are leveled;
        empty by default.
    """
    facts = [frames, sidecar, reading] if reading else [frames, sidecar]
    scan = _compact(facts)
    text = f"[{_same_for_all(encoding)},{scan[1:]}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def with_film(key: str, film: FilmNotes | None) -> str:
    """Return the key of a scan with film data; without any it stays as it is.

    Parameters
    ----------
    key : str
        The key without film data.
    film : FilmNotes or None
        The film data.
    """
    if film is None:
        return key
    text = json.dumps([key, to_plain(film)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def with_films(key: str, films: Sequence[FilmNotes | None]) -> str:
    """Return the key of a scan with the film data of its frames; without any it stays as it is.

    Parameters
    ----------
    key : str
        The key without film data.
    films : Sequence[FilmNotes | None]
        The film data of each frame.
    """
    if not films:
        return key
    text = json.dumps([key, [to_plain(film) for film in films]], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def with_light(key: str, light: str) -> str:
    """Return the key of a scan with a flat field; without one it stays as it is.

    Parameters
    ----------
    key : str
        The key without a flat field.
    light : str
        Digest of the flat field; empty without one.
    """
    return hashlib.sha256(f"{key} {light}".encode("ascii")).hexdigest() if light else key


@functools.lru_cache(maxsize=4)
def _same_for_all(encoding: Encoding) -> str:
    options = [_KEY_BEGINS, to_plain(encoding)]
    return json.dumps(options, sort_keys=True, separators=(",", ":"))[1:-1]


def basis(roll: str, scans: Sequence[tuple[str, Stamp, str]]) -> str:
    """Return the SHA-256 of everything that a decision for many scans depends on.

    Equal scans and options give equal decisions, so scans need not be measured again to
    know that they are all up to date.

    Parameters
    ----------
    roll : str
        The request, as text that is the same for the same request.
    scans : sequence of (name, stamp, what of its preset is used)
    """
    grounds = [roll, [[name, scan.size, scan.mtime_ns, used] for name, scan, used in scans]]
    text = json.dumps(grounds, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def outputs_as_recorded(
    done: Done,
    folder: Folder,
    names: Collection[str],
    restored: Mapping[str, OutputStamp] | None = None,
    present: Mapping[str, _Present] | None = None,
) -> bool:
    """Return whether every output with one of these names exists as it was published.

    Parameters
    ----------
    done : Done
        The journal's record of the scan.
    folder : Folder
        The output folder, held open.
    names : collection of str
        Names of the outputs.
    restored : Mapping[str, OutputStamp], optional
        Files that have the recorded content with other times.
    present : Mapping[str, tuple of int], optional
        Size and time of outputs that were just examined.
    """
    current, known = restored or {}, present or {}
    return all(
        _is(current.get(output.name, output), folder, known.get(output.name))
        for output in done.outputs
        if output.name in names
    )


def _is(output: OutputStamp, folder: Folder, present: _Present | None = None) -> bool:
    if present is None:
        status = folder.look(output.name)
        present = (status.st_size, status.st_mtime_ns) if status else None
    return present == (output.size, output.mtime_ns)


def _regular(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode)


def now_ns(folder: Folder | None) -> int:
    """Return the time of OUTPUT's file system in ns; its clock may be that of another machine.

    Parameters
    ----------
    folder : Folder or None
        The output folder, held open.
    """
    if folder is None:
        return time.time_ns()
    try:
        folder.handle.touch(LOCK_NAME)
        return folder.handle.stat(LOCK_NAME).st_mtime_ns
    except OSError:  # lock file missing or owned by another user: use this machine's clock
        return time.time_ns()
