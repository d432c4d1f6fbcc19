"""What need not be done again: which scans are up to date, deferred or to be graded.

Covers the key of what is done to a scan, the look at whether it was done, and
what a roll was decided from. What it does not: which files may be replaced
(:mod:`.ownership`); nothing is judged by "newer than", and nothing is written here.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from divere_cli import __version__
from divere_cli.batch import further
from divere_cli.batch.journal.state import Done, OutputStamp, State
from divere_cli.batch.ownership import Ownership
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.request import BatchRequest
from divere_cli.errors import OutputError, ScanError, Unreadable
from divere_cli.files import stamp
from divere_cli.files.lock import NAME as LOCK_NAME
from divere_cli.files.output_folder import Folder
from divere_cli.records.film import FilmNotes
from divere_cli.records.job import Encoding, Stamp
from divere_cli.records.roll import Decision
from divere_cli.records.serialize import to_plain

DECIDED_BEFORE = "as an earlier run decided: its roll, presets and options are the same"
DECIDED_ANEW = "graded again: its roll was decided anew, from other scans, presets or options"

FrameKey = tuple[str, tuple[float, float, float, float], int, str]
"""Output name, crop, orientation, recipe SHA-256."""


class Staleness:
    """Decides scan by scan what is to be done; reads the journal's state and OUTPUT.

    Parameters
    ----------
    request : BatchRequest
    state : State
        What the journal says.
    folder : Folder or None
        OUTPUT; None where it does not exist yet.
    ownership : Ownership
    now_ns : int
        The time by OUTPUT's clock (:func:`now_ns`), for ``--settle``.

    Attributes
    ----------
    basis : str
        What the scans of this run were decided from; empty without ``--auto``.
    """

    def __init__(
        self,
        request: BatchRequest,
        state: State,
        folder: Folder | None,
        ownership: Ownership,
        now_ns: int,
    ) -> None:
        self._request = request
        self._state = state
        self._folder = folder
        self._ownership = ownership
        self._now_ns = now_ns
        self._all_stand = False
        self.basis = ""

    def decide_from(self, roll: str, plans: Sequence[ScanPlan]) -> bool:
        """Note what a roll is decided from; return whether the last run's decision stands.

        Then every scan is up to date and none need be measured.
        """
        scans = [(each.scan.name, each.scan.stamp, self._grounds(each)) for each in plans]
        self.basis = basis(roll, scans)
        self._all_stand = not self._request.outputs.force and all(map(self._stands, plans))
        return self._all_stand

    def settle(self, plan: ScanPlan, decision: Decision | None = None) -> ScanPlan:
        """Return the plan of a scan with its action; ``decision`` is that of ``--auto``."""
        if plan.error is not None:
            return replace(plan, action="fail")
        if decision is not None:
            plan = replace(
                plan,
                recipes=decision.recipes,
                notes=decision.notes,
                warnings=decision.warnings,
            )
        else:
            assert plan.selection is not None
            plan = replace(plan, recipes=tuple(cut.recipe for cut in plan.selection.frames))
        if self._all_stand:
            done = self._state.done[plan.scan.name]
            plan = replace(plan, action="up_to_date", key=done.key, notes=(DECIDED_BEFORE,))
            return replace(plan, stale=(), recorded=done.outputs)
        try:
            return self._each_output(self._settle(replace(plan, key=self._key(plan))))
        except ScanError as problem:
            return replace(plan, action="fail", error=problem)
        except OSError as problem:
            error = Unreadable(problem.strerror or str(problem))
            return replace(plan, action="fail", error=error)

    def renewed(self, plans: Sequence[ScanPlan]) -> Iterator[Done]:
        """Yield the records of up-to-date scans by which the next run sees so with less work."""
        for plan in plans:
            if plan.action not in ("moved", "up_to_date"):
                continue
            known = self._state.done[plan.scan.name]
            basis = self.basis or known.basis
            if plan.action == "moved" or basis != known.basis:
                path = os.path.abspath(plan.scan.path)
                yield replace(known, path=path, stamp=plan.scan.stamp, basis=basis)

    def _each_output(self, plan: ScanPlan) -> ScanPlan:
        """Look at each output by itself; one that has to be made must not be in the way."""
        done = None if self._request.outputs.force else self._state.done.get(plan.scan.name)
        folder = self._folder
        found = further.settled(plan, done, lambda each: folder is not None and _is(each, folder))
        if found.action == "grade" and plan.also:
            if self._unsettled(plan.scan.stamp):
                return replace(plan, action="deferred")
            self._ownership.check(found)
        return found

    def _settle(self, plan: ScanPlan) -> ScanPlan:
        action = self._done(plan)
        if action != "no":
            return replace(plan, action="moved" if action == "moved" else "up_to_date")
        if self._unsettled(plan.scan.stamp):
            return replace(plan, action="deferred")
        self._ownership.check(plan)
        notes = (*plan.notes, *self._future(plan.scan.stamp), *self._anew(plan))
        return replace(plan, action="grade", notes=notes)

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
        return with_film(key(frames, plan.sidecar, self._request.outputs.encoding), plan.film)

    def _grounds(self, plan: ScanPlan) -> str:
        """What of its preset a scan's decision is made from."""
        assert plan.selection is not None
        base, region = plan.selection.film_base, plan.selection.film_base_region
        return " ".join([self._key(plan), *(str(known) for known in (base, region) if known)])

    def _done(self, plan: ScanPlan) -> Literal["no", "yes", "moved"]:
        if self._request.outputs.force or self._folder is None:
            return "no"
        done = self._state.done.get(plan.scan.name)
        return up_to_date(done, plan, self._folder)

    def _unsettled(self, scan: Stamp) -> bool:
        """Younger than ``--settle``; a time in the future says nothing, the change time does."""
        times = [t for t in (scan.mtime_ns, scan.ctime_ns) if t <= self._now_ns]
        youngest = max(times, default=self._now_ns)
        return self._now_ns - youngest < self._request.inputs.settle_seconds * 1e9

    def _future(self, scan: Stamp) -> tuple[str, ...]:
        if scan.mtime_ns <= self._now_ns + 2_000_000_000:
            return ()
        return ("the scan's time of change lies in the future",)

    def _anew(self, plan: ScanPlan) -> tuple[str, ...]:
        done = self._state.done.get(plan.scan.name)
        if done is None or not done.basis or not self.basis or done.basis == self.basis:
            return ()
        return (DECIDED_ANEW,) if stamp.same(done.stamp, plan.scan.stamp) else ()


