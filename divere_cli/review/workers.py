"""Worker processes that stay, isolated as in a batch.

Covers starting a worker, sending orders, and how it ended: a worker is one attempt of a job
whose task answers orders until its pipe is closed. One thread owns the runner, as its
contract requires; other threads use the pipes. Orders and fresh attempts are in
:mod:`divere_cli.review.renderer`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from divere_cli.errors import Crashed, DivereError, IsolationUnavailable, ScanError, TimedOut
from divere_cli.isolation import factory, task
from divere_cli.isolation.runner import IsolationRequest, Runner
from divere_cli.profile import library
from divere_cli.records.job import Encoding, Job, Limits, Stamp
from divere_cli.records.outcome import ErrorRecord, Outcome
from divere_cli.review import channel

TASK = "divere_cli.review.worker:serve"
OUTPUT = "sRGB"  # color space of all pictures
WARM = "divere_cli.review.worker"
MOST = 8  # workers at once: two views, the grid's, and those that are ending
TURN = 0.02  # seconds that a request for a worker may wait for the runner's thread
FOREVER = 1e7
BOOT_SECONDS = 60.0
END_SECONDS = 10.0
PREFIX = "divere-review-"
SHARED_MEMORY = "/dev/shm"
LEAST_SHARED = 256 << 20


class ScanFailed(ScanError):
    """A scan's error, reported by its worker or caused by its end; ``record`` has the kind."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record.message, hint=record.hint, detail=record.detail)
        self.record = record

    @property
    def died(self) -> bool:
        """Whether the worker crashed, so that a fresh one may succeed."""
        return self.record.kind == Crashed.kind


@dataclass(eq=False)
class _Started:
    """A requested worker, and its outcome once it has ended."""

    job: Job
    begun: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    refused: DivereError | None = None
    unwanted: bool = False


class Resident:
    """A worker process that stays. One thread at a time may ask; any thread may ``kill`` it."""

    def __init__(self, pool: Workers, started: _Started, service: channel.Service) -> None:
        self._pool = pool
        self._started = started
        self._service = service

    def ask(self, order: object, seconds: float) -> channel.Answer:
        """Send an order and return the answer.

        Raises
        ------
        ScanFailed
            The worker reported an error, died, or took too long and was ended.
        """
        try:
            answer, data = self._service.ask(order, seconds)
        except channel.TooSlow:
            self.kill()
            error = TimedOut(f"took longer than {seconds:.0f} s and was stopped")
            raise ScanFailed(record_of(error)) from None
        except channel.Ended as problem:
            raise ScanFailed(self._obituary(str(problem))) from None
        if "error" in answer:
            raise ScanFailed(ErrorRecord(**answer["error"]))
        return answer, data

    def close(self) -> None:
        """Close the pipes; the worker ends after its current order."""
        self._service.close()

    def kill(self) -> None:
        """End the worker at once."""
        self._started.unwanted = True
        self._pool.wake()

    def _obituary(self, message: str) -> ErrorRecord:
        self._pool.wake()
        self._started.ended.wait(END_SECONDS)
        outcome = self._started.outcome
        if outcome is None or outcome.error is None:
            return record_of(Crashed(message))
        error = outcome.error
        if outcome.end in ("lost", "infrastructure", "cancelled"):
            return ErrorRecord(Crashed.kind, error.message, error.hint, error.detail)
        return error


