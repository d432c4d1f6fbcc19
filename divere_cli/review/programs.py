"""Commands of divere that run beside the page: measure the roll, export it.

Covers ``divere analyze`` and ``divere batch`` as child processes, their events on a pipe,
their progress, and ending them. So the page grades in the same way as the command line, and
the memory of the commands is not that of the service.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from divere_cli.errors import ProfileError
from divere_cli.profile import strict_json
from divere_cli.profile.loading import MAX_FOLDER_BYTES
from divere_cli.profile.strict_json import Json
from divere_cli.text import safe

LINES = 200
END_SECONDS = 20.0
FORMATS = ("tiff", "jpeg", "png")


@dataclass(slots=True)
class Progress:
    """Progress of a command, as the page shows it."""

    state: str = "idle"  # idle, running, ended
    done: int = 0
    total: int = 0
    failed: int = 0
    exit_code: int | None = None
    message: str = ""
    output: str = ""
    failures: list[dict[str, str]] = field(default_factory=list)


class Command:
    """One run of ``divere`` at a time; its events are read line by line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self.progress = Progress()

    def start(
        self,
        arguments: Sequence[str],
        *,
        output: str = "",
        total: int = 0,
        after: Callable[[int], None] | None = None,
    ) -> bool:
        """Start the command; return False if one is running already."""
        with self._turn:
            if self._process is not None:
                return False
            progress = self.progress = Progress("running", total=total, output=output)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "divere_cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=_environment(),
            )
            run = (self._process, progress, after)
            self._thread = threading.Thread(target=self._watch, args=run, name=self._name)
            self._thread.start()
            return True

    def stop(self) -> None:
        """Ask the command to end in an orderly way: finished positives stay."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.terminate()

    def close(self) -> None:
        """End the command and wait until it has ended."""
        self.stop()
        thread = self._thread
        if thread is not None:
            thread.join(END_SECONDS)
            process = self._process
            if thread.is_alive() and process is not None:
                process.kill()
                thread.join(END_SECONDS)

    def _watch(
        self,
        process: subprocess.Popen[str],
        progress: Progress,
        after: Callable[[int], None] | None,
    ) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        reader = threading.Thread(target=_drain, args=(process.stderr, lines), name=self._name)
        reader.start()
        for line in process.stdout:
            with contextlib.suppress(ValueError, AttributeError, TypeError):
                _note(progress, json.loads(line))
        code = process.wait()
        reader.join()
        process.stdout.close()
        process.stderr.close()
        messages = [line for line in lines if line.strip()]
        progress.message = safe(messages[-1].removeprefix("divere: ")) if messages else ""
        try:
            if after is not None:
                after(code)
        finally:
            progress.exit_code = code
            with self._turn:
                self._process = None
            progress.state = "ended"  # last: whoever sees it may start the next run


def _note(progress: Progress, event: dict[str, Any]) -> None:
    """Count one event of ``--json``."""
    kind = event.get("event")
    if kind == "start":
        progress.total = int(event.get("total") or progress.total)
    elif kind == "file":
        file = event.get("file") if isinstance(event.get("file"), dict) else event
        assert isinstance(file, dict)
        progress.done += 1
        if file.get("status") == "failed":
            progress.failed += 1
            error = file.get("error") or {}
            if len(progress.failures) < LINES:
                failure = {"name": str(file.get("input")), "message": str(error.get("message"))}
                progress.failures.append(failure)


def _drain(stream: Any, lines: list[str]) -> None:
    for line in stream:
        lines.append(line.rstrip("\n"))
        del lines[:-LINES]


def _environment() -> dict[str, str]:
    """Return this process's environment, without options for the review page."""
    variables = {n: v for n, v in os.environ.items() if not n.startswith("DIVERE_")}
    return variables | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def measure(
    command: Command, names: Sequence[str], take: Callable[[dict[str, Json]], None]
) -> None:
    """Measure scans and hand over their entries.

    Parameters
    ----------
    command : Command
        The command of the program.
    names : sequence of str
        Names of the scans.
    take : callable
        Receives the entries.
    """
    folder = tempfile.mkdtemp(prefix="divere-review-measured-")
    path = os.path.join(folder, "measured.json")

    def after(code: int) -> None:
        try:
            with contextlib.suppress(ProfileError):
                entries = strict_json.read(path, MAX_FOLDER_BYTES)
                if isinstance(entries, dict):
                    take(entries)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    arguments = ["analyze", *names, "-o", path, "--overwrite", "-j", "1"]
    if not command.start(arguments, total=len(names), after=after):
        os.rmdir(folder)


@dataclass(frozen=True, slots=True)
class Export:
    """Settings of an export into a folder below that of the roll."""

    folder: str
    output: str = "positives"
    format: str = "tiff"
    bit_depth: int | None = None
    color_space: str = ""
    quality: int | None = None
    leave_out: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Return the command line of the batch."""
        arguments = ["batch", self.folder, os.path.join(self.folder, self.output), "--json"]
        arguments += ["--no-recursive", "--format", self.format]
        if self.bit_depth is not None and self.format != "jpeg":
            arguments += ["--bit-depth", str(self.bit_depth)]
        if self.color_space:
            arguments += ["--color-space", self.color_space]
        if self.quality is not None and self.format == "jpeg":
            arguments += ["--quality", str(self.quality)]
        for name in self.leave_out:
            arguments += ["--exclude", glob.escape(name)]
        return arguments
