"""A runner to play with, under a hard deadline."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

from divere_cli.isolation.factory import open_runner
from divere_cli.isolation.runner import IsolationRequest, Runner, StartMethod
from divere_cli.isolation.supervisor.attempt import Attempt
from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding, Job, Limits, Stamp
from divere_cli.records.outcome import Outcome

METHODS: list[StartMethod] = ["forkserver", "spawn", "fork"]
KINDS = [*METHODS, "thread"]
BEST_FIRST = [  # the default in the fast tier, the others where minutes do not count
    "forkserver",
    pytest.param("spawn", marks=pytest.mark.slow),
    pytest.param("fork", marks=pytest.mark.slow),
]
ROOT = Path(__file__).parents[2]
HARD_SECONDS = 300

_SPACE = Space("gray", None, (0.3127, 0.329))


def make_job(number: int, task: str, what: str = "") -> Job:
    """A job for one of the tasks of misbehave.py."""
    return Job(
        id=number,
        name=f"scan {number}.tif",
        input=what,
        stamp=Stamp(0, 0),
        encoding=Encoding("tiff", 16, _SPACE),
        frames=(),
        task=f"tests.isolation.misbehave:{task}",
    )


@dataclass
class Table:
    """A runner with its events and log records, and a way to run jobs to their ends."""

    runner: Runner
    events: list[ScanStarted | ScanProgress]
    records: list[logging.LogRecord]
    outcomes: list[Outcome] = field(default_factory=list)

    def start(self, number: int, task: str, what: str = "", **limits: object) -> None:
        self.runner.start(make_job(number, task, what), Limits(**limits))  # type: ignore[arg-type]

    def wait_for(self, *numbers: int) -> list[Outcome]:
        """Outcomes of these jobs, in the order of the numbers."""
        while not set(numbers) <= {outcome.job_id for outcome in self.outcomes}:
            self.outcomes += self.runner.wait(5)
        return [next(o for o in self.outcomes if o.job_id == number) for number in numbers]

    def run(self, task: str, what: str = "", **limits: object) -> Outcome:
        """One job alone, to its end."""
        number = len(self.outcomes) + 1
        self.start(number, task, what, **limits)
        return self.wait_for(number)[0]

    def until(self, seen: Callable[[], bool]) -> None:
        """Let the runner work until something is so."""
        while not seen():
            self.outcomes += self.runner.wait(0.02)

    def attempt(self, number: int) -> Attempt:
        """The attempt of a process runner at a job that is in work."""
        return next(
            attempt
            for attempt in self.runner.loop.busy()  # type: ignore[attr-defined]
            if attempt.assignment and attempt.assignment.job.id == number
        )

    def expire(self, number: int) -> None:
        """Let the time of a job that has begun be up now, however fast the machine is."""
        attempt = self.attempt(number)
        assert attempt.deadline_reason == "timeout"
        attempt.deadline = 0.0

    def messages(self, number: int | None = None) -> list[str]:
        """What was logged, about one job or all."""
        return [
            record.getMessage()
            for record in self.records
            if number is None or getattr(record, "job_id", None) == number
        ]


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def hard_deadline(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test of this room may hang."""
    marker = request.node.get_closest_marker("slow")

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("the hard deadline of this test")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HARD_SECONDS * 20 if marker else HARD_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def opened(kind: str, jobs: int = 2, **more: object) -> Iterator[Table]:
    """A runner of a kind, its records kept; everything must be gone afterwards."""
    request = IsolationRequest(
        requested="never" if kind == "thread" else "always",
        start_method=None if kind == "thread" else kind,  # type: ignore[arg-type]
        jobs=jobs,
        **({"term_seconds": 0.3, "trace_seconds": 0.1, "sandbox": "never"} | more),  # type: ignore[arg-type]
    )
    keeper = _Keeper()
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(keeper)
    events: list[ScanStarted | ScanProgress] = []
    runner = open_runner(request, events.append, warm=("numpy",))
    try:
        yield Table(runner, events, keeper.records)
    finally:
        runner.close(0.2)
        root.removeHandler(keeper)
        root.setLevel(level)


@pytest.fixture(params=BEST_FIRST)
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """A process runner of each start method."""
    with opened(request.param, spares=0) as table:
        yield table


@pytest.fixture(params=METHODS)
def each_table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """A process runner of each start method, in the fast tier too."""
    with opened(request.param, spares=0) as table:
        yield table


@pytest.fixture(params=KINDS)
def any_table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """A runner of every kind."""
    with opened(request.param, spares=0) as table:
        yield table


def eventually(so: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Whether something becomes so in time; the time only keeps a test from hanging."""
    deadline = time.monotonic() + seconds
    while not so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
