"""``--on-done`` and ``--on-failure``: a command for each scan, with its result on stdin.

Covers splitting the command once (no shell), a time limit, and that nothing a
command does holds up the loop or becomes the scan's failure.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import shlex
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from divere_cli.errors import UsageError
from divere_cli.records.outcome import ScanResult
from divere_cli.records.serialize import to_plain
from divere_cli.text import quote

log = logging.getLogger(__name__)

SECONDS = 60.0
WAITING = 1000


def split(option: str, command: str | None) -> tuple[str, ...]:
    """A command line as its arguments; empty where there is none.

    Raises
    ------
    UsageError
        A quote has no end.
    """
    try:
        return tuple(shlex.split(command or ""))
    except ValueError as problem:
        raise UsageError(f"{option}: {problem}", hint="quote as in a shell") from problem


@dataclass(frozen=True, slots=True)
class Commands:
    """What to run when a scan is done, and when it failed."""

    done: Sequence[str] = ()
    failure: Sequence[str] = ()

    def of(self, result: ScanResult) -> Sequence[str]:
        """The command for a result; empty for none."""
        if result.status == "ok":
            return self.done
        return self.failure if result.status == "failed" else ()


class Hooks:
    """Runs commands one after another beside the loop."""

    def __init__(self, commands: Commands, seconds: float = SECONDS) -> None:
        self._commands = commands
        self._seconds = seconds
        self._queue: queue.Queue[tuple[Sequence[str], ScanResult] | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None

    def tell(self, result: ScanResult) -> None:
        """Run the command for a result, where there is one; never waits for it."""
        command = self._commands.of(result)
        if not command:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watch-hooks", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait((command, result))
        except queue.Full:
            log.warning("%d commands wait already: none for %s", WAITING, quote(result.input))

    def close(self, seconds: float) -> None:
        """Let what waits run for so long, then leave it."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=seconds)
            self._thread.join(seconds)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            _call(*item, self._seconds)


def _call(command: Sequence[str], result: ScanResult, seconds: float) -> None:
    plain = to_plain(result)
    if isinstance(plain, dict):
        plain.pop("thumbnails", None)
    name = quote(result.input)
    try:
        ended = subprocess.run(
            list(command),
            input=json.dumps(plain),
            text=True,
            timeout=seconds,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        log.warning("the command for %s took longer than %.0f s and was ended", name, seconds)
    except OSError as problem:
        log.warning("the command for %s cannot be run: %s", name, problem.strerror)
    else:
        if ended.returncode:
            said = (ended.stderr.strip().splitlines() or [""])[-1][:500]
            log.warning("the command for %s ended with %d: %s", name, ended.returncode, said)
