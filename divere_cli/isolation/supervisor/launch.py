"""Starting a worker process by forkserver, spawn or fork, without the traps of each.

Covers: no Ctrl-C lost or met by a half-born child (the resource tracker runs first, since
starting it unblocks SIGINT; then signals are blocked round the start), the caller's
``__main__`` is not imported again in the child, thread pools of libraries are small, and
a forkserver that finds the same modules as we do. Not covered: what becomes of the
process once it runs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import secrets
import signal
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import psutil

from divere_cli.isolation import task
from divere_cli.isolation.runner import DEPTH, LaunchError, StartMethod
from divere_cli.isolation.worker import hardening
from divere_cli.isolation.worker import main as worker
from divere_cli.records import serialize
from divere_cli.records.job import WarmUp

log = logging.getLogger(__name__)

PRELOAD_MODULE = "divere_cli.isolation.worker.preload"
TOKEN_NAME = "DIVERE_WORKER_OF"
TOKEN = f"{os.getpid()}-{secrets.token_hex(8)}"

SMALL_POOLS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


REFUSALS = (OSError, EOFError, RuntimeError, AssertionError, ValueError)
SERVER_SECONDS = 1.0  # from the kill to the end of a forkserver


@dataclass(frozen=True, slots=True)
class Launched:
    """A process that was started, and this side's ends of its three pipes."""

    process: BaseProcess
    orders: int
    frames: int
    output: int


@dataclass(slots=True)
class Launcher:
    """Starts workers by one method.

    ``strangers`` gives the descriptors that a forked worker must close: the runner's
    own, which would keep other workers' pipes open.
    """

    method: StartMethod
    warm: tuple[str, ...] = task.WARM
    warm_ups: tuple[WarmUp, ...] = ()
    strangers: Callable[[], list[int]] = list
    _ready: bool = field(default=False, init=False)

    def start(self) -> Launched:
        """Start one worker; with a new forkserver where the old one just died.

        Raises
        ------
        LaunchError
            No process, no memory, no descriptors, or the forkserver died over it twice.
        """
        server = server_pid() if self.method == "forkserver" else None
        try:
            return self._start()
        except (ConnectionError, EOFError) as problem:
            if server is None or not _ended(server):
                raise LaunchError(f"{type(problem).__name__}: {problem}") from problem
        except REFUSALS as problem:
            raise LaunchError(f"{type(problem).__name__}: {problem}") from problem
        try:
            return self._start()
        except REFUSALS as problem:
            raise LaunchError(f"{type(problem).__name__}: {problem}") from problem

    def _start(self) -> Launched:
        context: Any = multiprocessing.get_context(self.method)
        ends: list[Connection] = []
        try:
            for _ in range(3):
                ends += context.Pipe(duplex=False)
            orders_r, orders_w, frames_r, frames_w, output_r, output_w = ends
            boot = self._boot([end.fileno() for end in (orders_w, frames_r, output_r)])
            process = context.Process(
                target=worker.main,
                args=(boot, orders_r, frames_w, output_w),
                name="divere-worker",
                daemon=False,
            )
            with _careful(self._environment()):
                self._prepare()
                process.start()
            return Launched(process, *(os.dup(e.fileno()) for e in (orders_w, frames_r, output_r)))
        finally:
            for end in ends:
                end.close()

    def _boot(self, own: list[int]) -> worker.Boot:
        return worker.Boot(
            method=self.method,
            supervisor=os.getpid(),
            launched=time.monotonic(),
            folder=os.getcwd(),
            mark=(TOKEN_NAME, TOKEN),
            log_level=logging.root.getEffectiveLevel(),
            warm=self.warm,
            strangers=tuple(own + self.strangers()) if self.method == "fork" else (),
        )

    def _prepare(self) -> None:
        if self.method == "forkserver":
            multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD_MODULE])
            forkserver.ensure_running()

    def _environment(self) -> dict[str, str]:
        if self.method == "fork":
            return {}
        environment = SMALL_POOLS | {
            DEPTH: "1",
            TOKEN_NAME: TOKEN,
            "DIVERE_SUPERVISOR": str(os.getpid()),
        }
        if self.method == "forkserver":
            environment["DIVERE_PRELOAD"] = " ".join(self.warm)
            environment["DIVERE_WARM_UPS"] = json.dumps(serialize.to_plain(self.warm_ups))
        if not getattr(sys, "frozen", False):  # a forkserver is not told sys.path before 3.12.8
            environment["PYTHONPATH"] = os.pathsep.join(p or os.getcwd() for p in sys.path)
        return environment


def server_pid() -> int | None:
    """The forkserver of this process, if there is one."""
    return getattr(forkserver._forkserver, "_forkserver_pid", None)


def _ended(pid: int) -> bool:
    """Whether a process that hangs up on us is about to end; it stays to be reaped."""
    deadline = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.Error:
            return True
        time.sleep(0.002)
    return False


def tracker_pid() -> int | None:
    """The resource tracker of this process, if there is one."""
    return getattr(resource_tracker._resource_tracker, "_pid", None)


@contextlib.contextmanager
def _careful(environment: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    ours = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    daemon = ours.get("daemon")
    main = sys.modules["__main__"]
    with warnings.catch_warnings():
        # A killed tracker or a fork beside a log thread: both are met on purpose here.
        warnings.simplefilter("ignore")
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, hardening.HELD)
        try:
            os.environ.update(environment)
            sys.modules["__main__"] = types.ModuleType("__main__")
            ours["daemon"] = False  # a daemonic process (a Dask nanny's) may: we end our workers
            yield
        finally:
            sys.modules["__main__"] = main
            ours["daemon"] = daemon
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
