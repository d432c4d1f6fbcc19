"""The result of each scan: an entry of the report.

Covers building it, emitting it once, and the order of the report. Totals are in
``report.summary``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from divere_cli.batch import positives
from divere_cli.batch.plan import ScanPlan
from divere_cli.records.copies import replace
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.outcome import ErrorRecord, Outcome, Pages, ScanResult, Status, TaskResult
from divere_cli.records.roll import RollRecord


class Results:
    """The result of each scan, emitted once and kept in the order of the plan.

    ``measured`` has the seconds that measuring took, by name of the scan; ``plans`` are the scans.
    """

    def __init__(self, plans: Sequence[ScanPlan], emit: Callable[[Event], None]) -> None:
        self.measured: dict[str, float] = {}
        self._by_scan: dict[int, ScanResult] = {}  # by identity: two scans may be equal
        self.plans = plans
        self._emit = emit

    def put(self, plan: ScanPlan, result: ScanResult, *, emit: bool = True) -> None:
        """Keep the result of a scan and emit it."""
        if seconds := self.measured.get(plan.scan.name):
            stages = replace(result.seconds_by_stage, measure=seconds)
            result = replace(result, seconds_by_stage=stages)
        self._by_scan[id(plan.scan)] = result
        if emit:
            self._emit(ScanFinished(result))

    def complete(self) -> bool:
        """Return whether there are scans, and each has a result other than interrupted."""
        results = self._by_scan.values()
        return 0 < len(self.plans) == len(results) and all(
            result.status != "interrupted" for result in results
        )

    def so_far(self) -> tuple[ScanResult, ...]:
        """Return the results so far, without events; scans without a result are interrupted."""
        return tuple(
            self._by_scan.get(id(plan.scan)) or without_worker(plan, "interrupted")
            for plan in self.plans
        )

    def all(self, *, emit: bool = True) -> tuple[ScanResult, ...]:
        """Return one result for each scan of the plan; scans without one were interrupted."""
        for plan in self.plans:
            if id(plan.scan) not in self._by_scan:
                self.put(plan, without_worker(plan, "interrupted"), emit=emit)
        return tuple(self._by_scan[id(plan.scan)] for plan in self.plans)


_KNOWN = "it failed before and has not changed; --known-failures retry tries it again"


def without_worker(plan: ScanPlan, status: Status, error: ErrorRecord | None = None) -> ScanResult:
    """Return the result of a scan that no worker processed.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    status : Status
        The status.
    error : ErrorRecord, optional
        The error, if there was one.
    """
    header, selection = plan.header, plan.selection
    return ScanResult(
        input=plan.scan.name,
        outputs=plan.writes if status in ("up_to_date", "kept") else (),
        status=status,
        error=error,
        profile=selection.profile if selection else None,
        width=header.width if header else 0,
        height=header.height if header else 0,
        warnings=(*(header.warnings if header else ()), *(selection.warnings if selection else ())),
        notes=header.notes if header else (),
        pages=_pages(plan),
    )


def _pages(plan: ScanPlan) -> Pages | None:
    """Return the position of a scan in a file of several pages, or None."""
    header = plan.header
    if header is None or header.pages < 2:
        return None
    return Pages(plan.scan.picture + 1, header.pictures, header.pages)


def of_attempt(
    plan: ScanPlan,
    status: Status,
    error: ErrorRecord | None,
    outcome: Outcome | None,
    attempts: int,
) -> ScanResult:
    """Return the result of a scan after its last attempt.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    status : Status
        The status.
    error : ErrorRecord or None
        The error, if there was one.
    outcome : Outcome or None
        How the last attempt ended; None where there was none.
    attempts : int
        Number of attempts.
    """
    result = _with_outcome(without_worker(plan, status, error), outcome)
    return replace(
        result,
        outputs=plan.writes if status == "ok" else (),
        positives=positives.of(plan, outcome) if status == "ok" else (),
        attempts=attempts,
        warnings=_once((*result.warnings, *plan.warnings)),
        notes=_once((*result.notes, *plan.notes)),
    )


def settled(plan: ScanPlan) -> ScanResult:
    """Return the result of a scan that needs no worker.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    """
    if plan.action == "fail":
        assert plan.error is not None
        return without_worker(plan, "failed", ErrorRecord.of_scan(plan.error))
    if plan.failure is not None:
        error = ErrorRecord(plan.failure.error, plan.failure.message, _KNOWN)
        return without_worker(plan, "known_failure", error)
    status: Status = "up_to_date"
    if plan.action == "kept" or plan.action == "deferred":
        status = plan.action
    result = without_worker(plan, status)
    known_positives = positives.of(plan, None) if status == "up_to_date" else ()
    return replace(
        result,
        notes=(*result.notes, *plan.notes) if plan.notes else result.notes,
        warnings=(*result.warnings, *plan.warnings),
        positives=known_positives,
        film_edge=plan.edge if status in ("up_to_date", "kept") else None,
    )


def _with_outcome(result: ScanResult, outcome: Outcome | None) -> ScanResult:
    if outcome is None:
        return result
    task = outcome.result or TaskResult()
    return replace(
        result,
        width=task.width or result.width,
        height=task.height or result.height,
        worker_pid=outcome.pid,
        host=sys.intern(outcome.host),
        seconds=outcome.seconds,
        seconds_by_stage=replace(task.stages, start=outcome.boot_seconds),
        cpu_seconds=outcome.cpu_seconds,
        sandbox=sys.intern(outcome.sandbox),
        peak_rss_bytes=outcome.peak_rss_bytes,
        peak_rss_source=sys.intern(outcome.peak_source),
        rss_bytes_start=outcome.rss_bytes_start,
        warnings=_once((*result.warnings, *task.warnings)),
        notes=_once((*result.notes, *task.notes)),
        thumbnails=task.thumbnails,
        input_transfer=task.input_transfer,
        clipped=task.clipped,
        quality=task.quality,
        repaired=task.repaired.share if task.repaired else None,
        repair=task.repaired,
        film_edge=task.film_edge,
    )


def with_film_base(
    files: Sequence[ScanResult], rolls: Sequence[RollRecord]
) -> tuple[ScanResult, ...]:
    """Add to the quality of each scan the film base of the roll that it is on.

    Parameters
    ----------
    files : sequence of ScanResult
        The results of the scans.
    rolls : sequence of RollRecord
        The decided rolls.
    """
    bases = {frame.input: roll.film_base for roll in rolls for frame in roll.frames}
    return tuple(
        replace(file, quality=replace(file.quality, film_base=bases.get(file.input)))
        if file.quality is not None
        else file
        for file in files
    )


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
