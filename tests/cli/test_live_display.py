"""The live display: on a real terminal with any name, and its pieces with a clock of its own."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest

from divere_cli.cli.live_display import Live
from divere_cli.records.events import (
    RunStarted,
    RunStopping,
    ScanFinished,
    ScanProgress,
    ScanStarted,
)
from divere_cli.records.outcome import IsolationInfo, ScanResult
from tests.cli.conftest import Scans
from tests.cli.program import on_terminal

# What rich itself may send: colors, moves, erasing, the cursor; and no title, link or C1.
SEQUENCE = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

NAMES = (
    b"new\nline.tif",
    b"\x1b[2Jgone\x1b]0;title\x07\x1b]8;;http:x\x1b\\.tif",
    "c1 \x9b2J bidi \u202etxt.tif".encode(),
    b"latin \xff.tif",
    b"[/red].tif",
    b"[link=http:x]y[bold] :smile:.tif",
)

INFO = IsolationInfo("auto", "process", "forkserver", 2)


def drawn(data: str) -> str:
    """Return what is left of the terminal's bytes without rich's own sequences."""
    return SEQUENCE.sub("", data).replace("\r", "")


def test_on_a_terminal_there_is_a_display_then_a_table_and_a_last_line(
    scans: Scans, tmp_path: Path
) -> None:
    place, out = scans("a.tif", "b.tif"), tmp_path / "out"
    (place / "bad.tif").write_bytes(b"")
    code, data = on_terminal("batch", place, out)
    assert code == 3
    text = drawn(data)
    assert "of 3 scans" in text
    assert "MP/s" in text
    last = [line for line in text.splitlines() if line.strip()]
    report = f"report {out}/divere-report.json; exit 3"
    assert "".join(last[-3:]).replace("\n", "").endswith(report)
    assert "divere: error: 'bad.tif': " in text
    table = text[text.rindex("peak memory") :]
    assert [name for name in ("a.tif", "bad.tif", "b.tif") if name in table] == [
        "a.tif",
        "bad.tif",
        "b.tif",
    ]
    assert data.count("\x1b[?25h") >= data.count("\x1b[?25l") > 0  # the cursor is back


@pytest.mark.parametrize("columns", [40, 100])
def test_hostile_names_have_no_effect_on_a_terminal(
    columns: int, scans: Scans, tmp_path: Path
) -> None:
    place, out = scans(*NAMES), tmp_path / "out"
    (place / os.fsdecode(b"bad \x1b[2J\xff[/red].tif")).parent.mkdir(exist_ok=True)
    (place / os.fsdecode(b"bad \x1b[2J\xff[/red].tif")).write_bytes(b"")
    code, data = on_terminal("batch", place, out, columns=columns)
    assert code == 3
    assert not UNWANTED.search(drawn(data))
    assert "\x1b[2J" not in data
    assert "\x1b]" not in data
    assert r"\x1b]0;title\x07" in drawn(data).replace("\n", "") or columns < 100


def test_a_dumb_terminal_gets_lines(scans: Scans, tmp_path: Path) -> None:
    code, data = on_terminal("batch", scans("a.tif"), tmp_path / "out", term="dumb")
    assert code == 0
    assert "\x1b" not in data
    assert "ok: 'a.tif'" in data


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def display(clock: Clock, width: str = "100") -> tuple[Live, io.StringIO]:
    stream = io.StringIO()
    return Live(stream, force=True, clock=clock), stream


def test_scans_in_progress_are_drawn_with_stage_share_and_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "20")
    clock = Clock()
    live, stream = display(clock)
    with live:
        live.handle(RunStarted("1", "now", "out", total=4, todo=4, isolation=INFO))
        live.handle(ScanStarted(1, "roll/one.tif", 1, 11))
        live.handle(ScanStarted(2, "roll/two.tif", 2, 12))
        clock.now += 2
        live.handle(
            ScanFinished(
                ScanResult(
                    "roll/zero.tif",
                    width=6000,
                    height=4000,
                    attempts=1,
                    peak_rss_bytes=300_000_000,
                )
            )
        )
        clock.now += 1
        live.handle(ScanProgress(1, "roll/one.tif", "grade", 0.5, 200_000_000))
    text = drawn(stream.getvalue())
    final = text[text.rindex("1 of 4 scans") :]
    assert "1 graded" in final
    assert re.search(r"roll/one\.tif +grade .* 50% +3\.0 s +200 MB", final)
    assert re.search(r"roll/two\.tif +start \(attempt 2\)", final)
    assert "8.0 MP/s" in final
    assert "0:05 left" in final
    assert "300 MB peak" in final


def test_a_narrow_terminal_keeps_the_figures_and_drops_the_bars(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    clock = Clock()
    live, stream = display(clock)
    with live:
        live.handle(RunStarted("1", "now", "out", total=2, todo=2, isolation=INFO))
        live.handle(ScanStarted(1, "a/roll/of/many/frames/one.tif", 1, 11))
        clock.now += 2
        live.handle(ScanProgress(1, "a/roll/of/many/frames/one.tif", "grade", 0.5, 200_000_000))
    text = drawn(stream.getvalue())
    final = text[text.rindex("0 of 2 scans") :]
    assert re.search(r"\n 25%  .*0:06 left  200 MB now", final)
    assert re.search(r"…[a-z/]*one\.tif +grade +50% +2\.0 s", final)
    assert "MP/s" not in final
    assert max(map(len, final.splitlines())) <= 40


def test_lines_go_above_and_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    live, stream = display(Clock())
    with live:
        live.handle(RunStarted("1", "now", "out", total=1, todo=1, isolation=INFO))
        live.print_above("divere: error: '[/red]': bad " + "x" * 80)
        live.handle(RunStopping("Ctrl-C", 1))
    text = drawn(stream.getvalue())
    assert text.count("divere: error: '[/red]': bad " + "x" * 80) == 1
    assert "stopping: Ctrl-C" in text


def test_many_workers_fit_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "12")
    clock = Clock()
    live, stream = display(clock)
    with live:
        live.handle(RunStarted("1", "now", "out", total=99, todo=99, isolation=INFO))
        for job in range(64):
            live.handle(ScanStarted(job, f"{job}.tif", 1, job))
        clock.now += 1
        live.handle(ScanProgress(0, "0.tif", "read", 0.1))
    final = drawn(stream.getvalue())
    final = final[final.rindex("0 of 99") :]
    assert "and 58 more in progress" in final
    assert len(final.splitlines()) <= 12


def test_it_is_drawn_ten_times_a_second_at_most() -> None:
    clock = Clock()
    live, stream = display(clock)
    with live:
        live.handle(RunStarted("1", "now", "out", total=1, todo=1, isolation=INFO))
        live.handle(ScanStarted(1, "a.tif", 1, 1))
        before = len(stream.getvalue())
        for step in range(1000):
            live.handle(ScanProgress(1, "a.tif", "read", step / 1000))
        assert len(stream.getvalue()) == before
        clock.now += 0.11
        live.handle(ScanProgress(1, "a.tif", "read", 1.0))
        assert len(stream.getvalue()) > before
