"""What a run would do: headers are read, nothing is measured, nothing is written.

Covers the plan of each scan as ``--dry-run`` shows it. What it does not: the run
(:mod:`.run`).
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Literal

from divere_cli.batch import (
    discover,
    film_edges,
    flat_field,
    found_frames,
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

log = logging.getLogger(__name__)


def preview(request: BatchRequest) -> tuple[PlannedScan, ...]:
    """Return what :func:`divere_cli.batch.run.run` would do with each scan.

    Raises
    ------
    RunError, ProfileError
        As the run would, but for a lock that another run holds.
    """
    naming.check(request.outputs.name)
    plan.check_places(request.inputs.paths, request.outputs.folder)
    light = flat_field.of(request)
    request = found_frames.planned(request, light, look=False).request
    folder = Folder.open(request.outputs.folder, create=False)
    try:
        state = journal_state.load(folder)
        walked = discover.find(request.inputs, request.outputs.folder)
        if film_edges.wanted(request):
            log.warning("{film} and {frame} are read from the scans: a dry run leaves them empty")
        plans = plan.make(request, walked, state, folder)
        ownership = Ownership(state, folder, overwrite=request.outputs.overwrite)
        key = light.key if light else ""
        stale = Staleness(request, state, folder, ownership, time.time_ns(), key)
        if request.roll is not None:
            stale.decide_from(repr(request.roll), stale.to_measure(plans))
        return tuple(_planned(_settled(stale, each)) for each in plans)
    finally:
        if folder is not None:
            folder.close()


def _settled(stale: Staleness, each: ScanPlan) -> ScanPlan:
    """Decide as the run would; what it would hash in a worker is hashed here."""
    plan = stale.settle(each)
    if plan.action != "check":
        return plan
    hashes = {}
    for path in stale.paths(plan).values():
        with contextlib.suppress(OSError):
            hashes[path] = stamp.sha256(path)
    return stale.settle(each, hashes=hashes)


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
