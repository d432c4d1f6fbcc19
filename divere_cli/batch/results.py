"""The result of each scan: an entry of the report.

Covers building it, emitting it once, and the order of the report. Totals are in
``report.summary``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from divere_cli.batch import positives
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.walked import Scan
from divere_cli.records.copies import replace
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.outcome import (
    ErrorRecord,
    Outcome,
    Pages,
    ScanResult,
    Stages,
    Status,
    TaskResult,
)
from divere_cli.records.roll import RollRecord


class Results:
    """The result of each scan, emitted once and kept in the order of the plan.

    ``measured`` has the seconds that measuring took, by name of the scan. ``plans`` is the list of
    the plans of all scans, shared with the run: a plan whose scan is settled is let go.
    """

    def __init__(self, plans: list[ScanPlan], emit: Callable[[Event], None]) -> None:
        self.measured: dict[str, float] = {}
        self._plans = plans
        self._results: list[ScanResult | None] = [None] * len(plans)
        self._places: dict[int, int] = {}  # by identity of the scan: two scans may be equal
        self._edge_known = bytearray(len(plans))
        self._emit = emit

    def settle(self, place: int, result: ScanResult) -> None:
        """Keep and emit the result of a scan that needs no worker, and let its plan go."""
        plan, self._plans[place] = self._plans[place], _SETTLED
        self._edge_known[place] = plan.edge_known
        self._keep(place, plan.scan.name, result, emit=True)

    def put(self, plan: ScanPlan, result: ScanResult) -> None:
        """Keep and emit the result of a scan of which the plan is still there."""
        if not self._places:
            plans = enumerate(self._plans)
            self._places = {id(each.scan): n for n, each in plans if each is not _SETTLED}
        self._keep(self._places[id(plan.scan)], plan.scan.name, result, emit=True)

    def _keep(self, place: int, name: str, result: ScanResult, *, emit: bool) -> None:
        if seconds := self.measured.get(name):
            stages = replace(result.seconds_by_stage, measure=seconds)
            result = replace(result, seconds_by_stage=stages)
        self._results[place] = result
        if emit:
            self._emit(ScanFinished(result))

    def complete(self) -> bool:
        """Return whether there are scans, and each has a result other than interrupted."""
        return bool(self._results) and all(
            result is not None and result.status != "interrupted" for result in self._results
        )

    def so_far(self) -> tuple[ScanResult, ...]:
        """Return the results so far, without events; scans without a result are interrupted."""
        pairs = zip(self._plans, self._results, strict=True)
        return tuple(result or without_worker(plan, "interrupted") for plan, result in pairs)

    def all(self, *, emit: bool = True) -> tuple[ScanResult, ...]:
        """Return one result for each scan of the plan; scans without one were interrupted."""
        for place, plan in enumerate(self._plans):
            if self._results[place] is None:
                result = without_worker(plan, "interrupted")
                self._keep(place, plan.scan.name, result, emit=emit)
        return tuple(result for result in self._results if result is not None)

    def edges_not_read(self) -> frozenset[str]:
        """Return the names of scans whose film edge was not read before this run."""
        known = zip(self._results, self._plans, self._edge_known, strict=True)
        return frozenset(
            result.input
            for result, plan, settled in known
            if result is not None and not (settled or plan.edge_known)
        )


_SETTLED = ScanPlan(Scan("", ""))  # in place of a plan that is no longer needed
_NOT_STARTED = Stages()


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
        seconds_by_stage=_NOT_STARTED,
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
    changes: dict[str, Any] = {}
    if plan.notes:
        changes["notes"] = (*result.notes, *plan.notes)
    if plan.warnings:
        changes["warnings"] = (*result.warnings, *plan.warnings)
    if status == "up_to_date":
        changes["positives"] = positives.of(plan, None)
    if plan.edge is not None and status in ("up_to_date", "kept"):
        changes["film_edge"] = plan.edge
    return replace(result, **changes)


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
