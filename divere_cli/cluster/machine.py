"""Functions that run inside a Dask worker: the survey before the run, one attempt, the end.

Everything that comes in and goes out is JSON-ready data. The functions are found
by their dotted name on the machine, so its divere runs, never code that was sent.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from divere_cli.cluster import paths
from divere_cli.cluster.station import Answer, Work
from divere_cli.files import directory
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.worker import birth
from divere_cli.records import serialize
from divere_cli.records.job import Job
from divere_cli.records.outcome import ErrorRecord, IsolationInfo, Outcome
from divere_cli.system import capacity, cpus

HELLO_SECONDS = 60.0
IDLE_SECONDS = 600.0  # for a station whose caller was killed


@dataclass(frozen=True, slots=True)
class Order:
    """What a machine needs to know about a run, besides its scans.

    ``memory_budget`` is per machine: bytes, or a share (0..1) of its available memory.
    """

    run: str
    versions: tuple[str, ...]
    isolation: IsolationRequest
    memory_budget: int | float
    inputs: tuple[str, ...]
    output: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The properties of a machine; ``problem`` is empty if it can take part."""

    host: str
    versions: tuple[str, ...]
    jobs: int
    threads_per_job: int
    start_method: str
    problem: str = ""
    probe: str = ""
    sandbox: str = "none"


# These must be equal everywhere for equal bytes; an extra may be missing on all machines.
_LIBRARIES = ("divere-cli", "opencolorio", "numpy", "imagecodecs", "pillow", "tifffile", "exiv2")
_EXTRAS = ("rawpy", "zxing-cpp")


def versions() -> tuple[str, ...]:
    """Return the libraries that determine the bytes of a positive, with their versions."""
    return tuple(f"{name} {_version(name)}" for name in (*_LIBRARIES, *_EXTRAS))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        if name in _EXTRAS:
            return "none"
        raise


def jobs_here(task_threads: int, memory_budget: int | float) -> int:
    """Return how many scans this machine can grade at once, with the rules of a local run.

    Parameters
    ----------
    task_threads : int
        Tasks that the Dask worker runs at once.
    memory_budget : int or float
        Bytes (int), or a share of what is available (float, 0 to 1).
    """
    budget = capacity.budget(memory_budget)
    return capacity.jobs(None, [capacity.BASE] * task_threads, budget)


