"""Streams that are stuck, lost or closed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from divere_cli.cli import streams
from tests.cli.program import SECONDS

FLOOD = """
import sys, time
from divere_cli.cli import streams
with streams.guarded() as out:
    streams.bound(sys.stdout, 0.2, complete={complete})
    for number in range(5000):
        sys.stdout.write(f"{{number:079}}\\n")
    sys.stderr.write(f"{{out.dropped}} {{out.lost}}")
"""


def flood(complete: bool) -> tuple[str, list[str]]:
    """Write 400 kB to a pipe that nobody reads until the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", FLOOD.format(complete=complete)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as out, process.stderr as err:
        said = err.read()
        assert process.wait(timeout=SECONDS) == 0
        return said, out.read().splitlines()


def test_a_reader_that_never_reads_causes_one_wait_and_lost_lines() -> None:
    said, lines = flood(complete=False)
    dropped, lost = said.split(" ", 1)
    assert lost == "None"
    assert len(lines) + int(dropped) == pytest.approx(5000, abs=1)
    assert lines[:-1] == [f"{number:079}" for number in range(len(lines) - 1)]


def test_a_stream_that_must_be_complete_ends_instead_of_losing_text() -> None:
    said, lines = flood(complete=True)
    assert said == "1 [Errno 32] not read for 0 s"
    assert lines[:-1] == [f"{number:079}" for number in range(len(lines) - 1)]


def test_a_slow_reader_gets_everything() -> None:
    script = "from divere_cli.cli import streams\nwith streams.guarded(): print('x' * 300_000)"
    done = subprocess.run(
        f"{sys.executable} -c \"{script}\" | (sleep 1; wc -c)",
        shell=True, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "300001"


def test_unsupported_characters_are_shown_with_backslashes() -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="ascii") as file, open(reading, encoding="ascii") as got:
        streams.Stream(file).write("å 胶 \udcff\n")
        file.close()
        assert got.read() == "\\xe5 \\u80f6 \\udcff\n"


def test_a_lost_stream_stays_lost_and_says_why() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as file:
        stream = streams.Stream(file)
        assert stream.write("one\n") == 4
        assert stream.lost is not None
        assert streams.reader_is_gone(stream.lost)
        assert stream.write("two\n") == 4


def test_only_streams_are_bound() -> None:
    streams.bound(sys.stdout, 1.0, complete=False)
    assert not hasattr(sys.stdout, "patience")


class Console(io.RawIOBase):
    """A Windows console: takes bytes of whole UTF-8 characters, 30 at most at once."""

    def __init__(self) -> None:
        self.taken = ""

    def fileno(self) -> int:
        return 2

    def isatty(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        text = bytes(data).decode("utf-8")[:30]
        self.taken += text
        return len(text.encode())


def test_a_windows_console_gets_all_of_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    console = Console()
    said = "\u80f6\u7247 \u00e5 \u2501\n" + "\u2501" * 60
    stream = streams.Stream(io.TextIOWrapper(io.BufferedWriter(console), encoding="utf-8"))
    stream.write(said)
    assert console.taken == said
    assert stream.lost is None
