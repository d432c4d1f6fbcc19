"""What a forkserver does once, so that each worker need not: imports, then a frozen heap.

Nothing is raised here: the report says how it went, every worker that is copied later finds
it in its memory (:data:`REPORT`) and says it in its first message.
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
    """What a forkserver prepares. ``confined``: its workers will be, so it gives up rights."""

    supervisor: int
    warm: tuple[str, ...] = ()
    warm_ups: tuple[WarmUp, ...] = ()
    confined: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """How the preload went; ``threads`` must be 1 for forks to be safe."""

    server: int
    seconds: float
    threads: int
    error: str


REPORT: Report | None = None


def prepare(setup: Setup) -> None:
    """Harden this process, import, warm up, give up rights; leave its :data:`REPORT`.

    Parameters
    ----------
    setup : Setup
        What to prepare.
    """
    global REPORT
    hardening.die_with_parent(setup.supervisor)
    hardening.own_group()  # Ctrl-C and kill -TERM to the terminal's group do not come here
    hardening.forget_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # and each worker is born with that
    REPORT = _warm(setup)


def _warm(setup: Setup) -> Report:
    began = time.monotonic()
    errors = []
    for name in (*OWN, *setup.warm):
        try:
            importlib.import_module(name)
        except Exception as problem:  # noqa: BLE001 - every worker tells it: not to be raised here
            errors.append(f"{type(problem).__name__}: {problem}")
    errors += _prepare(setup.warm_ups)
    if setup.confined:
        try:
            sandbox.relinquish()
        except sandbox.NotConfined as problem:
            errors.append(str(problem))
    gc.collect()
    trim_heap()  # what is free here would be copied for each worker that fills it again
    gc.freeze()
    return Report(os.getpid(), time.monotonic() - began, _threads(), "; ".join(errors))


def _threads() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()


def _prepare(warm_ups: tuple[WarmUp, ...]) -> list[str]:
    """Let tasks prepare what many workers will need; every fork of this process has it then."""
    errors = []
    for warm_up in warm_ups:
        try:
            module, _, name = warm_up.call.partition(":")
            getattr(importlib.import_module(module), name)(warm_up)
        except Exception as problem:  # noqa: BLE001 - as above
            errors.append(f"{type(problem).__name__}: {problem}")
    return errors
