"""What is to be done with each planned scan, now that OUTPUT is ours.

Covers up to date, deferred, and outputs that are in the way. What it does not:
reading headers and naming (:mod:`draft`); nothing is written here.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from divere_cli.batch import naming, staleness
from divere_cli.batch.journal.state import State
from divere_cli.batch.plan import Draft
from divere_cli.batch.request import BatchRequest
from divere_cli.errors import OutputError, OutputExists, ScanError, Unreadable
from divere_cli.files.lock import NAME as LOCK_NAME
from divere_cli.files.output_folder import Folder, split
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Stamp

DECIDED_BEFORE = "as an earlier run decided: its roll, presets and options are the same"
DECIDED_ANEW = "graded again: its roll was decided anew, from other scans, presets or options"

Action = Literal["grade", "up_to_date", "moved", "deferred", "fail"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``moved`` is up to date under a new stamp; ``error`` belongs to ``fail``."""

    action: Action
    key: str = ""
    error: ScanError | None = None
    notes: tuple[str, ...] = ()


class Judge:
    """Judges scans one by one; knows the journal and what lies in OUTPUT."""

    def __init__(
        self, request: BatchRequest, state: State, folder: Folder | None, now_ns: int
    ) -> None:
        self._request = request
        self._state = state
        self._folder = folder
        self._now_ns = now_ns
        self._listed: dict[str, dict[str, str]] = {}
        self._trusted = False
        self.basis = ""

    def judge(self, draft: Draft, recipes: Sequence[Recipe] | None = None) -> Verdict:
        """Say what is to be done; ``recipes`` replace the profile's own (``--auto``)."""
        if draft.error is not None:
            return Verdict("fail", error=draft.error)
        if self._trusted:
            key = self._state.done[draft.scan.name].key
            return Verdict("up_to_date", key, notes=(DECIDED_BEFORE,))
        key = self._key(draft, recipes)
        try:
            action = self._done(draft, key)
            if action == "no":
                if self._unsettled(draft.scan.stamp):
                    return Verdict("deferred", key)
                self._look_for_obstacles(draft)
                notes = (*self._future(draft.scan.stamp), *self._anew(draft))
                return Verdict("grade", key, notes=notes)
        except ScanError as problem:
            return Verdict("fail", key, problem)
        except OSError as problem:
            return Verdict("fail", key, Unreadable(problem.strerror or str(problem)))
        return Verdict("moved" if action == "moved" else "up_to_date", key)

    def decide_from(self, roll: str, drafts: Sequence[Draft]) -> bool:
        """Note what a roll is decided from; True when the last run was, and all of it still stands.

        Then every scan is up to date and none need be measured.
        """
        scans = [(each.scan.name, each.scan.stamp, self._grounds(each)) for each in drafts]
        self.basis = staleness.basis(roll, scans)
        self._trusted = not self._request.outputs.force and all(map(self._stands, drafts))
        return self._trusted

    def _stands(self, draft: Draft) -> bool:
        done = self._state.done.get(draft.scan.name)
        if done is None or self._folder is None or done.basis != self.basis:
            return False
        try:
            return staleness.outputs_as_recorded(done, self._folder)
        except OutputError:
            return False

    def may_replace(self, draft: Draft, output: str) -> bool:
        """Whether what has an output's name now may go; asked again before each rename."""
        if self._request.outputs.overwrite:
            return True
        status = None if self._folder is None else self._folder.look(output)
        if status is None:
            return False
        try:
            self._check_owned(draft, output, status)
        except OutputExists:
            return False
        return True

    def _key(self, draft: Draft, recipes: Sequence[Recipe] | None) -> str:
        assert draft.selection is not None
        frames = draft.selection.frames
        used = recipes if recipes is not None else [frame.recipe for frame in frames]
        cuts = [
            (output, frame.crop, frame.orientation, recipe.sha256)
            for output, frame, recipe in zip(draft.outputs, frames, used, strict=True)
        ]
        return staleness.key(cuts, draft.sidecar, self._request.outputs.encoding)

    def _grounds(self, draft: Draft) -> str:
        """What of its preset a scan's decision is made from."""
        assert draft.selection is not None
        base, region = draft.selection.film_base, draft.selection.film_base_region
        return " ".join([self._key(draft, None), *(str(told) for told in (base, region) if told)])

    def _done(self, draft: Draft, key: str) -> Literal["no", "yes", "moved"]:
        if self._request.outputs.force or self._folder is None:
            return "no"
        done = self._state.done.get(draft.scan.name)
        return staleness.judge(done, draft.scan.path, draft.scan.stamp, key, self._folder)

    def _unsettled(self, stamp: Stamp) -> bool:
        """Younger than ``--settle``; a time in the future says nothing, the change time does."""
        times = [t for t in (stamp.mtime_ns, stamp.ctime_ns) if t <= self._now_ns]
        youngest = max(times, default=self._now_ns)
        return self._now_ns - youngest < self._request.inputs.settle_seconds * 1e9

    def _future(self, stamp: Stamp) -> tuple[str, ...]:
        if stamp.mtime_ns <= self._now_ns + 2_000_000_000:
            return ()
        return ("the scan's time of change lies in the future",)

    def _anew(self, draft: Draft) -> tuple[str, ...]:
        done = self._state.done.get(draft.scan.name)
        if done is None or not done.basis or not self.basis or done.basis == self.basis:
            return ()
        return (DECIDED_ANEW,) if staleness.same_stamp(done.stamp, draft.scan.stamp) else ()

    def _look_for_obstacles(self, draft: Draft) -> None:
        if self._folder is None:
            return
        for output in draft.writes:
            status = self._folder.look(output)
            if status is None:
                self._look_for_twin(output)
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                self._check_owned(draft, output, status)
            else:
                raise OutputError(f"'{output}' in OUTPUT is no file", hint="move it away")

    def _look_for_twin(self, output: str) -> None:
        if self._request.outputs.overwrite:
            return
        other = self._names(split(output)[0]).get(naming.twin(split(output)[1]))
        if other is not None:
            raise OutputExists(
                f"'{other}' in OUTPUT differs from the output '{output}' only in case or in its "
                "Unicode form, and no run recorded it",
                hint="move it away, or use --overwrite",
            )

    def _names(self, folder: str) -> dict[str, str]:
        """What lies in a folder of OUTPUT and is not ours, by twin key."""
        if folder not in self._listed:
            assert self._folder is not None
            self._listed[folder] = {}
            try:
                with self._folder.sub(folder) as place:
                    names = place.names()
            except FileNotFoundError:
                names = []
            prefix = folder + "/" if folder else ""
            self._listed[folder] = {
                naming.twin(name): prefix + name
                for name in names
                if prefix + name not in self._state.owned
            }
        return self._listed[folder]

    def _check_owned(self, draft: Draft, output: str, status: os.stat_result) -> None:
        if self._request.outputs.overwrite:
            return
        stamps = self._state.owned.get(output, ())
        found = (status.st_size, status.st_mtime_ns)
        if not any((stamp.size, stamp.mtime_ns) == found for stamp in stamps):
            said = "was changed since divere wrote it" if stamps else "was recorded by no run"
            raise OutputExists(f"'{output}' is in OUTPUT already and {said}")
        if not self._same_scan(draft, output):
            owner = self._state.owner[output]
            raise OutputExists(f"'{output}' in OUTPUT was made of another scan '{owner}'")

    def _same_scan(self, draft: Draft, output: str) -> bool:
        scan = draft.scan
        if self._state.owner.get(output) != scan.name:
            return False
        done = self._state.done.get(scan.name)
        if done is None or done.path == os.path.abspath(scan.path):
            return True
        return staleness.same_stamp(done.stamp, scan.stamp)


def now_ns(folder: Folder | None) -> int:
    """The time by the clock of OUTPUT's file system, which may be another machine's."""
    if folder is None:
        return time.time_ns()
    try:
        folder.place.touch(LOCK_NAME)
        return folder.place.stat(LOCK_NAME).st_mtime_ns
    except OSError:  # a file of another user's, or no lock file: this machine's clock will do
        return time.time_ns()
