"""One batch from request to report.

Covers the order of the steps: plan and lock OUTPUT, decide what each scan needs,
measure where needed, grade, report, release OUTPUT. It does not contain the steps
themselves.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from divere_cli import GRADE, __version__, extras
from divere_cli.batch import (
    archiving,
    exit_code,
    failures,
    film_edges,
    film_rolls,
    flat_field,
    found_frames,
    reading,
    report_files,
    results,
    staleness,
    workspace,
)
from divere_cli.batch.admission import Admission
from divere_cli.batch.checking import Checking
from divere_cli.batch.engine import Engine
from divere_cli.batch.flat_field import Light
from divere_cli.batch.grading import Grading
from divere_cli.batch.journal import history
from divere_cli.batch.measuring import Measuring
from divere_cli.batch.ownership import Ownership
from divere_cli.batch.plan import ScanPlan, crop_names
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.results import Results
from divere_cli.batch.staleness import Staleness
from divere_cli.batch.stop import Stop
from divere_cli.batch.workspace import Workspace
from divere_cli.errors import (
    ClusterFailed,
    IsolationUnavailable,
    OutputLocked,
    PlanError,
    RunError,
)
from divere_cli.records.events import Event, RunStarted
from divere_cli.records.history import RunFigures
from divere_cli.records.outcome import ErrorRecord, FilmEdge, IsolationInfo
from divere_cli.records.report import ParentInfo, RunReport
from divere_cli.records.roll import Decision, RollRecord
from divere_cli.system import capacity, memory, signals

log = logging.getLogger(__name__)

_UNSETTLED = ("", "check", "grade")  # actions of scans that have no result without a worker

Emit = Callable[[Event], None]
Clock = Callable[[], float]


@dataclass(slots=True)
class _Record:
    """Facts about the run itself, collected for its report."""

    clock: Clock
    emit: Emit
    began: float
    started: str
    rss_start: int
    announced: bool = False
    rolls: tuple[RollRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    rolled: tuple[str, ...] = ()
    orphans: int = 0
    error: ErrorRecord | None = None
    light: Light | None = None
    edges: Mapping[str, FilmEdge | None] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def begin(cls, clock: Clock, emit: Emit) -> _Record:
        usage = memory.usage()
        return cls(clock, emit, clock(), _now(), usage.rss if usage else 0)

    def announce(self, space: Workspace, engine: Engine, todo: int, measuring: str = "") -> None:
        """Emit, once, that the run starts; ``todo`` scans need work."""
        if not self.announced:
            self.announced = True
            output, total, info = space.folder.path, len(space.plans), engine.info
            self.emit(RunStarted(__version__, _now(), output, total, todo, info, measuring))


def run(request: BatchRequest, emit: Emit, clock: Clock = time.monotonic) -> RunReport:
    """Grade every scan that needs it, and report on all scans.

    Parameters
    ----------
    request : BatchRequest
    emit : callable
        Receives each event as it happens; must not raise.
    clock : callable
        Monotonic clock in seconds; no decision depends on the wall clock.

    Returns
    -------
    RunReport
        Includes the exit code. It has been written to ``request.reports``.

    Raises
    ------
    RunError
        Before any scan was touched: an impossible plan (2), INPUT missing
        (10), OUTPUT locked (11) or unusable (12), no isolation (15).
    ProfileError
        While planning (2).
    """
    host = request.host
    signal_watch = signals.watch() if host.signals else nullcontext(signals.StopRequest())
    with signal_watch as stop_request, ExitStack() as resources:
        stop = Stop(stop_request, request.bounds.grace_seconds, clock, host.stopped, host.gentle)
        record = _Record.begin(clock, emit)
        record.light = flat_field.of(request)
        try:
            planned = found_frames.planned(request, record.light)
            request = planned.request
            space = workspace.take(request, stop, resources, record.run_id, record.started)
        except (OutputLocked, KeyboardInterrupt):
            if not stop.stopping:
                raise
            return _report(request, record, stop)  # stopped while waiting or reading scans
        archiving.check(request.outputs, space.folder)
        planned.save()
        engine = _engine(request, space, stop, emit, clock)
        unused = _unused(request, space)
        collected = Results(space.plans, emit)
        with _in_order(record, engine, stop):
            spread = _grade(request, space, engine, collected, record, stop)
            engine.close()
            if collected.complete():
                stop.complete()
            if spread:
                space.publisher.sweep()
            if warning := space.journal.check():
                record.warnings = (*record.warnings, warning)
            if space.journal.began:
                space.journal.end(_figures(engine, collected, record, stop))
            if request.outputs.manifest or request.outputs.bag:
                archiving.write(request.outputs, space.folder)
        light_warnings = record.light.warnings if record.light else ()
        warnings = (*space.warnings, *light_warnings, *unused, *record.rolled)
        record.warnings = (*warnings, *record.warnings)
        report = _with_results(_report(request, record, stop), engine, collected, record, stop)
        return report_files.write(report, request.reports, stop)


def _figures(engine: Engine, collected: Results, record: _Record, stop: Stop) -> RunFigures:
    """Return the figures of this run that the journal keeps."""
    files, usage = collected.so_far(), memory.usage()
    return history.figures(
        files,
        seconds=record.clock() - record.began,
        exit_code=exit_code.exit_code(stop.signal, record.error, files),
        version=__version__,
        jobs=engine.info.jobs,
        parent_peak_rss_bytes=usage.peak if usage else 0,
    )


def _unused(request: BatchRequest, space: Workspace) -> tuple[str, ...]:
    """Return warnings that name rows of a film log which match no scan of the run."""
    if request.film_log is None:
        return ()
    return request.film_log.warnings(
        (plan.scan.file, crop)
        for plan in space.plans
        for crop in (crop_names(plan.selection) if plan.selection else [""])
    )


def _engine(
    request: BatchRequest, space: Workspace, stop: Stop, emit: Emit, clock: Clock
) -> Engine:
    budget = capacity.budget(request.bounds.memory_budget)
    return Engine(request, Admission(budget, space.state.peaks()), stop, emit, clock)


@contextmanager
def _in_order(record: _Record, engine: Engine, stop: Stop) -> Iterator[None]:
    """Close the engine at the end; what ends the work early becomes the run's error."""
    try:
        try:
            yield
        finally:
            engine.close()
    except RunError as problem:
        early = IsolationUnavailable | ClusterFailed | PlanError
        if isinstance(problem, early) and not engine.opened:
            raise
        stop.fatal(problem)
    except KeyboardInterrupt:  # a signal while the light was measured
        if not stop.stopping:
            raise
    except Exception:
        log.exception("a bug in divere ended the run")
        record.error = report_files.bug("a bug in divere ended the run")
        stop.because("a bug in divere")
    if record.error is None and stop.error is not None:
        record.error = ErrorRecord.of(stop.error)