class Workers:
    """Starts workers; a context manager that leaves none behind.

    Attributes
    ----------
    folder : str
        Private to this service: the pipes and the proxies of its workers; ``small`` in
        it holds the grid's.
    """

    def __init__(self, open_runner: Callable[[IsolationRequest], Runner] | None = None) -> None:
        self.folder = session_folder()
        self.small = os.path.join(self.folder, "small")
        os.mkdir(self.small, 0o700)
        self._open = open_runner or _open_runner
        self._requests: queue.SimpleQueue[_Started | None] = queue.SimpleQueue()
        self._alive: dict[int, _Started] = {}
        self._numbers = itertools.count(1)
        self._closed = False
        self._problem: DivereError | None = None
        self._thread = threading.Thread(target=self._run, name="review-workers", daemon=True)
        self._thread.start()

    def start(self, name: str, path: str, proxies: Sequence[str] = ()) -> Resident:
        """Start a worker.

        Parameters
        ----------
        name : str
            Name of the scan, for messages.
        path : str
            The only path that it may read: a scan, or the folder of small proxies.
        proxies : sequence of str
            Files that it may read and write; created here if they do not exist.

        Raises
        ------
        ScanFailed
            No process can be started.
        """
        number = next(self._numbers)
        service = channel.Service(os.path.join(self.folder, f"worker-{number}"))
        for proxy in proxies:
            os.close(os.open(proxy, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        started = _Started(_job(number, name, path, service, proxies))
        self._requests.put(started)
        started.begun.wait(BOOT_SECONDS)
        if started.refused is not None:
            service.close()
            raise ScanFailed(record_of(started.refused))
        return Resident(self, started, service)

    def wake(self) -> None:
        """Let the runner's thread check its workers now."""
        self._requests.put(None)

    def close(self) -> None:
        """End all workers and remove the folder."""
        if not self._closed:
            self._closed = True
            self.wake()
            self._thread.join(END_SECONDS)
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            runner = self._open(IsolationRequest(requested="always", jobs=MOST))
        except DivereError as problem:
            self._refuse(problem)
            return
        try:
            while not self._closed:
                self._turn(runner)
        finally:
            for outcome in runner.close(grace=0.2):
                self._bury(outcome)
            self._refuse(IsolationUnavailable("the service is ending", hint=""))

    def _turn(self, runner: Runner) -> None:
        """Start requested workers, end those that are not needed, collect outcomes."""
        with contextlib.suppress(queue.Empty):
            request = self._requests.get(timeout=0.0 if self._alive else None)
            while True:
                if request is not None:
                    self._begin(runner, request)
                request = self._requests.get_nowait()
        for number, started in list(self._alive.items()):
            if started.unwanted:
                runner.cancel(number)
        for outcome in runner.wait(TURN):
            self._bury(outcome)

    def _begin(self, runner: Runner, started: _Started) -> None:
        while runner.slots() < 1 and not self._closed:
            for outcome in runner.wait(TURN):
                self._bury(outcome)
        self._alive[started.job.id] = started
        runner.start(started.job, Limits(wall_seconds=FOREVER))
        started.begun.set()

    def _bury(self, outcome: Outcome) -> None:
        started = self._alive.pop(outcome.job_id, None)
        if started is not None:
            started.outcome = outcome
            started.ended.set()

    def _refuse(self, problem: DivereError) -> None:
        """Refuse present and future requests, with the reason why there are no workers."""
        self._problem = problem
        while not self._closed or not self._requests.empty():
            request = self._requests.get()
            if request is not None:
                request.refused = problem
                request.ended.set()
                request.begun.set()


def record_of(error: DivereError) -> ErrorRecord:
    """Return an error as data.

    Parameters
    ----------
    error : DivereError
        The error.
    """
    return ErrorRecord(error.kind, error.message, error.hint, error.detail)


def session_folder() -> str:
    """Create the folder of the service, in memory if there is space; remove those of dead ones."""
    root = tempfile.gettempdir()
    if os.path.isdir(SHARED_MEMORY) and os.access(SHARED_MEMORY, os.W_OK):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(SHARED_MEMORY).free >= LEAST_SHARED:
                root = SHARED_MEMORY
    for folder in {root, tempfile.gettempdir()}:
        _sweep(folder)
    return tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=root)


def _sweep(folder: str) -> None:
    """Remove folders of killed services: proxies in shared memory would stay until a reboot."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            number = entry.name.removeprefix(PREFIX).partition("-")[0]
            if not (entry.name.startswith(PREFIX) and number.isdigit()):
                continue
            ours = entry.stat(follow_symlinks=False).st_uid == os.getuid()
            if ours and not _runs(int(number)):
                shutil.rmtree(entry.path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _open_runner(request: IsolationRequest) -> Runner:
    return factory.open_runner(request, lambda event: None, (*task.WARM, WARM))


def _job(
    number: int, name: str, path: str, service: channel.Service, proxies: Sequence[str]
) -> Job:
    paths: dict[str, Any] = {"orders": service.orders, "answers": service.answers}
    paths["proxies"] = list(proxies)
    return Job(
        id=number,
        name=name,
        input=path,
        stamp=Stamp(0, 0),
        encoding=Encoding("jpeg", 8, library.output_space(OUTPUT)),
        frames=(),
        task=TASK,
        parameters=json.dumps(paths),
    )
