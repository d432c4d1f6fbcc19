"""``--on-done`` and ``--on-failure``: a command for each scan, with its result on stdin.

Covers splitting the command once (no shell), a time limit, and that nothing a command does
delays the loop or makes a scan fail. A command and everything that it starts form a process
group of their own, which is killed at the time limit or when the service ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from divere_cli.errors import UsageError
from divere_cli.records.outcome import ScanResult
from divere_cli.records.serialize import to_plain
from divere_cli.text import quote

log = logging.getLogger(__name__)

SECONDS = 60.0
WAITING = 1000
LOOK_SECONDS = 0.05
_SHOWN = 500  # bytes of a command's last line on stderr


def split(option: str, command: str | None) -> tuple[str, ...]:
    """Return a command line as its arguments; empty where there is none.

    Parameters
    ----------
    option : str
        The option, for messages.
    command : str or None
        The command line; None for none.

    Raises
    ------
    UsageError
        A quote is not closed.
    """
    try:
        return tuple(shlex.split(command or ""))
    except ValueError as problem:
        raise UsageError(f"{option}: {problem}", hint="quote as in a shell") from problem


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands to run when a scan is done, and when it failed."""

    done: Sequence[str] = ()
    failure: Sequence[str] = ()

    def of(self, result: ScanResult) -> Sequence[str]:
        """Return the command for a result; empty for none."""
        if result.status == "ok":
            return self.done
        return self.failure if result.status == "failed" else ()


class Hooks:
    """Runs commands one after another in a thread beside the loop.

    Parameters
    ----------
    commands : Commands
        May be replaced at any time; results already in the queue keep their command.
    seconds : float
        Time limit of each command.
    """

    def __init__(self, commands: Commands, seconds: float = SECONDS) -> None:
        self.commands = commands
        self._seconds = seconds
        self._queue: queue.Queue[tuple[Sequence[str], ScanResult] | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._children = threading.Lock()  # held while a command starts or orphans are reaped
        self._ended = False

    def enqueue(self, result: ScanResult) -> None:
        """Run the command for a result, where there is one; return at once."""
        command = self.commands.of(result)
        if not command:
            return
        if self._thread is None:
            self._start()
        try:
            self._queue.put_nowait((command, result))
        except queue.Full:
            log.warning("%d commands wait already: none for %s", WAITING, quote(result.input))

    def revive(self) -> int:
        """Start the thread again if it died; return how many were started."""
        if self._thread is None or self._thread.is_alive():
            return 0
        log.error("the thread that runs commands died and is started again")
        self._start()
        return 1

    def reap(self) -> None:
        """Reap the processes that commands left behind.

        A batch adopts orphans, so that they become children of this process. Call it
        between batches, when commands are all that this process has started.
        """
        if self._thread is None or not hasattr(os, "waitid"):
            return
        with self._children, contextlib.suppress(ChildProcessError):
            current = -1 if self._process is None else self._process.pid
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid == current:  # others are found after it is reaped
                    return
                os.waitpid(ended.si_pid, os.WNOHANG)

    def close(self, seconds: float, hurry: Callable[[], object] = lambda: False) -> None:
        """Run the waiting commands for at most ``seconds``, then end the current one.

        Parameters
        ----------
        seconds : float
            Time limit for the waiting commands together.
        hurry : callable
            Returns True to end the current command at once.
        """
        if self._thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < deadline and not hurry():
            self._thread.join(LOOK_SECONDS)
        self._ended = True
        if self._thread.is_alive():
            self._drop()
            _end(self._process)
            self._thread.join(1.0)  # not for ever: a process may wait for a dead drive

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="watch-hooks", daemon=True)
        self._thread.start()

    def _drop(self) -> None:
        """Empty the queue, and wake the thread so that it ends."""
        dropped = 0
        with contextlib.suppress(queue.Empty):
            while True:
                dropped += self._queue.get_nowait() is not None
        self._queue.put_nowait(None)
        if dropped:
            log.warning("commands that were not run, because the service ends: %d", dropped)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None and not self._ended:
            try:
                self._call(*item)
            except Exception:
                log.exception("a bug in divere: the command for a scan was not run")

    def _call(self, command: Sequence[str], result: ScanResult) -> None:
        name = quote(result.input)
        plain = to_plain(result)
        if isinstance(plain, dict):
            plain.pop("thumbnails", None)
        try:
            with tempfile.TemporaryFile("w+", errors="replace") as lines:
                code = self._waited(command, json.dumps(plain), lines.fileno(), name)
                if code:
                    last = _last_line(lines.fileno())
                    log.warning("the command for %s ended with %d: %s", name, code, last)
        except OSError as problem:
            log.warning("the command for %s cannot be run: %s", name, problem.strerror)

    def _waited(self, command: Sequence[str], result_json: str, stderr: int, name: str) -> int:
        """Run a command until it ends or is killed; return its exit code, 0 if it was killed."""
        with self._children:
            process = self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        try:
            if self._ended:
                _end(process)
            process.communicate(result_json, timeout=self._seconds)
        except subprocess.TimeoutExpired:
            log.warning(
                "the command for %s took longer than %.0f s and was ended", name, self._seconds
            )
            return 0
        finally:
            if process.poll() is None:
                _end(process)
                process.communicate()
            self._process = None
        return 0 if self._ended else process.returncode


def _end(process: subprocess.Popen[str] | None) -> None:
    """Kill a command and everything that it started."""
    if process is None or process.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _last_line(descriptor: int) -> str:
    """Return the last line of a file, looked for in its last bytes only."""
    size = os.fstat(descriptor).st_size
    os.lseek(descriptor, max(0, size - _SHOWN), os.SEEK_SET)
    text = os.read(descriptor, _SHOWN).decode("utf-8", "replace")
    return (text.strip().splitlines() or [""])[-1]