def _grade(
    request: BatchRequest,
    space: Workspace,
    engine: Engine,
    collected: Results,
    record: _Record,
    stop: Stop,
) -> bool:
    """Decide what each scan needs, and do it.

    Returns whether workers on other machines may have left files of lost attempts.
    """
    ownership = Ownership(space.state, space.folder, overwrite=request.outputs.overwrite)
    if request.inputs.film_edge and not film_edges.can_be_read():
        log.info(
            "DX codes at the edge of the film are not read; to read them: %s",
            extras.how_to_add("dx"),
        )
    now_ns = staleness.now_ns(space.folder)
    light = record.light
    key = light.key if light else ""
    stale = Staleness(request, space.state, space.folder, ownership, now_ns, key)
    decisions = _decide(request, space, stale, engine, collected, record, stop)
    if stop.stopping:
        return False
    todo, errors = _settle(request, space, stale, decisions, engine, record, stop)
    record.warnings = _regraded(todo)
    queue = engine.queue(todo)
    if light and todo:
        light.transfer = reading.transfer(todo[0], request.inputs)
    light_map = light.measured() if light and queue else None
    engine.open(queue)
    record.announce(space, engine, len(queue))
    record.orphans = _orphans(space)
    failed = _put_settled(space, collected, errors)
    work = Grading(
        request,
        space,
        ownership,
        engine.admission,
        collected,
        threads=engine.threads,
        light=light_map,
        edges=record.edges,
    )
    del decisions, todo, errors  # a long run must not hold memory that it no longer needs
    if queue:
        engine.scheduler().run(work, queue, failed)
    return work.spread


