"""Preview of a run: headers are read, nothing is measured, nothing is written.

Covers the plan of each scan as ``--dry-run`` shows it. The run itself is in :mod:`.run`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable
from typing import Literal

from divere_cli.batch import (
    discover,
    film_edges,
    flat_field,
    found_frames,
    measuring,
    naming,
    plan,
    results,
)
from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.ownership import Ownership
from divere_cli.batch.plan import Action, ScanPlan
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.staleness import Staleness
from divere_cli.files import stamp
from divere_cli.files.output_folder import Folder
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.report import PlannedScan
from divere_cli.records.roll import Decision

log = logging.getLogger(__name__)


def preview(request: BatchRequest) -> tuple[PlannedScan, ...]:
    """Return the action that :func:`divere_cli.batch.run.run` would take for each scan.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.

    Raises
    ------
    RunError, ProfileError
        The errors of a run, except for a lock that another run holds.
    """
    naming.check(request.outputs.name)
    plan.check_places(request.inputs.paths, request.outputs.folder)
    light = flat_field.of(request)
    request = found_frames.planned(request, light, look=False).request
    folder = Folder.open(request.outputs.folder, create=False)
    try:
        state = journal_state.load(folder)
        walked = discover.find(request.inputs, request.outputs.folder)
        edges = None
        if film_edges.needed(request):
            edges = film_edges.all_recorded(request, walked.scans, state)
            if any(scan.path not in edges for scan in walked.scans):
                log.warning(
                    "films and frames are read from the scans: a dry run knows only those that an "
                    "earlier run read"
                )
        film_edges.learn(request, walked.scans, edges)
        plans = plan.make(request, walked, state, folder, edges=edges)
        ownership = Ownership(state, folder, overwrite=request.outputs.overwrite)
        key = light.key if light else ""
        stale = Staleness(request, state, folder, ownership, time.time_ns(), key)
        decisions = _decided_before(request, stale, plans)
        return tuple(
            _planned(_settled(stale, each, decisions.get(each.scan.name))) for each in plans
        )
    finally:
        if folder is not None:
            folder.close()


def _decided_before(
    request: BatchRequest, stale: Staleness, plans: list[ScanPlan]
) -> dict[str, Decision]:
    """Return the decisions of earlier runs for scans of rolls; others would be measured."""
    measured = stale.to_measure(plans)
    if request.roll is None or stale.decide_from(repr(request.roll), measured):
        return {}
    frozen = stale.frozen(measured, _hashes(stale.moved(measured)))
    scans = [measuring.measured(plan) for plan in measured if plan.scan.name in frozen]
    return request.roll.decide(tuple(scans), frozen).scans if scans else {}


def _settled(stale: Staleness, each: ScanPlan, decision: Decision | None) -> ScanPlan:
    """Decide like the run; files that it would hash in a worker are hashed here."""
    plan = stale.settle(each, decision)
    if plan.action != "check":
        return plan
    return stale.settle(each, decision, _hashes(stale.paths(plan).values()))


def _hashes(paths: Iterable[str]) -> dict[str, str]:
    """Return SHA-256 by path; unreadable files are left out."""
    hashes = {}
    for path in paths:
        with contextlib.suppress(OSError):
            hashes[path] = stamp.sha256(path)
    return hashes


_ACTIONS: dict[Action, Literal["grade", "up_to_date"]] = {
    "moved": "up_to_date",
    "check": "grade",
    "": "grade",
}


def _planned(each: ScanPlan) -> PlannedScan:
    result = results.without_worker(each, "ok")
    return PlannedScan(
        input=each.scan.name,
        outputs=each.writes,
        action=_ACTIONS.get(each.action, each.action),  # type: ignore[arg-type]
        profile=result.profile,
        error=ErrorRecord.of_scan(each.error) if each.error else None,
        warnings=(*result.warnings, *each.warnings),
    )
