"""What the forkserver does once, so that each worker need not: imports, then a frozen heap.

Importing this module does the work; that is the only hook that a forkserver offers, and
it swallows an ImportError. So nothing is raised here: ``REPORT`` says how it went, every
worker forked later finds it in its memory and says it in its first message. Outside a
forkserver, where :data:`NAMES` is not in the environment, importing does nothing.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import threading
import time
from dataclasses import dataclass

from divere_cli.isolation.worker import hardening
from divere_cli.records import serialize
from divere_cli.records.job import WarmUp
from divere_cli.system.memory import trim_heap

NAMES = "DIVERE_PRELOAD"
WARM_UPS = "DIVERE_WARM_UPS"
OWN = ("divere_cli.isolation.worker.main", "multiprocessing.popen_forkserver", "resource")
SUPERVISOR = "DIVERE_SUPERVISOR"


@dataclass(frozen=True, slots=True)
class Report:
    """How the preload went; ``threads`` must be 1 for forks to be safe."""

    server: int
    seconds: float
    threads: int
    error: str


def _threads() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()


def _harden() -> None:
    supervisor = os.environ.get(SUPERVISOR, "")
    hardening.die_with_parent(int(supervisor) if supervisor.isdigit() else None)
    hardening.own_group()  # Ctrl-C and kill -TERM to the terminal's group do not come here
    hardening.forget_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # and each worker is born with that


def _warm(names: list[str]) -> Report:
    began = time.monotonic()
    errors = []
    for name in (*OWN, *names):
        try:
            importlib.import_module(name)
        except Exception as problem:  # noqa: BLE001 - every worker tells it: not to be raised here
            errors.append(f"{type(problem).__name__}: {problem}")
    errors += _prepare(os.environ.pop(WARM_UPS, "[]"))
    gc.collect()
    trim_heap()  # what is free here would be copied for each worker that fills it again
    gc.freeze()
    return Report(os.getpid(), time.monotonic() - began, _threads(), "; ".join(errors))


def _prepare(text: str) -> list[str]:
    """Let tasks prepare what many workers will need; every fork of this process has it then."""
    errors = []
    for data in json.loads(text):
        try:
            warm_up = serialize.from_plain(WarmUp, data)
            module, _, name = warm_up.call.partition(":")
            getattr(importlib.import_module(module), name)(warm_up)
        except Exception as problem:  # noqa: BLE001 - as above
            errors.append(f"{type(problem).__name__}: {problem}")
    return errors


REPORT: Report | None = None
if NAMES in os.environ:
    _harden()
    REPORT = _warm(os.environ.pop(NAMES).split())
