"""The log's lines, handlers and files."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
from pathlib import Path

import pytest

from divere_cli.cli import logs
from divere_cli.cli.console import Console
from divere_cli.cli.logs import LogJson, LogOptions, LogText, handlers
from divere_cli.errors import UsageError

EVIL = "evil \x1b[2J\u202e\n\udcff"


def record(message: str, level: int = logging.INFO, **more: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "tifffile", "levelno": level, "levelname": logging.getLevelName(level),
         "msg": message, "created": 1_700_000_000.25, "msecs": 250.0, "process": 77, **more}
    )  # fmt: skip


def test_a_record_is_one_harmless_line_with_its_scan_and_traceback() -> None:
    line = LogText().format(record(EVIL, scan=EVIL, exc_text="Traceback:\n  " + EVIL))
    assert line == (
        r"2023-11-14T22:13:20.250Z INFO tifffile 'evil \x1b[2J\u202e\x0a\xff': "
        r"evil \x1b[2J\u202e\x0a\xff | Traceback: |   evil \x1b[2J\u202e | \xff"
    )


def test_a_json_record_is_one_line_of_ascii() -> None:
    line = LogJson().format(record(EVIL, logging.WARNING, scan="a.tif", attempt=2))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "logger": "tifffile",
        "pid": 77,
        "message": "evil \x1b[2J\u202e\n" + r"\xff",
        "scan": "a.tif",
        "attempt": 2,
    }


def emitted(options: LogOptions, *records: logging.LogRecord) -> tuple[str, list[str]]:
    """Return what ``options`` write to stderr, and the log events, for ``records``."""
    stderr, events = io.StringIO(), []
    say = Console(io.StringIO(), stderr)
    write = lambda event, data: events.append(f"{event}: {data['message']}")  # noqa: E731
    with handlers(options, say, write) as made:
        for each in records:
            for handler in made:
                if each.levelno >= handler.level:
                    handler.handle(each)
    return stderr.getvalue(), events


@pytest.mark.parametrize(
    ("verbose", "quiet", "said"),
    [
        (0, True, "error"),
        (0, False, "warning error"),
        (1, False, "info warning error"),
        (2, False, "debug info warning error"),
        (9, False, "debug info warning error"),
    ],
)
def test_the_level_of_stderr(verbose: int, quiet: bool, said: str) -> None:
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
    records = [record("x", level) for level in levels]
    text, _ = emitted(LogOptions(verbose=verbose, quiet=quiet), *records)
    assert re.findall(r"divere: (\w+): x\n", text) == said.split()


def test_a_traceback_reaches_stderr_only_with_v() -> None:
    broken = record("x", logging.ERROR, exc_text="Traceback: deep")
    assert "Traceback" not in emitted(LogOptions(), broken)[0]
    assert "Traceback: deep" in emitted(LogOptions(verbose=1), broken)[0]


def test_json_without_a_file_goes_to_stderr() -> None:
    text, events = emitted(LogOptions(format="json"), record("x", logging.WARNING))
    assert json.loads(text)["message"] == "x"
    assert events == ["log: x"]


def test_a_json_log_on_stderr_is_whole_and_has_every_scan() -> None:
    done = record("ok", logging.INFO)
    done.name = logs.RECORD
    text, _ = emitted(LogOptions(format="json"), done, record("x" * 20_000, logging.WARNING))
    assert [len(json.loads(line)["message"]) for line in text.splitlines()] == [2, 20_000]


def test_records_on_the_screen_already_go_to_the_file_only(tmp_path: Path) -> None:
    done = record("ok", logging.ERROR)
    done.name = logs.RECORD
    path = tmp_path / "log"
    assert emitted(LogOptions(file=str(path)), done) == ("", [])
    assert path.read_text().endswith(" ERROR divere_cli.record ok\n")


def test_a_log_that_was_moved_away_continues_in_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    say = Console(io.StringIO(), io.StringIO())
    with handlers(LogOptions(file=str(path)), say, None) as made:
        made[-1].handle(record("before"))
        path.rename(tmp_path / "log.1")
        made[-1].handle(record("after"))
    assert (tmp_path / "log.1").read_text().endswith("before\n")
    assert path.read_text().endswith("after\n")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_of_the_log_gives_one_warning() -> None:
    stderr = io.StringIO()
    with handlers(LogOptions(file="/dev/full"), Console(io.StringIO(), stderr), None) as made:
        for _ in range(3):
            made[-1].handle(record("x"))
    assert stderr.getvalue() == "divere: warning: '/dev/full': the log cannot be written\n"


def test_a_log_file_that_cannot_be_opened_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = os.path.join(tmp_path, "no", "log")
    with (
        pytest.raises(UsageError, match=r"'.*no/log': the log file cannot be opened"),
        handlers(LogOptions(file=path), Console(io.StringIO(), io.StringIO()), None),
    ):
        pass


def test_the_root_level_is_restored() -> None:
    before = logging.getLogger().level
    emitted(LogOptions(verbose=2))
    assert logging.getLogger().level == before
