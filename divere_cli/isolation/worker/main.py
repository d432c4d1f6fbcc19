"""The worker process: say hello, receive one job, run it, report the outcome, exit.

The functions are at module level, so that spawn and forkserver can import them. Covers
the order of the steps inside a worker; its own hardening is in
:mod:`divere_cli.isolation.worker.hardening`, the job runs in
:mod:`divere_cli.isolation.task`. The worker exits by ``os._exit``: the supervisor's exit
handlers must not run here, and shutting an interpreter down costs 20 ms.

Messages, in this order: ``hello``; then, for its job, ``start``, any number of ``log``
and ``progress``, and one ``end``.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import io
import json
import logging
import os
import pickle
import signal
import sys
import time
from dataclasses import dataclass

from divere_cli.isolation import task
from divere_cli.isolation.log_bridge import FrameHandler
from divere_cli.isolation.runner import DEPTH
from divere_cli.isolation.wire import FrameError, FrameWriter, Message, read_order
from divere_cli.isolation.worker import confinement, hardening, preload, sandbox
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.serialize import from_plain, to_plain
from divere_cli.system import memory
from divere_cli.system.memory import private_bytes, reset_peak, usage

PROTOCOL = 1
PROGRESS_SECONDS = 0.05

Order = tuple[Job, Limits, float]  # and the monotonic time at which it was sent


@dataclass(frozen=True, slots=True)
class Boot:
    """Settings that a worker needs before it has a job.

    ``launched`` is a time of the monotonic clock, which all processes share. ``mark`` is an
    environment variable; every process that the worker starts inherits it. ``confined`` is
    whether the worker enters the sandbox before it opens its scan.
    """

    method: str
    supervisor: int
    launched: float
    folder: str
    mark: tuple[str, str]
    log_level: int
    warm: tuple[str, ...]
    confined: bool = False


def born(argument: str) -> None:
    """Run as the worker that ``argument`` describes; never return.

    Parameters
    ----------
    argument : str
        Pipe descriptors and boot record, as JSON.
    """
    fields = json.loads(argument)
    for descriptor in fields["pipes"]:
        os.set_inheritable(descriptor, False)
    main(from_plain(Boot, fields["boot"]), *fields["pipes"])


def main(boot: Boot, orders: int, frames: int, output: int, life: int = -1) -> None:
    """Run as a worker; never return.

    Parameters
    ----------
    boot : Boot
        Settings of the worker.
    orders : int
        Pipe from which the job is read.
    frames : int
        Pipe for the worker's messages.
    output : int
        Pipe for the worker's stdout and stderr.
    life : int, default -1
        Pipe that closes when the supervisor ends; kept open.
    """
    code = 1
    try:
        keep = {orders, frames, life} - {-1}
        writer = _settle(boot, keep, frames, output)
        if boot.confined and preload.REPORT is None:  # a forkserver did it for all its workers
            sandbox.relinquish()
        _hello(boot, writer)
        _touch_pages()
        if order := read_order(orders):
            job = order[0]
            begun = _begin(boot, order, writer, keep, orders)
            try:
                if begun.fault is not None:
                    raise begun.fault
                result = task.run(job, begun.clock, begun.start_seconds)
                message: Message = {"end": "result", "result": to_plain(result)}
            except Exception as problem:  # noqa: BLE001 - reported in the message
                end, error = task.failure(problem, job.name)
                message = {"end": end, "error": to_plain(error)}
            inherited = begun.rss if boot.method == "fork" else 0
            _finish(message, writer, begun.began, inherited)
        code = 0
    except SystemExit as leaving:  # raised by the task: an exit without a result
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BrokenPipeError:
        code = hardening.ORPHANED
    except BaseException:  # noqa: BLE001 - the supervisor reads it from stderr
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        hardening.end_descendants()
        os._exit(code & 0xFF)


def _settle(boot: Boot, keep: set[int], frames: int, output: int) -> FrameWriter:
    hardening.own_group()
    hardening.plain_signals()
    hardening.die_with_parent(_expected_parent(boot))
    hardening.adopt_orphans()
    hardening.offer_to_oom_killer()
    for number in (1, 2):
        os.dup2(output, number)
    sys.stdout, sys.stderr = _text(1), _text(2)
    os.close(output)
    sandbox.close_all_but({0, 1, 2, *keep, *sandbox.runtime_descriptors()})
    faulthandler.enable(2)
    faulthandler.register(signal.SIGUSR1, 2, all_threads=True, chain=False)
    os.environ[DEPTH] = "1"
    os.environ[boot.mark[0]] = boot.mark[1]
    if os.getcwd() != boot.folder:
        os.chdir(boot.folder)
    writer = FrameWriter(frames)
    _only_handler(FrameHandler(writer), boot.log_level)
    return writer


def _text(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True
    )


def _expected_parent(boot: Boot) -> int | None:
    if boot.method != "forkserver":
        return boot.supervisor
    return None if preload.REPORT is None else preload.REPORT.server


def _only_handler(handler: logging.Handler, level: int) -> None:
    for name in list(logging.root.manager.loggerDict):  # a fork inherits the supervisor's handlers
        logging.getLogger(name).handlers.clear()
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    logging.captureWarnings(True)


def _hello(boot: Boot, writer: FrameWriter) -> None:
    report = preload.REPORT
    writer.send(
        {
            "t": "hello",
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "method": boot.method,
            "boot": time.monotonic() - boot.launched,
            "warm": report is not None,
            "preload_error": report.error if report else "",
            "preload_threads": report.threads if report else 0,
        }
    )
    if boot.method != "fork" and report is None:
        for name in boot.warm:  # a spare imports while it waits; the task reports errors
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def _touch_pages() -> None:
    """Run the code of the next steps once, while a spare worker waits for its job.

    The first write of a fork to each memory page copies that page: measured, this takes half
    of the time from the order to the task.
    """
    pickle.loads(pickle.dumps(Limits()))
    hardening.leave_no_core()
    reset_peak()
    usage()


@dataclass(frozen=True, slots=True)
class _Begun:
    """A job that has begun: its stage clock, begin, seconds before it, and resident bytes.

    ``fault`` is the error that prevents the job from running, or None.
    """

    clock: task.StageClock
    began: float
    start_seconds: float
    rss: int
    fault: task.Swapped | None


def _begin(boot: Boot, order: Order, writer: FrameWriter, keep: set[int], line: int) -> _Begun:
    job, limits, taken_at = order
    hardening.limit(limits, job.threads)
    reset_peak()  # memory of a spare or the server does not count for this scan
    memory.hold()
    confined, fault = "", None
    try:
        confined = confinement.enter(job, keep, shut=boot.confined)
    except task.Swapped as problem:
        fault = problem
    hardening.watch_parent(line)  # the first thread: the sandbox applies to threads started later
    before = usage()
    rss = before.rss if before else 0
    start_seconds = max(0.0, time.monotonic() - taken_at)
    writer.send({"t": "start", "boot": start_seconds, "rss": rss, "sandbox": confined})

    def report(stage: str, done: float) -> None:
        writer.send({"t": "progress", "stage": stage, "done": done})

    clock = task.StageClock(report, PROGRESS_SECONDS)
    return _Begun(clock, time.perf_counter(), start_seconds, rss, fault)


def _finish(message: Message, writer: FrameWriter, began: float, inherited: int) -> None:
    memory_usage = usage()
    message |= {
        "t": "end",
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time(),
        "peak": _own_peak(memory_usage.peak, inherited) if memory_usage else 0,
        "peak_source": memory_usage.peak_source if memory_usage else "",
    }
    try:
        writer.send(message)
    except FrameError as problem:
        error = ErrorRecord("internal", f"the result is too large: {problem}")
        writer.send(message | {"end": "error", "result": None, "error": to_plain(error)})


def _own_peak(peak: int, inherited: int) -> int:
    """Return the peak without the pages that a fork shares with its supervisor."""
    return max(peak - inherited, private_bytes()) if inherited else peak
