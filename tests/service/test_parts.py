"""The parts of the service by themselves: ripeness, completeness, pulse, figures, commands."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from divere_cli.errors import InputMissing, UsageError
from divere_cli.records.outcome import ErrorRecord, ScanResult
from divere_cli.service import commands
from divere_cli.service.complete import is_complete
from divere_cli.service.figures import Figures
from divere_cli.service.look import Chosen, Look, look
from divere_cli.service.pulse import Notifier, Pulse
from divere_cli.service.settling import PATIENCE, Settling

ONE, OTHER = (1, 1, 1, 1), (1, 1, 1, 2)


def settling(whole: bool = True) -> Settling:
    return Settling(10.0, lambda path: whole)


def seen(stamp: tuple[int, int, int, int] = ONE, name: str = "/in/a.tif") -> Look:
    return Look({name: stamp})


def test_two_looks_and_the_settling_time() -> None:
    found = settling()
    found.see(seen(), 100.0)
    assert found.ripe(200.0, 9) == []  # one look
    found.see(seen(), 105.0)
    assert found.ripe(105.0, 9) == []
    assert found.next_due(105.0) == 5.0
    found.see(seen(), 110.0)
    assert found.ripe(110.0, 9) == ["/in/a.tif"]


@pytest.mark.parametrize("part", range(4))
def test_any_difference_begins_the_time_anew(part: int) -> None:
    """Also a time that goes back, and another inode under the name."""
    found = settling()
    found.see(seen((5, 5, 5, 5)), 0.0)
    found.see(seen((5, 5, 5, 5)), 9.0)
    changed = [5, 5, 5, 5]
    changed[part] = 4
    found.see(seen((changed[0], changed[1], changed[2], changed[3])), 10.0)
    assert found.ripe(11.0, 9) == []
    found.see(seen((changed[0], changed[1], changed[2], changed[3])), 20.0)
    assert found.ripe(20.0, 9) == ["/in/a.tif"]


def test_an_incomplete_file_is_waited_for_and_then_fails() -> None:
    found = settling(whole=False)
    found.see(seen(), 0.0)
    found.see(seen(), 11.0)
    assert found.ripe(11.0, 9) == []
    assert found.ripe(10.0 + PATIENCE, 9) == ["/in/a.tif"]


def test_failed_and_done_rest_until_they_change() -> None:
    found = settling()
    for at in (0.0, 11.0):
        found.see(seen(), at)
    found.take(["/in/a.tif"])
    assert found.ripe(50.0, 9) == []
    found.end({"/in/a.tif": "failed"}, ["/in/a.tif"], 50.0)
    found.see(seen(), 60.0)
    assert found.ripe(100.0, 9) == []
    assert found.failed == {"/in/a.tif"}
    for at in (101.0, 112.0):
        found.see(seen(OTHER), at)
    assert found.ripe(112.0, 9) == ["/in/a.tif"]


def test_a_change_while_in_work_is_not_lost() -> None:
    found = settling()
    for at in (0.0, 11.0):
        found.see(seen(), at)
    found.take(["/in/a.tif"])
    found.see(seen(OTHER), 12.0)
    found.end({"/in/a.tif": "done"}, ["/in/a.tif"], 50.0)
    found.see(seen(OTHER), 23.0)
    assert found.ripe(23.0, 9) == ["/in/a.tif"]


def test_other_presets_have_their_folder_looked_at_again() -> None:
    found = settling()
    for at in (0.0, 11.0):
        found.see(Look({"/in/a.tif": ONE, "/in/b/c.tif": ONE}, {"/in": ONE}), at)
    found.take(["/in/a.tif", "/in/b/c.tif"])
    found.end(
        dict.fromkeys(["/in/a.tif", "/in/b/c.tif"], "done"), ["/in/a.tif", "/in/b/c.tif"], 50.0
    )
    for at in (20.0, 31.0):
        found.see(Look({"/in/a.tif": ONE, "/in/b/c.tif": ONE}, {"/in": OTHER}), at)
    assert found.ripe(31.0, 9) == ["/in/a.tif"]


def test_a_look_leaves_out_what_is_no_scan(tmp_path: Path) -> None:
    for name in ("a.tif", "b.part", ".c.tif", "d.tif~", "e.tif.tmp", "f.txt"):
        (tmp_path / name).write_bytes(b"x")
    for folder in ("sub", "positives", ".hidden"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "g.tif").write_bytes(b"x")
    found = look([str(tmp_path)], str(tmp_path / "positives"))
    assert sorted(os.path.relpath(p, tmp_path) for p in found.scans) == ["a.tif", "sub/g.tif"]
    flat = look([str(tmp_path)], str(tmp_path / "positives"), Chosen(recursive=False))
    assert [os.path.basename(p) for p in flat.scans] == ["a.tif"]
    with pytest.raises(InputMissing):
        look([str(tmp_path / "gone")], str(tmp_path))


def test_files_at_rest_are_counted_by_their_marks_alone(tmp_path: Path) -> None:
    """With presets and without, also in a folder that two INPUTs name, and until they change."""
    inputs = [str(tmp_path), str(tmp_path / "sub"), str(tmp_path / "a.tif")]
    (tmp_path / "sub").mkdir()
    for name in ("a.tif", "b.TIFF", "sub/c.jpg", "sub/divere_presets.json"):
        (tmp_path / name).write_bytes(b"x")
    found = settling()

    def turn(now: float) -> Look:
        chosen = Chosen(rest=found.rest, collect=found.untidy)
        seen = look(inputs, str(tmp_path / "positives"), chosen)
        found.see(seen, now)
        return seen

    turn(0.0)
    turn(11.0)
    ripe = found.ripe(11.0, 9)
    assert [os.path.relpath(path, tmp_path) for path in ripe] == ["a.tif", "b.TIFF", "sub/c.jpg"]
    found.take(ripe)
    found.end(dict.fromkeys(ripe, "done"), ripe, 12.0)
    assert found.count("done") == 3
    seen = turn(20.0)
    assert (seen.scans, seen.resting, found.count("done")) == ({}, 3, 3)

    (tmp_path / "b.TIFF").write_bytes(b"other")
    (tmp_path / "a.tif").unlink()
    inputs.pop()
    assert list(turn(30.0).scans) == [str(tmp_path / "b.TIFF")]
    assert (found.count("done"), len(found.rest), found.untidy) == (1, 3, True)
    turn(41.0)
    assert (found.count("done"), len(found.rest), found.untidy) == (1, 1, False)
    assert found.ripe(41.0, 9) == [str(tmp_path / "b.TIFF")]

    (tmp_path / "sub" / "divere_presets.json").write_bytes(b"{}")
    assert list(turn(50.0).scans) == [str(tmp_path / "b.TIFF"), str(tmp_path / "sub" / "c.jpg")]


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_every_truncated_file_is_incomplete(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(1)
    picture = random.integers(0, 255, (40, 60, 3)).astype(np.uint8)
    path = tmp_path / f"scan{suffix}"
    imageio.imwrite(path, picture)
    whole = path.read_bytes()
    assert is_complete(str(path))
    for size in range(0, len(whole) - 1, max(1, len(whole) // 23)):
        path.write_bytes(whole[:size])
        assert not is_complete(str(path)), size
    if suffix == ".jpg":
        path.write_bytes(whole + b"\0" * 4096)
        assert is_complete(str(path))


def test_a_tiff_that_is_filled_in_later_is_incomplete(tmp_path: Path) -> None:
    """Full size at once, its table of segments last."""
    path = tmp_path / "scan.tif"
    imageio.imwrite(path, np.zeros((40, 60, 3), np.uint16))
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    assert not is_complete(str(path))


def test_the_loop_notifies_the_watchdog_without_waiting(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"})
        pulse = Pulse(15.0, notifier)
        pulse()
        assert systemd.recv(100) == b"WATCHDOG=1"
        for _ in range(5000):  # nobody reads: a socket takes ten of them
            notifier.send("STATUS=busy")
        notifier.close()
    alone = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    alone.send("READY=1")
    alone.close()
    quiet = Notifier({})
    quiet.send("READY=1")
    assert quiet.every is None


def test_a_loop_that_stands_still_is_dead() -> None:
    now = [100.0]
    pulse = Pulse(15.0, Notifier({}), lambda: now[0])
    now[0] += 15.0
    assert pulse.alive
    now[0] += 0.1
    assert not pulse.alive
    pulse()
    assert pulse.alive


def test_figures_are_prometheus_text_without_names() -> None:
    figures = Figures()
    figures.count(ScanResult("a.tif", ("a.tif",), "ok", seconds=0.4, peak_rss_bytes=5))
    figures.count(ScanResult("b.tif", status="failed", error=ErrorRecord("corrupt_input", "cut")))
    assert figures.metrics is not None
    text = figures.metrics.text(0, figures.peak_rss_bytes, 0).decode()
    assert 'divere_scans_total{status="ok"} 1' in text
    assert 'divere_scans_total{status="failed"} 1' in text
    assert 'divere_scan_seconds_bucket{le="0.25"} 0' in text
    assert 'divere_scan_seconds_bucket{le="0.5"} 1' in text
    assert "divere_scan_seconds_count 1" in text
    assert "divere_worker_peak_rss_bytes 5" in text
    assert "tif" not in text
    assert figures.failures() == ({"input": "b.tif", "error": "cut"},)
    figures.count(ScanResult("b.tif", status="ok"))
    assert figures.failures() == ()


def test_requests_for_the_metrics_at_once_count_a_restart_once() -> None:
    """Each has a thread of its own, and the number that it read may be old by then."""
    made = Figures().metrics
    assert made is not None
    second = threading.Thread(target=made.text, args=(0, 0, 2))
    gauge = made._queue

    class Between:
        """The second request comes while the first one is answered."""

        def set(self, value: float) -> None:
            made._queue = gauge
            second.start()
            second.join(0.2)  # it ends, or waits for the first one
            gauge.set(value)

    made._queue = Between()
    made.text(0, 0, 1)
    second.join()
    assert b"divere_restarts_total 2.0" in made.text(0, 0, 2)
    assert b"divere_restarts_total 2.0" in made.text(0, 0, 1)


def test_a_command_gets_the_result_and_never_holds_up(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')"
    hooks = commands.Hooks(commands.Commands(done=(sys.executable, "-c", script)))
    hooks.enqueue(ScanResult("a'; rm -rf b.tif", status="ok"))
    hooks.enqueue(ScanResult("c.tif", status="failed"))
    hooks.close(240.0)
    (line,) = told.read_text().splitlines()
    assert json.loads(line)["input"] == "a'; rm -rf b.tif"


def test_a_command_that_hangs_or_does_not_exist_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    sleep = (sys.executable, "-c", "import time; time.sleep(600)")
    slow = commands.Hooks(commands.Commands(done=sleep), seconds=0.2)
    slow.enqueue(ScanResult("a.tif", status="ok"))
    slow.close(240.0)
    none = commands.Hooks(commands.Commands(failure=("/no/such/command",)))
    none.enqueue(ScanResult("b.tif", status="failed"))
    none.close(240.0)
    assert "longer than" in caplog.text
    assert "cannot be run" in caplog.text
    with pytest.raises(UsageError):
        commands.split("--on-done", "say 'hello")