def survey(plain_order: object, dask_worker: Any) -> object:
    """Check whether this machine can take part in the run.

    ``dask_worker`` is given by Dask, by this name.

    Parameters
    ----------
    plain_order : object
        The order, as plain data.
    dask_worker : Any
        The Dask worker; Dask passes it by this name.
    """
    order = serialize.from_plain(Order, plain_order)
    jobs = jobs_here(dask_worker.state.nthreads, order.memory_budget)
    probe, problem, sandbox = "", "", "none"
    try:
        probe = _probe(order)
        info = _station(order, jobs).info
        method, sandbox = info.start_method or "threads", info.sandbox
    except OSError as error:
        problem, method = str(error), ""
    except RuntimeError as error:
        problem, method = f"no station: {error}", ""
    return serialize.to_plain(
        Survey(
            socket.gethostname(),
            versions(),
            jobs,
            max(1, cpus.usable() // jobs),
            method,
            problem,
            probe,
            sandbox,
        )
    )


def _probe(order: Order) -> str:
    """Check that every INPUT exists, and write a file into OUTPUT that the caller looks for."""
    for path in order.inputs:
        os.stat(path)
    name = f".divere-tmp-{order.run}-probe-{os.getpid()}-{socket.gethostname()[:40]}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | directory.PLAIN
    handle = os.open(os.path.join(order.output, name), flags, 0o600)
    try:
        os.write(handle, order.nonce.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    return name


def attempt(plain_order: object, plain_work: object, token: str, task_threads: int) -> object:
    """Run one attempt on this machine.

    Its temporary files end in ``token``, which the outcome names.

    Parameters
    ----------
    plain_order : object
        The order, as plain data.
    plain_work : object
        The job and its limits, as plain data.
    token : str
        End of the names of the attempt's temporary files.
    task_threads : int
        Tasks that the Dask worker runs at once.
    """
    order = serialize.from_plain(Order, plain_order)
    work = serialize.from_plain(Work, plain_work)
    work = dataclasses.replace(work, job=paths.with_temps(work.job, token))
    if versions() != order.versions:
        return serialize.to_plain(_failed(work, f"has other versions: {', '.join(versions())}"))
    jobs = jobs_here(task_threads, order.memory_budget)
    try:
        _make_temps(work.job)
        station = _station(order, jobs)
        answer = station.run(work)
    except (OSError, RuntimeError) as error:
        return serialize.to_plain(_failed(work, str(error)))
    outcome = dataclasses.replace(answer.outcome, host=socket.gethostname(), token=token)
    return serialize.to_plain(dataclasses.replace(answer, outcome=outcome))


def _make_temps(job: Job) -> None:
    for temp in paths.temps(job):
        os.close(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | directory.PLAIN, 0o600))


def _failed(work: Work, why: str) -> Answer:
    host = socket.gethostname()
    error = ErrorRecord("internal", f"machine {host!r} could not run the scan: {why}")
    outcome = Outcome(work.job.id, work.limits.attempt, "infrastructure", error=error, host=host)
    return Answer(outcome)


class Station:
    """The station of one run in this Dask worker, and the futures of its pending answers."""

    def __init__(self, request: IsolationRequest) -> None:
        self._process = subprocess.Popen(
            birth.command("station", json.dumps(serialize.to_plain(request))),
            env=birth.environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._used = time.monotonic()
        self._waiting: dict[int, Future[Answer]] = {}
        self._hello: Future[IsolationInfo] = Future()
        threading.Thread(target=self._listen, daemon=True, name="divere-station").start()
        self.info = self._hello.result(HELLO_SECONDS)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def idle(self) -> bool:
        """Whether it has had no request for a long time."""
        with self._lock:
            return not self._waiting and time.monotonic() - self._used > IDLE_SECONDS

    def run(self, work: Work) -> Answer:
        """Send one attempt and wait for its answer.

        Raises
        ------
        RuntimeError
            The station died.
        """
        future: Future[Answer] = Future()
        line = json.dumps(serialize.to_plain(work)) + "\n"
        with self._lock:
            if not self.alive or self._process.stdin is None:
                raise RuntimeError("the station of this machine died")
            self._used = time.monotonic()
            self._waiting[work.job.id] = future
            self._process.stdin.write(line)
            self._process.stdin.flush()
        return future.result()

    def stop(self) -> None:
        """End the process, and with it every scan that it is grading."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._hear(json.loads(line))
        self._process.wait()
        died = RuntimeError("the station of this machine died")
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if not self._hello.done():
            self._hello.set_exception(died)
        for future in waiting.values():
            future.set_exception(died)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _hear(self, message: dict[str, object]) -> None:
        if "hello" in message:
            self._hello.set_result(serialize.from_plain(IsolationInfo, message["hello"]))
            return
        answer = serialize.from_plain(Answer, message)
        with self._lock:
            future = self._waiting.pop(answer.outcome.job_id)
        future.set_result(answer)


_stations: dict[str, Station] = {}
_stations_lock = threading.Lock()


def _station(order: Order, jobs: int) -> Station:
    with _stations_lock:
        for run in [run for run, station in _stations.items() if station.idle]:
            _stations.pop(run).stop()
        station = _stations.get(order.run)
        if station is None or not station.alive:
            request = dataclasses.replace(order.isolation, jobs=jobs)
            station = _stations[order.run] = Station(request)
        return station


def stop(run: str) -> None:
    """End the run's station on this machine, with all its scans.

    Parameters
    ----------
    run : str
        Id of the run.
    """
    with _stations_lock:
        station = _stations.pop(run, None)
    if station is not None:
        station.stop()
