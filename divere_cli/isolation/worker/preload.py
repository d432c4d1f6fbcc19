"""Work that a forkserver does once for all its workers: imports, then a frozen heap.

Errors are not raised here but recorded in a report. Every worker forked later has it in
its memory (:data:`REPORT`) and includes it in its first message.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import threading
import time
from dataclasses import dataclass

from divere_cli.isolation.worker import hardening, sandbox
from divere_cli.records.job import WarmUp
from divere_cli.system.memory import trim_heap

OWN = ("divere_cli.isolation.worker.main", "resource")


@dataclass(frozen=True, slots=True)
class Setup:
    """What a forkserver prepares; if ``confined``, its workers are, and it drops privileges."""

    supervisor: int
    warm: tuple[str, ...] = ()
    warm_ups: tuple[WarmUp, ...] = ()
    confined: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Result of the preload; ``threads`` must be 1 for forks to be safe."""

    server: int
    seconds: float
    threads: int
    error: str


REPORT: Report | None = None


def prepare(setup: Setup) -> None:
    """Harden this process, import, warm up, drop privileges; set :data:`REPORT`.

    Parameters
    ----------
    setup : Setup
        Modules and grades to prepare.
    """
    global REPORT
    hardening.die_with_parent(setup.supervisor)
    hardening.own_group()  # signals to the terminal's group (Ctrl-C) do not arrive here
    hardening.forget_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by each worker
    REPORT = _warm(setup)


def _warm(setup: Setup) -> Report:
    began = time.monotonic()
    errors = []
    for name in (*OWN, *setup.warm):
        try:
            importlib.import_module(name)
        except Exception as problem:  # noqa: BLE001 - every worker reports it
            errors.append(f"{type(problem).__name__}: {problem}")
    errors += _prepare(setup.warm_ups)
    if setup.confined:
        try:
            sandbox.relinquish()
        except sandbox.NotConfined as problem:
            errors.append(str(problem))
    gc.collect()
    trim_heap()  # pages freed here would be copied for each worker that uses them
    gc.freeze()
    return Report(os.getpid(), time.monotonic() - began, _threads(), "; ".join(errors))


def _threads() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()


def _prepare(warm_ups: tuple[WarmUp, ...]) -> list[str]:
    """Run the tasks' warm-ups; every fork of this process inherits the results."""
    errors = []
    for warm_up in warm_ups:
        try:
            module, _, name = warm_up.call.partition(":")
            getattr(importlib.import_module(module), name)(warm_up)
        except Exception as problem:  # noqa: BLE001 - as above
            errors.append(f"{type(problem).__name__}: {problem}")
    return errors
