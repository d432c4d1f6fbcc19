"""The runner contract on a Dask cluster.

Dask holds the queue, moves the tasks and runs a task again when its machine is
gone; this side keeps no more than a window of tasks in flight, so that neither
the caller nor the scheduler ever holds a million of them. Each execution writes
temporary files of its own, and only the one that answers is taken over, so that
a machine that merely seemed dead cannot touch an output.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import queue
import secrets
import select
import time
from collections.abc import Callable
from typing import Any, Literal

from distributed import Client, Future

from divere_cli.cluster import connect, machine, paths
from divere_cli.cluster.connect import ClusterRequest
from divere_cli.cluster.station import Answer, LogLine, Work
from divere_cli.errors import ClusterFailed
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.records import serialize
from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import End, ErrorRecord, Incident, IsolationInfo, Outcome
from divere_cli.system import signals
from divere_cli.text import safe

LOOK_SECONDS = 0.1
LOST_SECONDS = 20.0
ANSWER_SECONDS = 30.0  # for the network, on top of the time limits of scans
LOST_IN_A_ROW = 10
CLOSE_SECONDS = 10.0
INCIDENTS_KEPT = 1000

OnEvent = Callable[[ScanStarted | ScanProgress], None]


@dataclasses.dataclass(slots=True)
class _Flight:
    job: Job
    there: Job
    limits: Limits
    future: Future[Any]
    since: float
    cancelled: bool = False

    @property
    def patience(self) -> float:
        """Seconds until it is given up: it may have to wait for another scan of its machine."""
        return 2 * self.limits.wall_seconds + ANSWER_SECONDS

    @property
    def answer_by(self) -> float:
        return self.since + self.patience


class DaskRunner:
    """Runs attempts on the machines of a cluster (see :class:`.runner.Runner`).

    Raises
    ------
    ClusterFailed
        There is no scheduler, no worker, or a machine cannot take part.
    """

    def __init__(
        self, request: ClusterRequest, isolation: IsolationRequest, on_event: OnEvent
    ) -> None:
        self._request = request
        self._requested = isolation.requested
        self._on_event = on_event
        self._mapping = paths.parse(request.mapping)
        self._client: Client = connect.connect(request.scheduler)
        try:
            run = secrets.token_hex(4)
            surveyed = connect.survey(self._client, request, isolation, run)
            self._order, self._surveys = surveyed
        except BaseException:
            self._client.close()
            raise
        self._plain_order = serialize.to_plain(self._order)
        self._flights: dict[int, _Flight] = {}
        self._done: queue.SimpleQueue[tuple[int, Future[Any]]] = queue.SimpleQueue()
        self._seen_well = time.monotonic()
        self._answered = time.monotonic()
        self._looked = 0.0
        self._workers: dict[str, int] = {}
        self._submitted = 0
        self._closed = False
        self._incidents: list[Incident] = []
        self._in_a_row = 0
        self._until = 0.0

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Attempts that were lost with a machine, or that a machine could not run."""
        return tuple(self._incidents)

    @property
    def lost(self) -> str:
        """Reason to give up: many attempts in a row failed; else empty."""
        return self._incidents[-1].message if self._in_a_row >= LOST_IN_A_ROW else ""

    def _note(self, outcome: Outcome) -> None:
        """Count a lost attempt; after each one, wait a little longer."""
        if outcome.end != "infrastructure":
            self._in_a_row = 0
            return
        self._in_a_row += 1
        self._until = time.monotonic() + min(4.0, 0.25 * (self._in_a_row - 1))
        if outcome.error is not None and len(self._incidents) < INCIDENTS_KEPT:
            text = safe(outcome.error.message, 300)
            self._incidents.append(Incident(time.monotonic(), "cluster", text, 1))

    @property
    def info(self) -> IsolationInfo:
        """The isolation in effect; ``jobs`` counts the scans on all machines together."""
        methods = sorted({survey.start_method for survey in self._surveys.values()})
        jobs = self._bounded(sum(survey.jobs for survey in self._surveys.values()))
        threads = methods == ["threads"]
        return IsolationInfo(
            self._requested,
            "thread" if threads else "process",
            None if threads else "+".join(methods),
            jobs,
            sandbox=self._sandbox(),
        )

    def _sandbox(self) -> str:
        """Return how workers are confined, per machine if they differ."""
        sandboxes = {survey.sandbox for survey in self._surveys.values()}
        if len(sandboxes) == 1:
            return next(iter(sandboxes))
        by_host = sorted({(survey.host, survey.sandbox) for survey in self._surveys.values()})
        return "; ".join(f"{host}: {sandbox}" for host, sandbox in by_host)

    def slots(self) -> int:
        """Free slots: as many scans as the machines grade at once, and one waiting for each.

        Raises
        ------
        ClusterFailed
            As :meth:`wait`: with no scan in flight, a loss is noticed here.
        """
        if self._closed or time.monotonic() < self._until:
            return 0
        self._check_cluster()
        return max(0, self._window() - len(self._flights))

    def _window(self) -> int:
        room = (self._capacity(address, n) + 1 for address, n in self._workers.items())
        return self._bounded(sum(room))

    def _bounded(self, jobs: int) -> int:
        return jobs if self._request.jobs is None else min(jobs, self._request.jobs)

    def _look(self) -> None:
        """Update the list of workers, at most once a second."""
        now = time.monotonic()
        if now - self._looked < 1.0:
            return
        self._looked = now
        self._workers = connect.threads_of_workers(self._client)
        if self._workers:
            self._seen_well = now

    def _capacity(self, address: str, threads: int) -> int:
        survey = self._surveys.get(address)
        return threads if survey is None else survey.jobs

    def start(self, job: Job, limits: Limits) -> None:
        """Hand one attempt to Dask.

        Raises
        ------
        RuntimeError
            The runner is closed, or ``job.id`` is in work.
        ClusterFailed
            The scheduler was lost.
        """
        if self._closed or job.id in self._flights:
            raise RuntimeError(f"job {job.id} cannot be started now")
        threads = min((s.threads_per_job for s in self._surveys.values()), default=1)
        there = dataclasses.replace(paths.job_there(job, self._mapping), threads=threads)
        if not self._flights:
            self._answered = time.monotonic()
        self._submitted += 1
        key = f"divere-{self._order.run}-{self._submitted}"
        try:
            future = self._client.submit(
                _attempt, self._plain_order, serialize.to_plain(Work(there, limits)), key=key,
                pure=False,
            )  # fmt: skip
        except (OSError, RuntimeError) as error:
            raise ClusterFailed(f"the Dask scheduler was lost: {error}") from error
        self._flights[job.id] = _Flight(job, there, limits, future, time.monotonic())
        future.add_done_callback(lambda done, number=job.id: self._done.put((number, done)))
        self._on_event(ScanStarted(job.id, job.name, limits.attempt, 0))

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Return outcomes of attempts that ended, as :class:`.runner.Runner` describes.

        Raises
        ------
        ClusterFailed
            The scheduler or the last machine has been lost for 20 s.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._flights and not self._closed:
            outcomes = self._landed() or self._silent()
            if outcomes or self._woken():
                return outcomes
            self._check_cluster()
            pause = LOOK_SECONDS
            if deadline is not None:
                pause = min(LOOK_SECONDS, self._seconds_left(deadline))
            if pause <= 0:
                return []
            with contextlib.suppress(queue.Empty):
                self._done.put(self._done.get(timeout=pause))
        return []

    @staticmethod
    def _woken() -> bool:
        """Return whether a signal arrived that the caller has to handle; Ctrl-Z is handled here."""
        request = signals.active()
        if request is None or request.fileno() < 0:
            return False
        if not select.select([request.fileno()], [], [], 0)[0]:
            return False
        request.drain()
        if request.suspended:
            signals.suspend(request, [])
        return bool(request.received)

    @staticmethod
    def _seconds_left(deadline: float) -> float:
        return deadline - time.monotonic()

    def _landed(self) -> list[Outcome]:
        outcomes = []
        while not self._done.empty():
            number, future = self._done.get()
            flight = self._flights.get(number)
            if flight is not None and flight.future is future:
                self._answered = time.monotonic()
                del self._flights[number]
                outcomes.append(self._outcome(flight))
                self._note(outcomes[-1])
                future.release()
        return outcomes

    def _silent(self) -> list[Outcome]:
        """Give up attempts without an answer for longer than two scans may take.

        Raises
        ------
        ClusterFailed
            Nothing else was answered in that time: the scheduler or the machines stand still.
            Flights are not all late at once then: each was started at a time of its own.
        """
        now = time.monotonic()
        late = [flight for flight in self._flights.values() if now > flight.answer_by]
        silence = now - self._answered
        if late and silence > max(flight.patience for flight in self._flights.values()):
            raise ClusterFailed(
                f"neither the Dask scheduler nor a machine has answered for {silence:.0f} s, "
                f"{len(self._flights)} scans in flight"
            )
        outcomes = []
        for flight in late:
            del self._flights[flight.job.id]
            text = f"no answer from the cluster in {now - flight.since:.0f} s"
            error = ErrorRecord("internal", text)
            end: End = "infrastructure"
            outcomes.append(Outcome(flight.job.id, flight.limits.attempt, end, error=error))
            self._note(outcomes[-1])
        return outcomes

    def _outcome(self, flight: _Flight) -> Outcome:
        future = flight.future
        if future.status == "finished":
            answer = serialize.from_plain(Answer, future.result())
            for line in answer.records:
                _log(line)
            if answer.outcome.end == "result":
                return self._take_over(flight, answer.outcome)
            return answer.outcome
        end: Literal["cancelled", "infrastructure"] = (
            "cancelled" if flight.cancelled else "infrastructure"
        )
        why = "cancelled" if flight.cancelled else f"{future.status}: {future.exception()}"
        error = ErrorRecord("internal", f"the cluster gave no answer ({why})")
        return Outcome(flight.job.id, flight.limits.attempt, end, error=error)

    def _take_over(self, flight: _Flight, outcome: Outcome) -> Outcome:
        """Move the files of this execution to the names that the batch expects."""
        token = outcome.token
        try:
            for temp in paths.temps(flight.job):
                os.replace(f"{temp}-{token}", temp)
        except OSError as error:
            record = ErrorRecord(
                "output_error",
                f"machine {outcome.host!r} says it wrote {flight.job.name!r}, "
                f"but it is not there: {error}",
            )
            return dataclasses.replace(outcome, end="infrastructure", result=None, error=record)
        return outcome

    def _check_cluster(self) -> None:
        self._look()
        status = self._client.status
        if status == "closed" or time.monotonic() - self._seen_well > LOST_SECONDS:
            reason = "the Dask scheduler was lost" if status != "running" else "no machine is left"
            raise ClusterFailed(f"{reason} with {len(self._flights)} scans in flight")

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """Cancel one attempt; if it already runs on a machine, its result is ignored."""
        flight = self._flights.get(job_id)
        if flight is not None and not flight.cancelled:
            flight.cancelled = True
            flight.future.cancel()

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """Cancel queued attempts, and end the stations with their scans on all machines."""
        if self._closed:
            return []
        self._closed = True
        outcomes = self._landed()
        if self._client.status == "running":
            for flight in self._flights.values():
                flight.cancelled = True
            connect.within(CLOSE_SECONDS, self._take_back)
        connect.within(CLOSE_SECONDS, lambda: self._client.close(timeout=max(grace, 2.0)))
        error = ErrorRecord("internal", "cancelled")
        for number, flight in self._flights.items():
            outcomes.append(Outcome(number, flight.limits.attempt, "cancelled", error=error))
        self._flights.clear()
        return outcomes

    def _take_back(self) -> None:
        self._client.cancel([flight.future for flight in self._flights.values()], force=True)
        self._client.run(machine.stop, self._order.run, on_error="ignore")


def opener(request: ClusterRequest) -> Callable[[IsolationRequest, OnEvent], DaskRunner]:
    """Return a function for ``BatchRequest.open_runner``; a wrong ``--map`` raises at once.

    Parameters
    ----------
    request : ClusterRequest
        What the user asked of the cluster.

    Raises
    ------
    UsageError
        A value of ``request.mapping`` is invalid.
    """
    paths.parse(request.mapping)
    here = dataclasses.replace(
        request,
        inputs=tuple(os.path.abspath(path) for path in request.inputs),
        output=os.path.abspath(request.output),
    )
    return functools.partial(DaskRunner, here)


def _attempt(order: object, work: object) -> object:
    """The Dask task."""
    from distributed import get_worker

    return machine.attempt(order, work, secrets.token_hex(8), get_worker().state.nthreads)


def _log(line: LogLine) -> None:
    record = logging.LogRecord(line.logger, line.level, "", 0, line.message, None, None)
    record.created = line.created
    logging.getLogger(line.logger).handle(record)
