"""The loop: look, take what is ripe, let the batch grade it, wait.

Covers OUTPUT's lock (held throughout), what a signal means, waiting with a
growing pause while INPUT or OUTPUT is gone or full, and reading the options
again. What it does not: grading, journal and reports, which are the batch's own.
"""

from __future__ import annotations

import logging
import os
import select
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from divere_cli.batch import run as batch
from divere_cli.batch.request import BatchRequest
from divere_cli.errors import DivereError, InputMissing, OutputLocked, OutputUnusable, RunError
from divere_cli.files.lock import Lock
from divere_cli.files.output_folder import Folder
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.report import RunReport
from divere_cli.service.commands import Hooks
from divere_cli.service.figures import Figures, Snapshot
from divere_cli.service.look import look
from divere_cli.service.pulse import Notifier, Pulse
from divere_cli.service.settling import Fate, Settling
from divere_cli.system import signals

log = logging.getLogger(__name__)

MOST = 1000  # scans of one batch: planning them takes less time than a loop may stand still
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
NAMED = 200
STOPPED = (129, 130, 143)  # exit codes of a batch that a signal ended
FATES: dict[str, Fate] = {
    "ok": "done",
    "up_to_date": "done",
    "kept": "done",
    "failed": "failed",
    "known_failure": "failed",
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: between looks, without a change, for scans in work at the end."""

    interval: float = 5.0
    settle: float = 10.0
    grace: float = 30.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop works with and talks to."""

    settling: Settling
    figures: Figures
    pulse: Pulse
    notifier: Notifier
    hooks: Hooks
    emit: Callable[[Event], None]
    conclude: Callable[[RunReport], None]


class Watch:
    """The service's loop. ``run`` ends with the signal that asked for it.

    Parameters
    ----------
    build : callable
        Reads the options and gives the batch they mean; asked again for each batch, so
        that presets are read as they are then.
    timing : Timing
    parts : Parts
    """

    def __init__(self, build: Callable[[], BatchRequest], timing: Timing, parts: Parts) -> None:
        self._build = build
        self._timing = timing
        self._parts = parts
        self._request = build()
        self._held: ExitStack | None = None
        self._place: tuple[int, int] | None = None
        self._pause = 0.0
        self._again = 0.0  # on the monotonic clock: not before then
        self._fates: dict[str, Fate] = {}
        self._by_name: dict[str, str] = {}
        self._last_run: dict[str, Any] | None = None

    def run(self) -> int:
        """Loop until a signal ends it; gives the exit code.

        Raises
        ------
        OutputLocked
            Another run holds OUTPUT when the service begins.
        """
        try:
            with signals.watch() as asked:
                self._take(first=True)
                self._parts.notifier.tell("READY=1", "STATUS=watching")
                while True:
                    self._turn()
                    if number := self._heard(asked) or self._rest(asked):
                        return self._end(number)
        finally:
            self._give_back()

    def _end(self, number: int) -> int:
        self._tell("ending", "")
        self._parts.notifier.tell("STOPPING=1")
        return 128 + number

    # ------------------------------------------------------------ one turn

    def _turn(self) -> None:
        """Look, and grade what is ripe."""
        now = self._parts.pulse()
        if now < self._again:
            return
        inputs, outputs = self._request.inputs, self._request.outputs
        try:
            seen = look(
                inputs.paths,
                outputs.folder,
                recursive=inputs.recursive,
                any_suffix=bool(inputs.include),
            )
            self._keep()
        except RunError as problem:
            self._trouble(problem)
            return
        self._parts.settling.see(seen, now)
        ripe = self._parts.settling.ripe(now, MOST)
        if ripe:
            self._grade(ripe)
        else:
            self._well("watching")

    def _grade(self, ripe: list[str]) -> None:
        self._parts.settling.take(ripe)
        self._tell("grading", "", in_work=len(ripe))
        self._fates = {}
        self._by_name = _names(self._request.inputs.paths, ripe)
        try:
            report = batch.run(self._of(ripe), self._emit, self._parts.pulse)
        except (RunError, DivereError) as problem:
            self._trouble(problem)
        else:
            self._parts.conclude(report)
            self._last_run = _short(report)
            self._concluded(report, ripe)
        finally:
            self._parts.settling.end(self._fates, ripe)

    def _of(self, ripe: list[str]) -> BatchRequest:
        request = self._request = self._fresh()
        return replace(
            request,
            inputs=replace(request.inputs, only=frozenset(ripe), settle_seconds=0.0),
            outputs=replace(request.outputs, held=True),
            bounds=replace(request.bounds, grace_seconds=self._timing.grace),
        )

    def _fresh(self) -> BatchRequest:
        """The options as they are now; the old ones where the new ones are wrong."""
        try:
            return self._build()
        except DivereError as problem:
            log.error("the options stay as they were: %s", problem.message)
            return self._request

    def _concluded(self, report: RunReport, ripe: list[str]) -> None:
        """Learn how a batch ended; the signal that ended one was noted here too."""
        if report.exit_code in STOPPED:
            return
        listed = {self._by_name.get(_plain(result.input)) for result in report.files}
        for path in ripe:
            if path not in listed:  # left out by --exclude, or the JPEG beside a raw file
                self._fates[path] = "done"
        if report.error is not None:
            self._parts.figures.restarts += 1
            self._wait_longer(report.error.message)
        else:
            self._well("watching")

    def _emit(self, event: Event) -> None:
        self._parts.pulse()
        self._parts.emit(event)
        if isinstance(event, ScanFinished):
            result = event.result
            path = self._by_name.get(_plain(result.input))
            if path is not None and self._fates.get(path) != "failed":
                self._fates[path] = FATES.get(result.status, "waiting")
            self._parts.figures.count(result)
            self._parts.hooks.tell(result)

    # ------------------------------------------------------------ signals and rest

    def _heard(self, asked: signals.StopRequest) -> int:
        number = asked.received.pop(0) if asked.received else 0
        return self._heed(number)

    def _heed(self, number: int) -> int:
        """HUP reads the options again; anything else ends the loop."""
        if number == getattr(signal, "SIGHUP", None):
            log.info("HUP: the options are read again")
            self._request = self._fresh()
            return 0
        return number

    def _rest(self, asked: signals.StopRequest) -> int:
        """Wait for the next look, in steps that keep the watchdog quiet."""
        now = self._parts.pulse()
        due = self._parts.settling.next_due(now)
        until = now + min(self._timing.interval, due if due else self._timing.interval)
        until = max(until, now + min(self._timing.interval, 0.2))
        every = self._parts.notifier.every or self._timing.interval
        while not asked.received and (left := until - self._parts.pulse()) > 0:
            wanted = [asked.fileno()] if asked.fileno() >= 0 else []
            select.select(wanted, [], [], min(left, every / 2))
            asked.drain()
        return self._heard(asked)

    # ------------------------------------------------------------ OUTPUT

    def _keep(self) -> None:
        """Make sure that OUTPUT is the folder that is held; take it again where it came back.

        Raises
        ------
        OutputUnusable
            It is gone, or another folder: below a share that is not mounted, for one.
        """
        if self._held is not None and _identity(self._request.outputs.folder) != self._place:
            self._give_back()
        if self._held is None:
            self._take(first=False)

    def _take(self, *, first: bool) -> None:
        """Hold OUTPUT, so that no batch works beside us; only the first time it may be new."""
        path = self._request.outputs.folder
        with ExitStack() as held:
            folder = Folder.open(path, create=first)
            if folder is not None:
                held.callback(folder.close)
            lock = None if folder is None else Lock.take(folder, create=first, pause=None)
            if lock is None:
                raise OutputUnusable(
                    f"OUTPUT '{path}' is gone, or another folder than before",
                    hint="is its share mounted?",
                )
            held.callback(lock.release)
            self._place = _identity(path)
            self._held = held.pop_all()

    def _give_back(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    # ------------------------------------------------------------ what is told

    def _trouble(self, problem: DivereError) -> None:
        """Wait, longer each time, until what is wrong is mended."""
        if not isinstance(problem, InputMissing | OutputLocked):
            self._parts.figures.restarts += 1
        log.warning("%s: %s", problem.kind, problem.message)
        self._wait_longer(problem.message)

    def _wait_longer(self, why: str) -> None:
        self._give_back()
        self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2.0 * self._pause))
        self._again = self._parts.pulse() + self._pause
        self._tell("waiting", why)

    def _well(self, state: str) -> None:
        self._pause = 0.0
        self._tell(state, "")

    def _tell(self, state: str, problem: str, in_work: int = 0) -> None:
        settling, figures = self._parts.settling, self._parts.figures
        before = figures.snapshot
        figures.snapshot = Snapshot(
            state=state,
            problem=problem,
            waiting=settling.count("waiting"),
            in_work=in_work,
            done=settling.count("done"),
            failed=settling.count("failed"),
            known_failures=figures.failures()[:NAMED],
            last_run=self._last_run,
        )
        if (before.state, before.problem) != (state, problem):
            self._parts.notifier.tell(f"STATUS={state}{': ' if problem else ''}{problem}"[:500])


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _names(inputs: tuple[str, ...], ripe: list[str]) -> dict[str, str]:
    """How a batch names files: below their INPUT; by that name, the file."""
    found = {}
    for path in ripe:
        for top in map(os.path.abspath, inputs):
            if path == top:
                found[os.path.basename(path)] = path
            elif path.startswith(os.path.join(top, "")):
                found[os.path.relpath(path, top).replace(os.sep, "/")] = path
    return found


def _plain(name: str) -> str:
    """A name without the page: ``scan.tif#2`` is of ``scan.tif``."""
    stem, sign, page = name.rpartition("#")
    return stem if sign and page.isdigit() else name


def _short(report: RunReport) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for result in report.files:
        counts[result.status] = counts.get(result.status, 0) + 1
    return {
        "started": report.started,
        "seconds": report.seconds,
        "exit_code": report.exit_code,
        "summary": counts,
    }
