"""divere's process on each machine: reads jobs as lines, answers with outcomes.

Started by :mod:`divere_cli.cluster.machine` inside a Dask worker. It exists
because a runner wants a main thread of its own (a worker's parent-death signal
is tied to the thread that started it, and Dask runs tasks on threads that come
and go), and because a Dask worker under a nanny may be forbidden to have
children. It ends when its standard input does, so with its machine's Dask
worker, and its scans end with it.

Lines in: ``{"job": Job, "limits": Limits}``. Lines out: ``{"hello": {...}}``,
then ``{"outcome": Outcome, "records": [...]}``. Not covered: which scan runs
where, retries, publishing.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TextIO

from divere_cli import isolation
from divere_cli.isolation.runner import IsolationRequest, Runner
from divere_cli.records import serialize
from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import Outcome

POLL_SECONDS = 0.005  # longest wait until a new job is noticed
RECORDS_KEPT = 2000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log record of a worker, for the caller's handlers."""

    logger: str
    level: int
    message: str
    created: float


@dataclass(frozen=True, slots=True)
class Work:
    """One input line."""

    job: Job
    limits: Limits


@dataclass(frozen=True, slots=True)
class Answer:
    """One output line."""

    outcome: Outcome
    records: tuple[LogLine, ...] = ()


class _Keep(logging.Handler):
    """Collects log records of this machine's workers for the next answer."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=RECORDS_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self._lines.append(LogLine(record.name, record.levelno, message, record.created))

    def take(self) -> tuple[LogLine, ...]:
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        return tuple(lines)


def serve(argument: str) -> None:
    """Serve until standard input ends.

    Parameters
    ----------
    argument : str
        How scans are kept apart, as JSON.
    """
    request = serialize.from_plain(IsolationRequest, json.loads(argument))
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # prints must not get between the output lines
    keep = _Keep()
    logging.basicConfig(level=logging.INFO, handlers=[keep])
    runner = isolation.open(request, _ignore)
    try:
        _write(answers, {"hello": serialize.to_plain(runner.info)})
        _serve(runner, answers, keep)
    finally:
        runner.close()


def _ignore(_event: ScanStarted | ScanProgress) -> None:
    """Ignore the progress within a scan: it is not sent to the caller."""


def _write(answers: TextIO, line: object) -> None:
    answers.write(json.dumps(line) + "\n")
    answers.flush()


def _read(incoming: queue.SimpleQueue[Work | None]) -> None:
    for line in sys.stdin:
        incoming.put(serialize.from_plain(Work, json.loads(line)))
    incoming.put(None)


def _serve(runner: Runner, answers: TextIO, keep: _Keep) -> None:
    incoming: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(incoming,), daemon=True).start()
    waiting: deque[Work] = deque()
    running = 0
    while True:
        try:
            idle = not running and not waiting
            work = incoming.get(block=idle)
            if work is None:
                return
            waiting.append(work)
        except queue.Empty:
            pass
        while waiting and runner.slots():
            work = waiting.popleft()
            runner.start(work.job, work.limits)
            running += 1
        if not running and waiting:
            time.sleep(POLL_SECONDS)  # starts failed: the runner waits a little
        if running:
            for outcome in runner.wait(POLL_SECONDS):
                running -= 1
                _write(answers, serialize.to_plain(Answer(outcome, keep.take())))
