"""Starts a worker process by forkserver, spawn or fork, and avoids the traps of each.

Covers: no Ctrl-C lost or met by a half-born child (signals are blocked round the start),
the caller's ``__main__`` is not imported again, thread pools of libraries are small, what
the child finds of this process's environment and module path
(:mod:`divere_cli.isolation.worker.birth`). Nothing is waited for. Not covered: what
becomes of the process once it runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from divere_cli.isolation import task
from divere_cli.isolation.runner import DEPTH, LaunchError, StartMethod
from divere_cli.isolation.supervisor.server import Server, servers
from divere_cli.isolation.worker import birth, hardening
from divere_cli.isolation.worker import main as worker
from divere_cli.isolation.worker.preload import Setup
from divere_cli.records import serialize
from divere_cli.records.job import WarmUp

TOKEN_NAME = "DIVERE_WORKER_OF"
TOKEN = f"{os.getpid()}-{secrets.token_hex(8)}"

SMALL_POOLS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
REFUSALS = (OSError, EOFError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Launched:
    """A process that was started or requested: ``pid`` is 0 until its status pipe reports it.

    ``orders``, ``frames``, ``output`` and ``status`` are this side's ends of its pipes.
    """

    pid: int
    orders: int
    frames: int
    output: int
    status: int
    server: Server | None = None


@dataclass(slots=True)
class Launcher:
    """Starts workers by one method; with ``confined`` they enter the sandbox.

    ``fallen`` are forkservers that ended and were replaced.
    """

    method: StartMethod
    warm: tuple[str, ...] = task.WARM
    warm_ups: tuple[WarmUp, ...] = ()
    confined: bool = False
    server: Server | None = field(default=None, init=False)
    fallen: list[Server] = field(default_factory=list, init=False)

    def start(self) -> Launched:
        """Start one worker, and a new forkserver if there is none.

        Raises
        ------
        LaunchError
            There are not enough processes, memory or descriptors.
        """
        try:
            return self._start()
        except REFUSALS as problem:
            raise LaunchError(_why(problem)) from problem

    def close(self) -> None:
        """End the forkserver, after all workers have ended."""
        if self.server is not None:
            self.server.close()

    def _start(self) -> Launched:
        ends: list[tuple[int, int]] = []
        try:
            for _ in range(4):
                ends.append(os.pipe())
            orders, frames, output, status = ends
            inner = (orders[0], frames[1], output[1], status[1])
            outer = (orders[1], frames[0], output[0], status[0])
            with _signals_held():
                launched = self._ask(inner, Launched(0, *outer))
        except BaseException:
            for end in itertools.chain(*ends):
                os.close(end)
            raise
        for end in inner:
            os.close(end)
        return launched

    def _ask(self, inner: tuple[int, int, int, int], outer: Launched) -> Launched:
        if self.method == "fork":
            return dataclasses.replace(outer, pid=self._fork(inner))
        if self.method == "spawn":
            return dataclasses.replace(outer, pid=self._spawn(inner))
        server = self.server
        for _ in range(2):  # a request shows whether the server has just died
            if server is None or server.ended():
                self.fallen += [server] if server is not None else []
                server = self.server = Server(self._setup(), self._environment())
            if server.ask(self._boot(), inner):
                return dataclasses.replace(outer, server=server)
        raise ConnectionError(f"the process that starts the workers {server and server.fault}")

    def _fork(self, inner: tuple[int, int, int, int]) -> int:
        boot = self._boot()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # forking beside a log thread is intended
            pid = os.fork()
        if pid == 0:
            sys.modules["__main__"] = types.ModuleType("__main__")
            worker.main(boot, *inner)
        return pid

    def _spawn(self, inner: tuple[int, int, int, int]) -> int:
        argument = {"boot": serialize.to_plain(self._boot()), "pipes": inner}
        process = subprocess.Popen(
            birth.command("worker", json.dumps(argument)),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=inner[2],
            stderr=inner[2],
            pass_fds=inner,
        )
        process.returncode = 0  # it is reaped by its pid, like a fork
        return process.pid

    def _setup(self) -> Setup:
        return Setup(os.getpid(), self.warm, self.warm_ups, self.confined)

    def _boot(self) -> worker.Boot:
        return worker.Boot(
            method=self.method,
            supervisor=os.getpid(),
            launched=time.monotonic(),
            folder=os.getcwd(),
            mark=(TOKEN_NAME, TOKEN),
            log_level=logging.root.getEffectiveLevel(),
            warm=self.warm,
            confined=self.confined,
        )

    def _environment(self) -> dict[str, str]:
        return birth.environment(SMALL_POOLS | {DEPTH: "1", TOKEN_NAME: TOKEN})


def server_pid() -> int | None:
    """Return the pid of a forkserver of this process, if there is one."""
    return next(iter(servers), None)


def _why(problem: BaseException) -> str:
    """Return why no process could be started, as a part of a sentence."""
    number = problem.errno if isinstance(problem, OSError) else None
    text = str(problem)
    if isinstance(problem, OSError) and problem.strerror:
        text = problem.strerror
    return f"{text}{_LIMITS.get(number or 0, '')}" or type(problem).__name__


# Meaning of an errno of a failed start, where its own text is not clear.
_LIMITS = {
    errno.EAGAIN: " (too many processes or threads: see ulimit -u, or the container's limit)",
    errno.ENOMEM: " (no memory is left for another process)",
    errno.EMFILE: " (this process may open no more files: see ulimit -n)",
    errno.ENFILE: " (the system may open no more files)",
}


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, hardening.HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
