"""The runner of a run, opened when the first scan needs it.

Covers how many jobs, how many threads each, and giving the runner back. What
it does not: what is done with the scans.
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

WARM_UPS = 4  # grades; as many as `color` keeps
KEPT_FREE = 16  # descriptors for the journal, reports, logs, and what is open for a moment


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
        """Whether there is a runner, so that scans may have been touched."""
        return self._runner is not None

    @property
    def threads(self) -> int:
        """Threads for each worker: the cores that are its share."""
        return max(1, cpus.usable() // self.jobs)

    @property
    def info(self) -> IsolationInfo:
        """How scans are kept apart, or would have been."""
        if self._runner is not None:
            return self._runner.info
        asked = self._request.isolation.requested
        here = IsolationRequest(asked, jobs=self.jobs)
        effective: Literal["process", "thread"] = "thread"
        if factory.prefers_processes(here):
            effective = "process"
        sandbox = confined_how(replace(here, sandbox=self._request.isolation.sandbox), effective)
        return IsolationInfo(asked, effective, None, self.jobs, sandbox=sandbox)

    def queue(self, plans: Sequence[ScanPlan]) -> list[Queued]:
        """Return the scans ready to be scheduled, with the memory that each will take."""
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
        wanted = capacity.jobs(self._request.bounds.jobs, predicted, self.admission.budget_bytes)
        self.jobs = self._within_descriptors(wanted, queue)
        isolation = self._request.isolation
        asked = IsolationRequest(
            isolation.requested,
            isolation.start_method,
            self.jobs,
            warm_ups=_warm_ups(self._request, queue),
            sandbox=isolation.sandbox,
            reap=self._request.host.reap,
        )
        self._runner = _opener(self._request)(asked, self._note)

    def _within_descriptors(self, jobs: int, queue: Sequence[Queued]) -> int:
        """Fewer jobs where this process may not open enough files for all of them.

        Raises
        ------
        IsolationUnavailable
            Not even one scan can be in work.
        """
        outputs = max(len(queued.plan.writes) for queued in queue)
        room, one = descriptors.free() - KEPT_FREE, DESCRIPTORS + outputs
        if room + KEPT_FREE // 2 < one:
            raise IsolationUnavailable(
                f"this process may open only {room + KEPT_FREE} more files, too few for one scan",
                hint="raise the limit: ulimit -n 256",
            )
        fit = max(1, room // one)
        if fit >= jobs:
            return jobs
        text = f"{fit} jobs and not {jobs}: this process may open only {room} more files"
        log.warning("%s (ulimit -n)", text)
        self._policy.shortages.append(Incident(self._clock(), "descriptors", text))
        return fit

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What went wrong with the machinery of the run, ``at`` on the monotonic clock."""
        own = tuple(self._policy.shortages)
        return own if self._runner is None else (*own, *self._runner.incidents)

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
        """End what is still in work and give everything back."""
        if self._runner is not None:
            self._runner.close(self._stop.kill_grace)


def _warm_ups(request: BatchRequest, queue: Sequence[Queued]) -> tuple[WarmUp, ...]:
    """The grades that most scans share: worth preparing once when there are many of them."""
    if request.task != DEVELOP:
        return ()
    counts: Counter[WarmUp] = Counter()
    for queued in queue:
        selection, header = queued.plan.selection, queued.plan.header
        if selection is None or header is None:
            continue
        layout = header.layout
        for cut in selection.frames:
            like = (layout.channels, layout.bits, layout.sample)
            counts[WarmUp(PREPARE, cut.recipe, request.outputs.encoding, *like)] += 1
    return tuple(each for each, count in counts.most_common(WARM_UPS) if count > 1)


def _opener(
    request: BatchRequest,
) -> Callable[[IsolationRequest, Callable[[Event], None]], Runner]:
    if request.open_runner is not None:
        return request.open_runner
    return factory.open_runner
