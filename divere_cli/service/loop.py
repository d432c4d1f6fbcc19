"""The loop: look, let a batch grade the scans that have settled, wait.

Covers signals, reading the options again, and waiting with a growing pause while INPUT or
OUTPUT is missing or full. Not covered: OUTPUT's lock (:mod:`.held_output`), and the files and
results of a batch (:mod:`.grading`).
"""

from __future__ import annotations

import logging
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from divere_cli.batch.request import BatchRequest
from divere_cli.errors import DivereError, InputMissing, OutputLocked, RunError
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.report import RunReport
from divere_cli.service.commands import Hooks
from divere_cli.service.figures import Figures, Snapshot
from divere_cli.service.grading import Grading, file_of, names, short
from divere_cli.service.held_output import HeldOutput
from divere_cli.service.look import Chosen, look
from divere_cli.service.options import Options
from divere_cli.service.pulse import Notifier, Pulse
from divere_cli.service.settling import Settling
from divere_cli.system.signals import StopRequest
from divere_cli.text import safe

log = logging.getLogger(__name__)

MOST = 1000  # scans of one batch: planning more would let the loop count as stuck
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
LEAST_REST = 0.2
NAMED = 200
QUEUED = 24  # names of the queue that are shown


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the loop works with and reports to.

    ``revive`` are called at each turn; each restarts threads that died and returns how
    many there were.
    """

    settling: Settling
    figures: Figures
    pulse: Pulse
    notifier: Notifier
    hooks: Hooks
    emit: Callable[[Event], None]
    conclude: Callable[[RunReport], None]
    revive: Sequence[Callable[[], int]] = ()


class Watch:
    """The service's loop; ``run`` ends when a signal requests it.

    Parameters
    ----------
    options : Options
        The options when the service starts.
    build : callable
        Returns the current options. It is called before each batch, so that changes of
        presets count; with True, flags, environment and ``divere.toml`` are read again, too.
    parts : Parts
    """

    def __init__(self, options: Options, build: Callable[[bool], Options], parts: Parts) -> None:
        self._build = build
        self._parts = parts
        self._options = options
        self._output = HeldOutput()
        self._pause = 0.0
        self._not_before = 0.0  # on the monotonic clock
        self._problem = ""  # what it waits for
        self._error: ErrorRecord | None = None  # what ended the last batch early
        self._last_run: dict[str, Any] | None = None
        self._apply()

    def run(self, stop: StopRequest) -> int:
        """Loop until a signal ends it; return the exit code.

        Parameters
        ----------
        stop : StopRequest
            Signals received so far, also before the loop started.

        Raises
        ------
        OutputLocked
            Another run holds OUTPUT when the service starts.
        """
        try:
            if number := self._signal(stop):
                return self._end(number)
            self.begin()
            self._parts.notifier.send("READY=1", "STATUS=watching")
            while True:
                self.turn()
                if number := self._signal(stop) or self._wait(stop):
                    return self._end(number)
        finally:
            self.close()

    def begin(self) -> None:
        """Make OUTPUT if it is absent, and lock it."""
        self._output.take(self._request.outputs.folder, create=True)

    def close(self) -> None:
        """Release the lock on OUTPUT."""
        self._output.give_back()

    @property
    def _request(self) -> BatchRequest:
        return self._options.request

    def _end(self, number: int) -> int:
        self._show("ending", "")
        self._parts.notifier.send("STOPPING=1")
        return 128 + number

    # ------------------------------------------------------------ one turn

    def turn(self) -> None:
        """Look once, and grade the scans that have settled."""
        now = self._parts.pulse()
        self._parts.hooks.reap()
        self._parts.figures.restarts += sum(revive() for revive in self._parts.revive)
        if now < self._not_before:
            return
        try:
            self._look(now)
        except RunError as problem:
            self._trouble(ErrorRecord.of(problem))
            return
        ripe = self._parts.settling.ripe(now, MOST)
        if ripe:
            self._grade(ripe)
        else:
            self._well()

    def _look(self, now: float) -> None:
        inputs, outputs = self._request.inputs, self._request.outputs
        settling = self._parts.settling
        chosen = Chosen(inputs.recursive, bool(inputs.include), settling.rest, settling.untidy)
        listing = look(inputs.paths, outputs.folder, chosen)
        self._output.keep(outputs.folder)
        settling.see(listing, now)
        self._parts.figures.keep_failures(settling.failed)

    def _grade(self, ripe: list[str]) -> None:
        settling = self._parts.settling
        settling.take(ripe)
        self._show("grading", "", in_work=len(ripe))
        self._read_options(again=False)
        grading = Grading(self._request, settling.stamps(ripe), self._parts.pulse, self._count)
        try:
            with self._survived():
                self._ended(grading.run())
        finally:
            settling.end(grading.fates, ripe, self._parts.pulse())
        if self._error is None:
            self._well()
        else:
            self._trouble(self._error)

    @contextmanager
    def _survived(self) -> Iterator[None]:
        """Store any error that ends a batch early in ``_error``: the service goes on."""
        self._error = None
        try:
            yield
        except DivereError as problem:
            self._error = ErrorRecord.of(problem)
        except KeyboardInterrupt:  # a signal, which the loop sees next
            log.info("a signal ended the batch")
        except Exception as problem:
            log.exception("a bug in divere ended a batch; the service goes on")
            self._error = ErrorRecord("internal", f"a bug in divere: {problem!r}")

    def _ended(self, report: RunReport) -> None:
        self._error = report.error
        self._last_run = short(report)
        self._parts.figures.restarts += sum(i.kind == "forkserver" for i in report.incidents)
        self._parts.conclude(report)

    def _count(self, event: Event, path: str | None, remaining: int) -> None:
        self._parts.emit(event)
        if not isinstance(event, ScanFinished):
            return
        figures = self._parts.figures
        if figures.count(event.result, path):
            self._parts.hooks.enqueue(event.result)
        name = safe(file_of(event.result.input))
        figures.snapshot = replace(
            figures.snapshot,
            in_work=remaining,
            queue=tuple(each for each in figures.snapshot.queue if each != name),
            known_failures=figures.failures()[:NAMED],
        )

    # ------------------------------------------------------------ signals, options, rest

    def _signal(self, stop: StopRequest) -> int:
        """Handle received signals: HUP reads the options; return the first other one, or 0."""
        while stop.received:
            number = stop.received.pop(0)
            if number != getattr(signal, "SIGHUP", None):
                return number
            log.info("HUP: the options are read again")
            self._read_options(again=True)
        return 0

    def _read_options(self, *, again: bool) -> None:
        """Read the current options; keep the old ones if the new ones are invalid."""
        try:
            self._options = self._build(again)
        except DivereError as problem:
            log.error("the options stay as they were: %s", problem.message)
        else:
            self._apply()

    def _apply(self) -> None:
        options, parts = self._options, self._parts
        parts.settling.settle = options.timing.settle
        parts.pulse.longest = options.timing.longest_turn
        parts.hooks.commands = options.commands

    def _wait(self, stop: StopRequest) -> int:
        """Wait for the next look, in steps short enough for the watchdog."""
        interval = self._options.timing.interval
        now = self._parts.pulse()
        due = self._parts.settling.next_due(now)
        wait = interval if due is None else min(interval, due)
        until = now + max(min(interval, LEAST_REST), wait)
        step = (self._parts.notifier.every or interval) / 2
        while not stop.received and (remaining := until - self._parts.pulse()) > 0:
            descriptors = [stop.fileno()] if stop.fileno() >= 0 else []
            select.select(descriptors, [], [], min(remaining, step))
            stop.drain()
        return self._signal(stop)

    # ------------------------------------------------------------ what is shown

    def _trouble(self, problem: ErrorRecord) -> None:
        """Wait, longer each time, until the problem is fixed."""
        if problem.kind not in (InputMissing.kind, OutputLocked.kind):
            self._parts.figures.restarts += 1
        if problem.message != self._problem:  # once, not at each try
            log.warning("%s: %s; the service waits for it", problem.kind, problem.message)
        self._problem = problem.message
        self._output.give_back()
        self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2.0 * self._pause))
        self._not_before = self._parts.pulse() + self._pause
        self._show("waiting", problem.message)

    def _well(self) -> None:
        if self._problem:
            log.warning("the service goes on: the problem that it waited for is fixed")
        self._problem, self._pause = "", 0.0
        self._show("watching", "")

    def _show(self, state: str, problem: str, in_work: int = 0) -> None:
        settling, figures = self._parts.settling, self._parts.figures
        before = figures.snapshot
        figures.snapshot = Snapshot(
            state=state,
            problem=problem,
            waiting=settling.count("waiting"),
            in_work=in_work,
            done=settling.count("done"),
            failed=settling.count("failed") + settling.count("again"),
            queue=tuple(map(safe, names(self._request.inputs.paths, settling.queue(QUEUED)))),
            known_failures=figures.failures()[:NAMED],
            last_run=self._last_run,
        )
        if (before.state, before.problem) != (state, problem):
            self._parts.notifier.send(f"STATUS={state}{': ' if problem else ''}{problem}"[:500])