def key(frames: Sequence[FrameKey], sidecar: str, encoding: Encoding) -> str:
    """Return the SHA-256 of everything that decides an output but for the scan itself.

    Parameters
    ----------
    frames : sequence of (output name, crop, orientation, recipe sha256)
    sidecar : str
        Name of the infrared sidecar, or empty.
    encoding : Encoding
    """
    scan = json.dumps([frames, sidecar], separators=(",", ":"))
    text = f"[{_same_for_all(__version__, encoding)},{scan[1:]}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def with_film(key: str, film: FilmNotes | None) -> str:
    """Return the key of a scan with film data; without any it is the plain one."""
    if film is None:
        return key
    said = json.dumps([key, to_plain(film)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode("ascii")).hexdigest()


@functools.lru_cache(maxsize=4)
def _same_for_all(version: str, encoding: Encoding) -> str:
    options = [version, to_plain(encoding)]
    return json.dumps(options, sort_keys=True, separators=(",", ":"))[1:-1]


def basis(roll: str, scans: Sequence[tuple[str, Stamp, str]]) -> str:
    """Return the SHA-256 of all that a decision for many scans is made from.

    The same scans under the same options are decided alike, so that nothing
    need be measured again to know that all are up to date.

    Parameters
    ----------
    roll : str
        What was asked for, in words that are the same each time.
    scans : sequence of (name, stamp, what of its preset is used)
    """
    grounds = [roll, [[name, scan.size, scan.mtime_ns, used] for name, scan, used in scans]]
    text = json.dumps(grounds, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def outputs_as_recorded(done: Done, folder: Folder, names: Collection[str]) -> bool:
    """Return whether every output of these names is there as it was published."""
    wanted = set(names)
    return all(_is(output, folder) for output in done.outputs if output.name in wanted)


def _is(output: OutputStamp, folder: Folder) -> bool:
    status = folder.look(output.name)
    present = (status.st_size, status.st_mtime_ns) if status else None
    return present == (output.size, output.mtime_ns)


def up_to_date(done: Done | None, plan: ScanPlan, folder: Folder) -> Literal["no", "yes", "moved"]:
    """Return whether a scan is up to date; ``moved`` is yes, with a stamp to be recorded anew.

    Raises
    ------
    OSError
        The scan had to be read and could not be.
    """
    if done is None or done.key != plan.key or not outputs_as_recorded(done, folder, plan.main):
        return "no"
    scan = plan.scan.stamp
    if stamp.same(done.stamp, scan):
        return "yes"
    if not done.sha256 or done.stamp.size != scan.size:
        return "no"
    return "moved" if stamp.sha256(plan.scan.path) == done.sha256 else "no"


def now_ns(folder: Folder | None) -> int:
    """Return the time by the clock of OUTPUT's file system, which may be another machine's."""
    if folder is None:
        return time.time_ns()
    try:
        folder.place.touch(LOCK_NAME)
        return folder.place.stat(LOCK_NAME).st_mtime_ns
    except OSError:  # a file of another user's, or no lock file: this machine's clock will do
        return time.time_ns()
