"""The program as a user starts it: a process of its own, on pipes or on a terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

DIVERE = [sys.executable, "-m", "divere_cli"]
SECONDS = 240.0  # a guard, not a figure

# The program drops text for a terminal that takes none for a second, as one that is stopped with
# Ctrl-S; a test that stands still for longer under load must not lose any.
PATIENT = [
    sys.executable,
    "-c",
    "import sys; from divere_cli.cli import app, batch_display; "
    f"batch_display._PATIENCE = {SECONDS}; sys.exit(app.run(sys.argv[1:]))",
]


def divere(
    *args: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program on pipes."""
    return subprocess.run(
        [*DIVERE, *map(os.fspath, args)],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env={**os.environ, **(env or {})},
        cwd=cwd,
        timeout=SECONDS,
        check=False,
    )


# For scripts: descriptor 5 is a pipe in $1 whose reader has come and gone.
NO_READER = 'mkfifo "$1/pipe"; : <"$1/pipe" & exec 5>"$1/pipe"; wait; '


def shell(script: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``script`` in bash with ``divere`` as a function in it; ``args`` are $1 and so on."""
    program = f'divere() {{ "{sys.executable}" -m divere_cli "$@"; }}\n{script}'
    bash = shutil.which("bash")
    assert bash, "these tests need bash"
    return subprocess.run(
        [bash, "-c", program, "bash", *map(os.fspath, args)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def on_terminal(
    *args: str | Path, columns: int = 100, rows: int = 30, term: str = "xterm-256color"
) -> tuple[int, str]:
    """Run the program with all three streams on a terminal; give its exit code and its bytes."""
    import pty  # not on Windows

    env = {**os.environ, "TERM": term, "COLUMNS": str(columns), "LINES": str(rows)}
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PATIENT, *map(os.fspath, args)], stdin=slave, stdout=slave, stderr=slave, env=env
    )
    os.close(slave)
    with contextlib.closing(os.fdopen(master, "rb", buffering=0)) as screen:
        data = _all_of(screen.fileno())
    return process.wait(timeout=SECONDS), data.decode("utf-8")


def _all_of(fd: int) -> bytes:
    data, deadline = b"", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([fd], [], [], 1.0)[0]:
            continue
        try:
            read = os.read(fd, 65536)
        except OSError as error:
            if error.errno == errno.EIO:  # the other side is closed: the end of a terminal
                return data
            raise
        if not read:
            return data
        data += read
    raise AssertionError(f"the terminal never came to an end: {data[-500:]!r}")