def _put_settled(space: Workspace, collected: Results, errors: Mapping[int, ErrorRecord]) -> int:
    """Emit the results of scans that need no worker; return how many of them failed."""
    failed = 0
    for place, plan in enumerate(space.plans):
        error = errors.get(place)
        if error is None and plan.action in _UNSETTLED:
            continue
        failures.record(space, plan, error)
        final = results.without_worker(plan, "failed", error) if error else results.settled(plan)
        collected.settle(place, final)
        failed += plan.action == "fail" or error is not None
        if plan.action in ("up_to_date", "moved"):  # its record is not needed any more: 0.7 kB
            space.state.done.pop(plan.scan.name, None)
    return failed


def _decide(
    request: BatchRequest,
    space: Workspace,
    stale: Staleness,
    engine: Engine,
    collected: Results,
    record: _Record,
    stop: Stop,
) -> dict[str, Decision]:
    """Measure all scans and decide; skipped when not requested or when nothing would change."""
    plans = stale.to_measure(space.plans)
    if request.roll is None or not plans or stale.decide_from(repr(request.roll), plans):
        return {}
    frozen = stale.frozen(plans)
    queue = engine.queue([plan for plan in plans if plan.scan.name not in frozen])
    if record.light:
        record.light.transfer = reading.transfer(plans[0], request.inputs)
    light = record.light.measured() if record.light else None
    work = Measuring(request, request.roll.task, engine.threads, light)
    if queue:
        engine.open(queue)
        record.announce(space, engine, len(queue), _measuring(plans, frozen))
        failed = sum(plan.error is not None for plan in space.plans)
        engine.scheduler().run(work, queue, failed=failed, looks=True)
    collected.measured.update(work.seconds)
    if stop.stopping:
        return {}
    earlier = {plan.scan.name: plan.edge for plan in plans if plan.edge_known}
    record.edges = {**earlier, **work.edges} if request.inputs.film_edge else {}
    alone = film_rolls.alone([p for p in plans if p.scan.name not in frozen], record.edges)
    pooled = tuple(each for each in work.all(plans) if each.name not in alone)
    decisions = request.roll.decide(pooled, frozen, film_rolls.films(record.edges))
    record.rolls = decisions.rolls
    record.rolled = decisions.warnings
    return {**decisions.scans, **alone}


def _measuring(plans: Sequence[ScanPlan], frozen: Mapping[str, str]) -> str:
    """Return one line that says which scans are measured first, and why."""
    new = [plan for plan in plans if plan.scan.name not in frozen]
    names = sorted({plan.selection.profile.name for plan in new if plan.selection})
    scans = "1 scan is" if len(new) == 1 else f"{len(new)} scans are"
    frozen_text = f"; {len(frozen)} of earlier runs stay as they were decided" if frozen else ""
    return f"{scans} measured first, for gray and exposure ({', '.join(names)}){frozen_text}"


def _settle(
    request: BatchRequest,
    space: Workspace,
    stale: Staleness,
    decisions: dict[str, Decision],
    engine: Engine,
    record: _Record,
    stop: Stop,
) -> tuple[list[ScanPlan], dict[int, ErrorRecord]]:
    """Settle the plan of each scan, in its place among the plans.

    Returns the plans of the scans that need work, and the errors of decisions by place.
    """
    todo: list[ScanPlan] = []
    errors: dict[int, ErrorRecord] = {}
    unsure: list[int] = []
    for place, each in enumerate(space.plans):
        decision = decisions.get(each.scan.name)
        if decision is not None and decision.error is not None:
            errors[place] = decision.error
            continue
        plan = space.plans[place] = stale.settle(each, decision)  # one plan a scan in memory
        if plan.action == "check":
            unsure.append(place)
        elif plan.action == "grade":
            todo.append(plan)
    checked = _checked(request, space, stale, decisions, unsure, engine, record, stop)
    for place, plan in zip(unsure, checked, strict=False):  # none of a run that is stopped
        space.plans[place] = plan
        if plan.action == "grade":
            todo.append(plan)
    settled = [plan for n, plan in enumerate(space.plans) if n not in errors]
    space.journal.renew(list(stale.renewed(settled)))
    if outputs := [
        output for plan in settled if plan.action not in _UNSETTLED for output in plan.kept
    ]:
        space.journal.kept(outputs)
    return failures.crashed_last(space.state, todo), errors


