"""OUTPUT prepared for one run: planned, locked, its journal open.

Covers the order of the first steps of a run: nothing is written before the plan is
complete, and nothing is read from OUTPUT while another run writes to it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from divere_cli.batch import discover, film_edges, naming, plan
from divere_cli.batch.journal import compaction
from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.journal.state import State
from divere_cli.batch.journal.writer import Journal
from divere_cli.batch.publish import Publisher
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.stop import Stop
from divere_cli.files.lock import Lock
from divere_cli.files.output_folder import Folder

log = logging.getLogger(__name__)

_FEW = 20  # scans whose headers are sooner read from the files than from the journal

Pause = Callable[[float], bool] | None


@dataclass(frozen=True, slots=True)
class Workspace:
    """The plan of a run and its open resources in OUTPUT."""

    folder: Folder
    journal: Journal
    state: State
    publisher: Publisher
    plans: list[plan.ScanPlan]
    warnings: tuple[str, ...]


def take(
    request: BatchRequest, stop: Stop, resources: ExitStack, run_id: str, started: str = ""
) -> Workspace:
    """Plan the run, then lock and open OUTPUT.

    Parameters
    ----------
    request : BatchRequest
    stop : Stop
        Ends the wait for another run.
    resources : ExitStack
        Receives the callbacks that release the resources.
    run_id, started : str
        Id of this run in the journal, and the time at which it began.

    Raises
    ------
    RunError, ProfileError
        Nothing was written.
    """
    naming.check(request.outputs.name)
    plan.check_places(request.inputs.paths, request.outputs.folder)
    pause = _pause(request, stop)
    folder = Folder.open(request.outputs.folder, create=False)
    lock = None
    if folder is not None:
        resources.callback(folder.close)
        if not request.outputs.lock_held:
            lock = _lock(folder, resources, create=False, pause=pause)
    walked = discover.find(request.inputs, request.outputs.folder)
    about = None
    if request.inputs.only is not None:
        about = journal_state.About(frozenset(scan.file for scan in walked.scans))
    few = about is not None and len(about.scans) <= _FEW and not film_edges.needed(request)
    state = State() if few else journal_state.load(folder, about, walked.scans)
    edges = film_edges.read(request, walked.scans, state) if film_edges.needed(request) else None
    film_edges.learn(request, walked.scans, edges)
    plans = plan.make(request, walked, state, folder, lambda: stop.stopping, edges)
    if about is not None:
        twins = frozenset(naming.twin(name) for each in plans for name in each.writes)
        about = replace(about, twins=twins)
    if folder is None:
        folder = _make(request.outputs.folder, resources)
    if lock is None and not request.outputs.lock_held:
        _lock(folder, resources, create=True, pause=pause)
        state = journal_state.load(folder, about)
    elif about is not None:  # what has the outputs' names matters, too
        state = journal_state.load(folder, about)
    unmatched = request.chooser.unmatched([scan.path for scan in walked.scans])
    opened = _opened(folder, state, (run_id, started), resources)
    return replace(opened, plans=plans, warnings=(*opened.warnings, *walked.warnings, *unmatched))


def _pause(request: BatchRequest, stop: Stop) -> Pause:
    """Return how to wait for another run: not at all, without limit, or for some seconds."""
    if not request.outputs.wait:
        return None
    seconds = request.outputs.wait_seconds
    if seconds is None:
        return stop.pause
    deadline = time.monotonic() + seconds
    return lambda pause: time.monotonic() < deadline and stop.pause(pause)


def _make(path: str, resources: ExitStack) -> Folder:
    folder = Folder.open(path, create=True)
    assert folder is not None
    resources.callback(folder.close)
    return folder


def _lock(folder: Folder, resources: ExitStack, *, create: bool, pause: Pause) -> Lock | None:
    lock = Lock.take(folder, create=create, pause=pause)
    if lock is not None:
        resources.callback(lock.release)
    return lock


def _opened(folder: Folder, state: State, run: tuple[str, str], resources: ExitStack) -> Workspace:
    """Open the journal and remove temporary files of earlier runs; the plan is added later."""
    if compaction.due(state):
        compaction.compact(folder)
    opened = Journal.open(folder, *run)
    resources.callback(opened.release)
    publisher = Publisher(folder, opened, run[0])
    publisher.sweep(deep=not state.clean)
    warnings: tuple[str, ...] = ()
    if state.ignored:
        warnings = (f"{state.ignored} lines of the journal are not records and were skipped",)
        log.warning("%s", warnings[0])
    return Workspace(folder, opened, state, publisher, [], warnings)
