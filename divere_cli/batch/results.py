"""The last word on each scan: an entry of the report.

Covers putting it together, telling it once, and the order of the report. What
it does not: sums (``report.summary``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from divere_cli.batch.ownership import Verdict
from divere_cli.batch.plan import Draft
from divere_cli.batch.scheduler import record
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.outcome import ErrorRecord, Outcome, ScanResult, Status, TaskResult


class Results:
    """The last word on each scan, told once and kept in the order of the plan."""

    def __init__(self, drafts: Sequence[Draft], emit: Callable[[Event], None]) -> None:
        self._by_draft: dict[int, ScanResult] = {}  # by its identity: equal drafts are two scans
        self._drafts = drafts
        self._emit = emit

    def put(self, draft: Draft, result: ScanResult, *, tell: bool = True) -> None:
        """Keep and tell."""
        self._by_draft[id(draft)] = result
        if tell:
            self._emit(ScanFinished(result))

    def all(self, *, tell: bool = True) -> tuple[ScanResult, ...]:
        """One result for each scan of the plan; what nobody came to is interrupted."""
        for draft in self._drafts:
            if id(draft) not in self._by_draft:
                self.put(draft, plain(draft, "interrupted"), tell=tell)
        return tuple(self._by_draft[id(draft)] for draft in self._drafts)


def plain(draft: Draft, status: Status, error: ErrorRecord | None = None) -> ScanResult:
    """A result that no worker had a part in."""
    header, selection = draft.header, draft.selection
    return ScanResult(
        input=draft.scan.name,
        outputs=draft.writes if status == "up_to_date" else (),
        status=status,
        error=error,
        profile=selection.profile if selection else None,
        width=header.width if header else 0,
        height=header.height if header else 0,
        warnings=(*(header.warnings if header else ()), *(selection.warnings if selection else ())),
        notes=header.notes if header else (),
    )


def with_outcome(result: ScanResult, outcome: Outcome | None) -> ScanResult:
    """Add what the last attempt took and said."""
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
        peak_rss_bytes=outcome.peak_rss_bytes,
        peak_rss_source=sys.intern(outcome.peak_source),
        rss_bytes_start=outcome.rss_bytes_start,
        warnings=once((*result.warnings, *task.warnings)),
        notes=once((*result.notes, *task.notes)),
        thumbnails=task.thumbnails,
    )


def settled(draft: Draft, verdict: Verdict) -> ScanResult:
    """A scan that was judged without a worker."""
    if verdict.action == "fail":
        assert verdict.error is not None
        return plain(draft, "failed", record(verdict.error))
    result = plain(draft, "deferred" if verdict.action == "deferred" else "up_to_date")
    return replace(result, notes=(*result.notes, *verdict.notes))


def once(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words without repetitions, in order."""
    return tuple(dict.fromkeys(words))