def _checked(
    request: BatchRequest,
    space: Workspace,
    stale: Staleness,
    decisions: dict[str, Decision],
    unsure: Sequence[int],
    engine: Engine,
    record: _Record,
    stop: Stop,
) -> list[ScanPlan]:
    """Let workers hash the files that only their content can identify, then decide."""
    if not unsure:
        return []
    plans = [space.plans[place] for place in unsure]
    queue = engine.queue(plans)
    engine.open(queue)
    record.announce(space, engine, len(queue))
    work = Checking(request, stale)
    engine.scheduler().run(work, queue, looks=True)
    if stop.stopping:
        return []
    return [
        stale.settle(plan, decisions.get(plan.scan.name), work.hashes)
        for plan in (replace(each, notes=(), warnings=()) for each in plans)
    ]


def _orphans(space: Workspace) -> int:
    """Count positives whose scans are gone: recorded, not in this plan, path no longer exists."""
    planned = {plan.scan.name for plan in space.plans}
    lost = [
        done
        for name, done in space.state.done.items()
        if name not in planned and not os.path.lexists(done.path)
    ]
    return sum(
        space.folder.look(output.name) is not None for done in lost for output in done.outputs
    )


def _regraded(todo: list[ScanPlan]) -> tuple[str, ...]:
    """Return a warning when positives of earlier runs are made again; it says how to keep them."""
    again = sum(staleness.DECIDED_ANEW in plan.notes for plan in todo)
    if not again:
        return ()
    return (
        f"scans of earlier runs that are graded again, because their roll was decided again: "
        f"{again} (--from keeps a saved analysis)",
    )


def _report(request: BatchRequest, record: _Record, stop: Stop) -> RunReport:
    """Return the report without scans; it is the whole report of a run that never began."""
    requested = request.isolation.requested
    usage = memory.usage()
    rss, peak = (usage.rss, usage.peak) if usage else (0, 0)
    report = RunReport(
        version=__version__,
        started=record.started,
        seconds=record.clock() - record.began,
        exit_code=0,
        output=request.outputs.folder,
        command=request.command,
        isolation=IsolationInfo(
            requested, "thread" if requested == "never" else "process", None, 0
        ),
        parent=ParentInfo(os.getpid(), record.rss_start, rss, peak),
        error=record.error,
        stopped=stop.reason if stop.stopping else "",
        warnings=record.warnings,
        rolls=record.rolls,
        grade=GRADE,
        orphans=record.orphans,
        flat_field=record.light.record if record.light else None,
    )
    return replace(report, exit_code=exit_code.exit_code(stop.signal, report.error, ()))


def _with_results(
    report: RunReport, engine: Engine, collected: Results, record: _Record, stop: Stop
) -> RunReport:
    """Add the result of every scan, and the exit code that follows from them."""
    try:
        files = collected.all()
    except Exception:
        log.exception("a bug in divere: events cannot be emitted")
        record.error = record.error or report_files.bug("events cannot be emitted")
        files = collected.all(emit=False)
    files = results.with_film_base(files, record.rolls)
    numbers: tuple[str, ...] = ()
    if any(file.status == "ok" for file in files):
        numbers = film_rolls.numbers(files, collected.edges_not_read())
    code = exit_code.exit_code(stop.signal, record.error, files)
    incidents = sorted(engine.incidents, key=lambda each: each.at)
    return replace(
        report,
        isolation=engine.info,
        files=files,
        error=record.error,
        exit_code=code,
        warnings=(*report.warnings, *numbers),
        incidents=tuple(
            replace(each, at=round(max(0.0, each.at - record.began), 3)) for each in incidents
        ),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
