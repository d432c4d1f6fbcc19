"""Grading as the loop's work: stage, hand over, check, publish, and the last word on a scan.

Covers everything between a draft and its entry in the report. What it does
not: scheduling (:mod:`loop`) and the calls that publish (:mod:`publish`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from divere_cli.batch import admission, staleness
from divere_cli.batch.admission import Admission
from divere_cli.batch.journal.state import Done, OutputStamp, Peak
from divere_cli.batch.ownership import Judge, Verdict
from divere_cli.batch.plan import Draft
from divere_cli.batch.publish import Staged, gone
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.results import Results, once, plain, with_outcome
from divere_cli.batch.scheduler import Task
from divere_cli.batch.workspace import Workspace
from divere_cli.errors import InputChanged, JournalFailed, NoSpaceLeft, RunError, Unreadable
from divere_cli.files.directory import Place
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Frame, Job
from divere_cli.records.outcome import ErrorRecord, Outcome, Status, TaskResult
from divere_cli.records.roll import Decision

_DEVICE_ERRORS_IN_A_ROW = 3
_NEARLY_FULL = 1 << 20


@dataclass(frozen=True, slots=True)
class Ready:
    """A scan that is to be graded: its verdict, and the recipes where they were decided."""

    verdict: Verdict
    recipes: tuple[Recipe, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, draft: Draft, verdict: Verdict, decision: Decision | None) -> Ready:
        """Take the profile's recipes, or those that were decided."""
        if decision is not None:
            return cls(verdict, decision.recipes, decision.notes, decision.warnings)
        assert draft.selection is not None
        return cls(verdict, tuple(cut.recipe for cut in draft.selection.frames))


@dataclass(frozen=True, slots=True)
class Desk:
    """What grading works with."""

    request: BatchRequest
    site: Workspace
    judge: Judge
    admission: Admission
    results: Results
    threads: int = 1


class Grading:
    """The loop's work of grading; one for a run."""

    def __init__(self, desk: Desk, ready: dict[int, Ready]) -> None:
        self._desk = desk
        self._ready = ready
        self._staged: dict[int, Staged] = {}
        self._device_errors = 0
        self.spread = False  # other machines may have left files of attempts that were lost

    def prepare(self, task: Task) -> Job:
        """Look once more at the scan, make its temporary files, say what is to be done."""
        _unchanged(task.draft)
        staged = self._desk.site.publisher.stage(task.draft.writes)
        self._staged[task.id] = staged
        targets = [temp.target for temp in staged.temps]
        draft, recipes = task.draft, self._ready[task.id].recipes
        assert draft.selection is not None
        frames = tuple(
            Frame(target, recipe, cut.crop, cut.orientation, cut.crop_name)
            for target, recipe, cut in zip(targets, recipes, draft.selection.frames, strict=False)
        )
        return Job(
            id=task.id,
            name=task.name,
            input=os.path.abspath(draft.scan.path),
            stamp=draft.scan.stamp,
            encoding=self._desk.request.outputs.encoding,
            frames=frames,
            sidecar=targets[-1] if draft.sidecar else None,
            task=self._desk.request.task,
            max_pixels=self._desk.request.inputs.max_pixels,
            threads=self._desk.threads,
            thumbnails=self._desk.request.thumbnails,
        )

    def succeed(self, task: Task, outcome: Outcome) -> None:
        """Check, publish, record, tell."""
        result = outcome.result or TaskResult()
        staged = self._staged[task.id]
        if outcome.token:
            self.spread = True
            self._desk.site.publisher.adopt(staged)
        self._desk.site.publisher.check(
            staged, result.written, self._desk.request.outputs.encoding.format
        )
        _unchanged(task.draft)
        peak = self._peak(task, outcome)
        self._desk.site.publisher.publish(
            staged,
            task.name,
            lambda output: self._desk.judge.may_replace(task.draft, output),
            lambda stamps: self._done(task, stamps, result.input_sha256, peak),
        )
        self._device_errors = 0
        if peak is not None:
            self._desk.admission.learn(peak)
        self._put(task, "ok", None, outcome)

    def fail(self, task: Task, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """Tell that the scan failed for good."""
        self._put(task, "failed", error, outcome)
        return True

    def leave(self, task: Task, outcome: Outcome | None) -> None:
        """Tell that the run stopped before the scan was done."""
        self._put(task, "interrupted", None, outcome)

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """No space, OUTPUT gone, or a device that fails again and again."""
        if error.kind == "no_space":
            return NoSpaceLeft(error.message)
        if error.kind != "output_error":
            self._device_errors = 0
            return None
        if not self._desk.site.folder.is_there():
            return gone(self._desk.site.folder)
        if _nearly_full(self._desk.site.folder.place):
            return NoSpaceLeft(error.message)
        self._device_errors += 1
        if self._device_errors < _DEVICE_ERRORS_IN_A_ROW:
            return None
        return JournalFailed(
            f"{self._device_errors} positives in a row could not be written: {error.message}",
            hint="check the output device; whole outputs stay, and the next run goes on",
        )

    def drop(self, task: Task) -> None:
        """Remove the temporary files of the attempt."""
        self._desk.site.publisher.discard(self._staged.pop(task.id))

    def _peak(self, task: Task, outcome: Outcome) -> Peak | None:
        header = task.draft.header
        if header is None or outcome.peak_source not in ("vmhwm", "peak_wset"):
            return None
        encoding = self._desk.request.outputs.encoding
        return Peak(
            admission.sort(header, encoding), admission.raw_bytes(header), outcome.peak_rss_bytes
        )

    def _done(
        self, task: Task, stamps: tuple[OutputStamp, ...], sha256: str, peak: Peak | None
    ) -> Done:
        draft = task.draft
        key, basis = self._ready[task.id].verdict.key, self._desk.judge.basis
        return replace(done(draft, key, stamps), sha256=sha256, peak=peak, basis=basis)

    def _put(
        self, task: Task, status: Status, error: ErrorRecord | None, outcome: Outcome | None
    ) -> None:
        ready = self._ready.pop(task.id)  # the last word: a long run keeps nothing it need not
        result = with_outcome(plain(task.draft, status, error), outcome)
        self._desk.results.put(
            task.draft,
            replace(
                result,
                outputs=task.draft.writes if status == "ok" else (),
                attempts=task.tally.attempts,
                warnings=once((*result.warnings, *ready.warnings)),
                notes=once((*result.notes, *ready.notes, *ready.verdict.notes)),
            ),
        )


def done(draft: Draft, key: str, stamps: tuple[OutputStamp, ...]) -> Done:
    """The journal's record of a scan."""
    assert draft.header is not None
    assert draft.selection is not None
    return Done(
        input=draft.scan.name,
        path=os.path.abspath(draft.scan.path),
        stamp=draft.scan.stamp,
        key=key,
        outputs=stamps,
        header=draft.header,
        profile=draft.selection.profile,
    )


def _unchanged(draft: Draft) -> None:
    """Raise ``InputChanged`` unless the scan is the very file that was planned."""
    try:
        now = staleness.stamp_of(os.stat(draft.scan.path))
    except FileNotFoundError as problem:
        raise Unreadable("vanished after it was planned") from problem
    except OSError as problem:
        raise Unreadable(f"cannot be looked at: {problem.strerror}") from problem
    if now != draft.scan.stamp:
        raise InputChanged("changed after it was planned or while it was read")


def _nearly_full(place: Place) -> bool:
    try:
        free, names = place.free()
    except OSError:
        return False
    return free < _NEARLY_FULL or not names
