"""The runner of a run, opened when the first scan needs it.

Covers the number of jobs and of threads for each, and closing the runner. The work on
the scans is elsewhere.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from divere_cli.batch.admission import Admission
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.request import DEVELOP, PREPARE, BatchRequest
from divere_cli.batch.retries import Policy
from divere_cli.batch.scheduler import Queued, Scheduler
from divere_cli.batch.stop import Stop
from divere_cli.errors import IsolationUnavailable
from divere_cli.isolation import factory
from divere_cli.isolation.runner import DESCRIPTORS, IsolationRequest, Runner, confined_how
from divere_cli.records.events import Event, ScanProgress, ScanStarted
from divere_cli.records.job import WarmUp
from divere_cli.records.outcome import Incident, IsolationInfo
from divere_cli.system import capacity, cpus, descriptors

log = logging.getLogger(__name__)

WARM_UPS = 4  # number of grades; as many as `color` caches
KEPT_FREE = 16  # descriptors for the journal, reports, logs, and short-lived files


class Engine:
    """Runs passes over scans; nothing is started before :meth:`open`."""

    def __init__(
        self,
        request: BatchRequest,
        admits: Admission,
        stop: Stop,
        emit: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._policy = Policy(request.bounds.retries)
        self._stop = stop
        self._emit = emit
        self._clock = clock
        self._runner: Runner | None = None
        self._count = 0
        self._rss: dict[int, int] = {}
        self.admission = admits
        self.jobs = request.bounds.jobs or 1

    @property
    def opened(self) -> bool:
        """Whether the runner was opened, so that scans may have been touched."""
        return self._runner is not None

    @property
    def threads(self) -> int:
        """Threads of each worker: its share of the cores."""
        return max(1, cpus.usable() // self.jobs)

    @property
    def info(self) -> IsolationInfo:
        """The isolation in effect, or the one that would have been used."""
        if self._runner is not None:
            return self._runner.info
        requested = self._request.isolation.requested
        isolation = IsolationRequest(requested, jobs=self.jobs)
        effective: Literal["process", "thread"] = "thread"
        if factory.prefers_processes(isolation):
            effective = "process"
        isolation = replace(isolation, sandbox=self._request.isolation.sandbox)
        sandbox = confined_how(isolation, effective)
        return IsolationInfo(requested, effective, None, self.jobs, sandbox=sandbox)

    def queue(self, plans: Sequence[ScanPlan]) -> list[Queued]:
        """Return the scans ready for scheduling, with the predicted memory of each."""
        queue = []
        for plan in plans:
            assert plan.header is not None
            self._count += 1
            encodings = tuple(plan.encodings[index] for index in plan.stale)
            predicted = self.admission.predict(plan.header, encodings)
            queue.append(Queued(self._count, plan, predicted))
        return queue

    def open(self, queue: Sequence[Queued]) -> None:
        """Open the runner, once.

        Raises
        ------
        IsolationUnavailable
            Only for ``--isolation always``.
        """
        if self._runner is not None or not queue:
            return
        predicted = [queued.predicted for queued in queue]
        jobs = capacity.jobs(self._request.bounds.jobs, predicted, self.admission.budget_bytes)
        self.jobs = self._within_descriptors(jobs, queue)
        isolation = self._request.isolation
        isolation_request = IsolationRequest(
            isolation.requested,
            isolation.start_method,
            self.jobs,
            warm_ups=_warm_ups(self._request, queue),
            sandbox=isolation.sandbox,
            reap=self._request.host.reap,
        )
        self._runner = _opener(self._request)(isolation_request, self._note)

    def _within_descriptors(self, jobs: int, queue: Sequence[Queued]) -> int:
        """Return the number of jobs, reduced if this process may not open enough files.

        Raises
        ------
        IsolationUnavailable
            The limit of open files is too low for a single scan.
        """
        outputs = max(len(queued.plan.writes) for queued in queue)
        free, per_job = descriptors.free() - KEPT_FREE, DESCRIPTORS + outputs
        if free + KEPT_FREE // 2 < per_job:
            raise IsolationUnavailable(
                f"this process may open only {free + KEPT_FREE} more files, too few for one scan",
                hint="raise the limit: ulimit -n 256",
            )
        fit = max(1, free // per_job)
        if fit >= jobs:
            return jobs
        text = f"{fit} jobs and not {jobs}: this process may open only {free} more files"
        log.warning("%s (ulimit -n)", text)
        self._policy.shortages.append(Incident(self._clock(), "descriptors", text))
        return fit

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Problems of processes and resources of the run; ``at`` is on the monotonic clock."""
        shortages = tuple(self._policy.shortages)
        return shortages if self._runner is None else (*shortages, *self._runner.incidents)

    def scheduler(self) -> Scheduler:
        """Return a scheduler of one pass, on the runner that :meth:`open` made."""
        assert self._runner is not None
        return Scheduler(
            self._runner,
            self.admission,
            self._policy,
            self._stop,
            self._request.bounds,
            self._emit,
            self._rss,
            self._clock,
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, ScanStarted):
            self._rss.pop(event.job_id, None)
        elif isinstance(event, ScanProgress) and event.rss_bytes:
            self._rss[event.job_id] = event.rss_bytes
        self._emit(event)

    def close(self) -> None:
        """End running scans and release all resources."""
        if self._runner is not None:
            self._runner.close(self._stop.kill_grace)


def _warm_ups(request: BatchRequest, queue: Sequence[Queued]) -> tuple[WarmUp, ...]:
    """Return the grades shared by most scans: worth preparing once if several scans use them."""
    if request.task != DEVELOP:
        return ()
    counts: Counter[WarmUp] = Counter()
    for queued in queue:
        selection, header = queued.plan.selection, queued.plan.header
        if selection is None or header is None:
            continue
        layout = header.layout
        for cut in selection.frames:
            sample_layout = (layout.channels, layout.bits, layout.sample)
            counts[WarmUp(PREPARE, cut.recipe, request.outputs.encoding, *sample_layout)] += 1
    return tuple(each for each, count in counts.most_common(WARM_UPS) if count > 1)


def _opener(
    request: BatchRequest,
) -> Callable[[IsolationRequest, Callable[[Event], None]], Runner]:
    if request.open_runner is not None:
        return request.open_runner
    return factory.open_runner
