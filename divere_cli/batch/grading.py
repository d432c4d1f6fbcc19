"""Grading a scan: make temporary files, build the job, check, publish, report.

Covers everything between a plan and its entry in the report, except scheduling
(:mod:`.scheduler`) and the calls that publish (:mod:`.publish`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from divere_cli import GRADE
from divere_cli.batch import (
    admission,
    failures,
    film_edges,
    film_rolls,
    further,
    reading,
    results,
)
from divere_cli.batch.admission import Admission
from divere_cli.batch.journal.record import Done, OutputStamp, Peak
from divere_cli.batch.ownership import Ownership
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.publish import Staged, output_gone
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.results import Results
from divere_cli.batch.scheduler import Queued
from divere_cli.batch.workspace import Workspace
from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.files import stamp
from divere_cli.files.directory import Directory
from divere_cli.records.copies import replace
from divere_cli.records.job import Frame, Job
from divere_cli.records.light import LightMap
from divere_cli.records.outcome import ErrorRecord, FilmEdge, Outcome, Status, TaskResult

_DEVICE_ERRORS_IN_A_ROW = 3
_NEARLY_FULL = 1 << 20


class Grading:
    """The scheduler's work that grades the scans of a run.

    Parameters
    ----------
    request : BatchRequest
    workspace : Workspace
    ownership : Ownership
    admission : Admission
        Learns the peak memory of each scan.
    results : Results
    threads : int
        Threads of each worker.
    light : LightMap or None
        The flat field, if one is used.
    edges : mapping of str to FilmEdge or None
        Film edge data by scan name, for scans whose edge was read before.
    """

    def __init__(
        self,
        request: BatchRequest,
        workspace: Workspace,
        ownership: Ownership,
        admission: Admission,
        results: Results,
        *,
        threads: int = 1,
        light: LightMap | None = None,
        edges: Mapping[str, FilmEdge | None] = MappingProxyType({}),
    ) -> None:
        self._light = light
        self._edges = edges
        self._request = request
        self._workspace = workspace
        self._ownership = ownership
        self._admission = admission
        self._results = results
        self._threads = threads
        self._staged: dict[int, Staged] = {}
        self._device_errors = 0
        self._full_for = 0  # scans in a row that reported no space although there was some
        self._largest = 0
        self.spread = False  # workers on other machines may have left files

    def prepare(self, queued: Queued) -> Job:
        """Check that the scan is unchanged, make its temporary files, return the job."""
        plan = queued.plan
        if plan.header is not None:
            self._largest = max(self._largest, admission.raw_bytes(plan.header))
        stamp.compare(plan.scan.stamp, stamp.take(plan.scan.path))
        staged = self._workspace.publisher.stage(plan.makes)
        self._staged[queued.id] = staged
        targets = {temp.target.name: temp.target for temp in staged.temps}
        assert plan.selection is not None
        mirrored, turned = reading.turn(plan, self._request.inputs)
        names = [(plan.outputs, *plan.also)[index] for index in plan.stale]
        frames = tuple(
            Frame(
                targets[first],
                recipe,
                cut.crop,
                (cut.orientation + turned) % 360,
                cut.crop_name,
                tuple(targets[name] for name in further_names),
                mirrored,
                cut.turn,
                film,
            )
            for (first, *further_names), recipe, cut, film in zip(
                zip(*names, strict=True),
                plan.recipes,
                plan.selection.frames,
                plan.films or (None,) * len(plan.recipes),
                strict=True,
            )
        )
        encoding, *also = (plan.encodings[index] for index in plan.stale)
        return Job(
            id=queued.id,
            name=queued.name,
            input=os.path.abspath(plan.scan.path),
            stamp=plan.scan.stamp,
            encoding=encoding,
            frames=frames,
            sidecar=targets.get(plan.sidecar),
            task=self._request.task,
            max_pixels=self._request.inputs.max_pixels,
            picture=plan.scan.picture,
            threads=self._threads,
            thumbnails=self._request.thumbnails,
            film_edge=self._request.inputs.film_edge and queued.name not in self._edges,
            known_edge=self._edges.get(queued.name),
            also=tuple(also),
            film=plan.film,
            flat_field=self._light,
            transfer=reading.transfer(plan, self._request.inputs),
            oriented=reading.applies(plan, self._request.inputs),
        )

    def succeed(self, queued: Queued, outcome: Outcome) -> None:
        """Check the written files, publish and record them, report the scan."""
        plan, result = queued.plan, outcome.result or TaskResult()
        staged = self._staged[queued.id]
        publisher = self._workspace.publisher
        if outcome.token:
            self.spread = True
            publisher.adopt(staged)
        publisher.check(staged, result.written)
        stamp.compare(plan.scan.stamp, stamp.take(plan.scan.path))
        peak = self._peak(plan, outcome)
        publisher.publish(
            staged,
            queued.name,
            lambda output: self._ownership.may_replace(plan, output),
            lambda outputs: replace(
                done(plan, (*plan.recorded, *outputs)),
                sha256=result.input_sha256,
                peak=peak,
                basis=plan.basis,
                decided=plan.decided,
                also=further.record(plan),
                film_edge=result.film_edge,
                no_edge_code=self._shows_no_code(result, outcome),
            ),
        )
        self._device_errors = 0
        if peak is not None:
            self._admission.learn(peak)
        self._put(queued, "ok", None, outcome)

    def fail(self, queued: Queued, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """Report a final failure; return True, as it counts for ``--max-failures``."""
        self._full_for = self._full_for + 1 if error.kind == "no_space" else 0
        failures.record(self._workspace, queued.plan, error)
        self._put(queued, "failed", error, outcome)
        return True

    def leave(self, queued: Queued, outcome: Outcome | None) -> None:
        """Report that the run stopped before the scan was done."""
        self._put(queued, "interrupted", None, outcome)

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """Return a problem of the whole run: no space, OUTPUT gone, a failing device; or None."""
        if error.kind == "no_space":  # one worker's report alone does not end the run
            confirmed = self._full_for >= _DEVICE_ERRORS_IN_A_ROW or self._short_of_space()
            return NoSpaceLeft(error.message) if confirmed else None
        if error.kind != "output_error":
            self._device_errors = 0
            return None
        folder = self._workspace.folder
        if not folder.is_there():
            return output_gone(folder)
        if _nearly_full(folder.handle, _NEARLY_FULL):
            return NoSpaceLeft(error.message)
        self._device_errors += 1
        if self._device_errors < _DEVICE_ERRORS_IN_A_ROW:
            return None
        return JournalFailed(
            f"{self._device_errors} positives in a row could not be written: {error.message}",
            hint="check the output device; finished outputs stay, and the next run continues",
        )

    def _short_of_space(self) -> bool:
        """Whether OUTPUT has less free space than the positives of the largest scan may need."""
        return _nearly_full(self._workspace.folder.handle, _NEARLY_FULL + 2 * self._largest)

    def drop(self, queued: Queued) -> None:
        """Remove the temporary files of the attempt."""
        self._workspace.publisher.discard(self._staged.pop(queued.id))

    def _shows_no_code(self, result: TaskResult, outcome: Outcome) -> bool:
        """Whether the edge was read and shows no code; another machine may lack the reader."""
        read = self._request.inputs.film_edge and film_edges.can_be_read() and not outcome.token
        return read and result.film_edge is None

    def _peak(self, plan: ScanPlan, outcome: Outcome) -> Peak | None:
        if plan.header is None or outcome.peak_source not in ("vmhwm", "peak_wset"):
            return None
        kind = admission.sort(plan.header, tuple(plan.encodings[index] for index in plan.stale))
        return Peak(kind, admission.raw_bytes(plan.header), outcome.peak_rss_bytes)

    def _put(
        self, queued: Queued, status: Status, error: ErrorRecord | None, outcome: Outcome | None
    ) -> None:
        plan, attempts = queued.plan, queued.tally.attempts
        result = results.of_attempt(plan, status, error, outcome, attempts)
        orientation = reading.word(plan, self._request.inputs)
        warnings = (*result.warnings, *film_rolls.other_film(plan, result.film_edge))
        self._results.put(plan, replace(result, orientation=orientation, warnings=warnings))


def done(plan: ScanPlan, outputs: Sequence[OutputStamp]) -> Done:
    """Return the journal's record of a scan.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    outputs : sequence of OutputStamp
        Stamps of the published files.
    """
    assert plan.header is not None
    assert plan.selection is not None
    return Done(
        input=plan.scan.name,
        path=os.path.abspath(plan.scan.path),
        stamp=plan.scan.stamp,
        key=plan.key,
        outputs=tuple(outputs),
        header=plan.header,
        profile=plan.selection.profile,
        grade=GRADE,
    )


def _nearly_full(place: Directory, least: int) -> bool:
    try:
        free, names = place.free()
    except OSError:
        return False
    return free < least or not names
