"""One batch from request to report.

Covers the order of things: plan and take OUTPUT, judge, (measure,) grade,
report, give back. What it does not: any of the steps themselves.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from divere_cli import __version__
from divere_cli.batch import (
    admission,
    discover,
    exit_code,
    naming,
    ownership,
    plan,
    report_files,
    results,
    triage,
    workspace,
)
from divere_cli.batch.admission import Admission
from divere_cli.batch.engine import Engine
from divere_cli.batch.grading import Desk, Grading
from divere_cli.batch.journal import state as history
from divere_cli.batch.measuring import Measuring
from divere_cli.batch.ownership import Judge
from divere_cli.batch.plan import Draft
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.results import Results
from divere_cli.batch.scheduler import record
from divere_cli.batch.stop import Stop
from divere_cli.batch.workspace import Workspace
from divere_cli.errors import ClusterFailed, IsolationUnavailable, OutputLocked, RunError
from divere_cli.files.output_folder import Folder
from divere_cli.records.events import Event, RunStarted
from divere_cli.records.outcome import ErrorRecord, IsolationInfo, ScanResult
from divere_cli.records.report import ParentInfo, PlannedScan, RunReport
from divere_cli.records.roll import Decision, RollRecord
from divere_cli.system import memory, signals

log = logging.getLogger(__name__)

Emit = Callable[[Event], None]
Clock = Callable[[], float]


def run(request: BatchRequest, emit: Emit, clock: Clock = time.monotonic) -> RunReport:
    """Grade every scan that needs it, and report on all.

    Parameters
    ----------
    request : BatchRequest
    emit : callable
        Takes each event as it happens; must not raise.
    clock : callable
        Monotonic seconds; no wall clock decides anything.

    Returns
    -------
    RunReport
        With the exit code. It was written to ``request.reports``.

    Raises
    ------
    RunError
        Before any scan was touched: a plan that cannot be (2), INPUT missing
        (10), OUTPUT locked (11) or unusable (12), no isolation (15).
    ProfileError
        While planning (2).
    """
    with signals.watch() as asked, ExitStack() as held:
        stop = Stop(asked, request.bounds.grace_seconds, clock)
        return _Run(request, emit, clock, stop).run(held)


def preview(request: BatchRequest) -> tuple[PlannedScan, ...]:
    """Say what :func:`run` would do; headers are read, nothing is written.

    Raises
    ------
    RunError, ProfileError
        As :func:`run` would, but for a lock that another run holds.
    """
    naming.check(request.outputs.name)
    plan.check_places(request.inputs.paths, request.outputs.folder)
    folder = Folder.open(request.outputs.folder, create=False)
    try:
        state = history.load(folder)
        found = discover.find(request.inputs, request.outputs.folder)
        drafts = plan.make(request, found, state, folder)
        judge = Judge(request, state, folder, time.time_ns())
        if request.roll is not None:
            judge.decide_from(repr(request.roll), [each for each in drafts if each.error is None])
        return tuple(_planned(each, judge.judge(each)) for each in drafts)
    finally:
        if folder is not None:
            folder.close()


def _planned(each: Draft, said: ownership.Verdict) -> PlannedScan:
    result = results.plain(each, "ok")
    return PlannedScan(
        input=each.scan.name,
        outputs=each.writes,
        action="up_to_date" if said.action == "moved" else said.action,
        profile=result.profile,
        error=record(said.error) if said.error else None,
        warnings=result.warnings,
    )


@dataclass(slots=True)
class _Run:
    """A run on its way."""

    request: BatchRequest
    emit: Emit
    clock: Clock
    stop: Stop
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))
    rolls: tuple[RollRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ErrorRecord | None = None
    spread: bool = False
    told: bool = False

    def run(self, held: ExitStack) -> RunReport:
        """Do it all; ``held`` gives OUTPUT back afterwards."""
        began, started, parent = self.clock(), datetime.now(UTC), _rss()
        try:
            here = workspace.take(self.request, self.stop, held, self.run_id)
        except OutputLocked:
            if self.stop.signal is None:
                raise
            return self._report(began, started, parent)  # a signal ended the wait
        engine = self._engine(here)
        told = Results(here.drafts, self.emit)
        self._guarded(here, engine, told)
        files = self._last_words(told)
        report = self._report(began, started, parent)
        report = replace(report, isolation=engine.info, files=files)
        report = replace(report, warnings=(*here.warnings, *self.warnings))
        report = replace(report, exit_code=self._exit_code(report))
        return report_files.write(report, self.request.reports, self.run_id, self.stop)

    def _last_words(self, told: Results) -> tuple[ScanResult, ...]:
        try:
            return told.all()
        except Exception:
            log.exception("a bug in divere: events cannot be told")
            self.error = self.error or report_files.bug("events cannot be told")
            return told.all(tell=False)

    def _exit_code(self, report: RunReport) -> int:
        return exit_code.exit_code(self.stop.signal, report.error, report.files)

    def _report(self, began: float, started: datetime, parent: int) -> RunReport:
        """What is known of the run itself; the report of a run that never began."""
        asked = self.request.isolation.requested
        bare = RunReport(
            version=__version__,
            started=_said(started),
            seconds=self.clock() - began,
            exit_code=0,
            output=self.request.outputs.folder,
            command=self.request.command,
            isolation=IsolationInfo(asked, "thread" if asked == "never" else "process", None, 0),
            parent=_parent(parent),
            error=self.error,
            stopped=self.stop.reason if self.stop.stopping else "",
            rolls=self.rolls,
        )
        return replace(bare, exit_code=self._exit_code(bare))

    def _engine(self, here: Workspace) -> Engine:
        learned = [done.peak for done in here.state.done.values() if done.peak is not None]
        budget = admission.budget(self.request.bounds.memory_budget)
        return Engine(self.request, Admission(budget, learned), self.stop, self.emit, self.clock)

    def _guarded(self, here: Workspace, engine: Engine, told: Results) -> None:
        """Work; whatever ends it early becomes the run's error."""
        try:
            try:
                self._work(here, engine, told)
            finally:
                engine.close()
            if self.spread:
                here.publisher.sweep()
            here.journal.end()
        except RunError as problem:
            if isinstance(problem, IsolationUnavailable | ClusterFailed) and not engine.opened:
                raise
            self.stop.fatal(problem)
        except Exception:
            log.exception("a bug in divere ended the run")
            self.error = report_files.bug("a bug in divere ended the run")
            self.stop.because("a bug in divere")
        if self.error is None and self.stop.error is not None:
            self.error = report_files.run_record(self.stop.error)

    def _work(self, here: Workspace, engine: Engine, told: Results) -> None:
        judge = Judge(self.request, here.state, here.folder, ownership.now_ns(here.folder))
        decisions = self._decide(here, judge, engine)
        if self.stop.stopping:
            return
        ready, settled = triage.part(here, judge, decisions)
        self.warnings = triage.anew(ready)
        tasks = engine.tasks([each for each, _ in ready])
        engine.open(tasks)
        if not self.told:
            self._tell_start(engine, len(here.drafts), len(tasks))
        for each, result in settled:
            told.put(each, result)
        desk = Desk(self.request, here, judge, engine.admission, told, engine.threads)
        work = Grading(desk, {task.id: how for task, (_, how) in zip(tasks, ready, strict=True)})
        failed = sum(result.status == "failed" for _, result in settled)
        del ready, settled  # a long run keeps nothing it need not
        try:
            engine.run(work, tasks, failed)
        finally:
            self.spread = work.spread

    def _decide(self, here: Workspace, judge: Judge, engine: Engine) -> dict[str, Decision]:
        """Measure all scans and decide, where that is asked for and not known to change nothing."""
        roll, drafts = self.request.roll, [each for each in here.drafts if each.error is None]
        if roll is None or not drafts or judge.decide_from(repr(roll), drafts):
            return {}
        tasks = engine.tasks(drafts)
        engine.open(tasks)
        self._tell_start(engine, len(here.drafts), len(tasks))
        work = Measuring(self.request, roll.task, engine.threads)
        engine.run(work, tasks, failed=len(here.drafts) - len(drafts))
        if self.stop.stopping:
            return {}
        decided = roll.decide(work.all(drafts))
        self.rolls = decided.rolls
        return decided.scans

    def _tell_start(self, engine: Engine, total: int, todo: int) -> None:
        self.told = True
        now, folder = _said(datetime.now(UTC)), self.request.outputs.folder
        self.emit(RunStarted(__version__, now, folder, total, todo, engine.info))


def _said(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _rss() -> int:
    usage = memory.usage()
    return usage.rss if usage else 0


def _parent(rss_start: int) -> ParentInfo:
    usage = memory.usage()
    if usage is None:
        return ParentInfo(os.getpid(), rss_start)
    return ParentInfo(os.getpid(), rss_start, usage.rss, usage.peak)
