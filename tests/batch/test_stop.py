"""Signals: in order, with a report, and nothing left behind."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from divere_cli.batch import run
from divere_cli.batch.stop import Stop
from divere_cli.errors import NoSpaceLeft
from divere_cli.records.history import RunFigures
from divere_cli.system.signals import StopRequest
from tests.batch import processes
from tests.batch.lab import Lab

HANG = ("--runner", "process", "--task", "tests.batch.tasks:misbehave")


@pytest.fixture
def hanging(lab: Lab) -> Lab:
    """The second of three scans never ends."""
    lab.scans("a.tif", "hangs-b.tif", "z.tif")
    return lab


def at_work(lab: Lab) -> bool:
    return (lab.inputs / "hangs-b.began").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_in_order_with_a_report(hanging: Lab, number: int, code: int) -> None:
    with processes.driver(hanging, *HANG, "--grace", "0.3") as process:
        processes.until(lambda: at_work(hanging), "the scan never began")
        workers = processes.descendants(process)
        os.killpg(process.pid, number)
        exit_code, report = processes.finish(process)
    assert exit_code == code == report["exit_code"]
    words = {"a.tif": "ok", "hangs-b.tif": "interrupted", "z.tif": "interrupted"}
    assert processes.statuses(report) == words
    assert json.loads(hanging.report_path.read_text()) == report
    assert "Traceback" not in (hanging.root / "stderr").read_text()
    processes.until(lambda: not processes.alive(workers), "workers live on")
    assert hanging.positives().keys() == {"a.tif"}


def test_a_second_int_ends_at_once(hanging: Lab) -> None:
    with processes.driver(hanging, *HANG, "--grace", "3600") as process:
        processes.until(lambda: at_work(hanging), "the scan never began")
        process.send_signal(signal.SIGINT)
        processes.until(
            lambda: "RunStopping" in (hanging.root / "stderr").read_text(), "not stopping"
        )
        process.send_signal(signal.SIGINT)
        exit_code, report = processes.finish(process)
    assert exit_code == 130
    assert processes.statuses(report)["hangs-b.tif"] == "interrupted"
    assert hanging.positives().keys() == {"a.tif"}


def test_a_hangup_under_nohup_is_ignored(hanging: Lab) -> None:
    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with processes.driver(hanging, *HANG, "--grace", "0.1", preexec_fn=nohup) as process:
        processes.until(lambda: at_work(hanging), "the scan never began")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        exit_code, _ = processes.finish(process)
    assert exit_code == 143


def test_a_killed_batch_leaves_no_worker_no_lock_and_goes_on(hanging: Lab) -> None:
    with processes.driver(hanging, *HANG) as process:
        processes.until(lambda: at_work(hanging), "the scan never began")
        processes.until(lambda: (hanging.outputs / "a.tif").exists(), "no positive")
        workers = processes.descendants(process)
        assert workers
        process.kill()
        process.wait()
        processes.gone(workers)
    expected = processes.undisturbed(hanging)
    assert hanging.positives()["a.tif"] == expected["a.tif"]
    processes.settled(hanging, expected)


@pytest.mark.parametrize("variant", [""])
def test_a_killed_batch_leaves_no_worker_in_c_code(lab: Lab, variant: str) -> None:
    lab.scans("deaf-a.tif")
    with processes.driver(lab, *HANG, "--start-method", "fork", "--variant", variant) as process:
        processes.until(lambda: (lab.inputs / "deaf-a.began").exists(), "the scan never began")
        workers = processes.descendants(process)
        assert workers
        process.kill()
        process.wait()
        try:
            processes.gone(workers)
        finally:
            for worker in processes.alive(workers):
                worker.kill()


def test_a_batch_killed_at_any_moment_loses_nothing(lab: Lab) -> None:
    lab.scans(*(f"{i}.tif" for i in range(8)))
    expected = processes.undisturbed(lab)
    moments = random.Random(7)
    for _ in range(6):
        with processes.driver(lab) as process:
            processes.until(lambda: lab.outputs.exists() or process.poll() is not None, "no start")
            time.sleep(moments.uniform(0, 0.03))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for name, data in lab.positives().items():
            if not name.startswith(".divere-tmp-"):
                assert data == expected[name]
    processes.settled(lab, expected)


def test_an_int_at_any_moment_ends_in_order(lab: Lab) -> None:
    lab.scans(*(f"{i}.tif" for i in range(40)))
    expected = processes.undisturbed(lab)
    moments = random.Random(11)
    log = lab.root / "stderr"
    for _ in range(5):
        with processes.driver(lab) as process:
            processes.until(lambda: "RunStarted" in log.read_text(), "no start")
            time.sleep(moments.uniform(0, 0.05))
            process.send_signal(signal.SIGINT)
            exit_code, report = processes.finish(process)
        assert exit_code in (0, 130)
        assert exit_code == report["exit_code"]
        assert "Traceback" not in log.read_text()
        for name, data in lab.positives().items():
            assert data == expected[name]
        lab.report_path.unlink()
    processes.settled(lab, expected)


@pytest.mark.parametrize("limit", [24, 40])
def test_too_few_open_files_mean_fewer_scans_at_once(lab: Lab, limit: int) -> None:
    lab.scans(*(f"{i}.tif" for i in range(4)))
    expected = processes.undisturbed(lab)

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    with processes.driver(lab, "--runner", "process", "--jobs", "8", preexec_fn=few) as process:
        exit_code, _ = processes.finish(process)
    assert exit_code in (0, 3, 15)
    processes.settled(lab, expected)


@pytest.mark.parametrize("stream", ["stdout", "stderr", "stdin"])
def test_a_closed_stream_never_becomes_an_output(lab: Lab, stream: str) -> None:
    lab.scans("a.tif", "b.tif")
    expected = processes.undisturbed(lab)
    number = {"stdin": 0, "stdout": 1, "stderr": 2}[stream]
    close = f"exec {' '.join(processes.command(lab))} {number}>&-"
    done = subprocess.run(["bash", "-c", close], cwd=processes.ROOT, check=False, timeout=250)
    assert done.returncode in (0, 1)
    assert {k: v for k, v in lab.positives().items() if v != expected.get(k)} == {}
    processes.settled(lab, expected)


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Signals that the run of this test has received; append to it to send one."""
    signals: list[int] = []
    made = Stop.__init__

    def listening(self: Stop, request: StopRequest, *rest: Any) -> None:
        request.received = signals
        made(self, request, *rest)

    monkeypatch.setattr(Stop, "__init__", listening)
    return signals


def test_an_int_while_the_last_scan_is_finished_ends_a_run_that_is_complete(
    lab: Lab, received: list[int]
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.bench.after = lambda job: received.extend([signal.SIGINT] * (job.name == "b.tif"))
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "ok", "b.tif": "ok"}
    assert (report.exit_code, report.stopped) == (0, "")


def test_an_int_before_the_last_scan_ends_the_run_by_the_signal(
    lab: Lab, received: list[int]
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.bench.after = lambda job: received.extend([signal.SIGINT] * (job.name == "a.tif"))
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "ok", "b.tif": "interrupted"}
    assert (report.exit_code, report.stopped) == (130, "SIGINT received")


@pytest.mark.parametrize(("name", "code"), [("a.tif", 0), ("bad.tif", 3)])
def test_an_int_after_the_last_scan_leaves_the_exit_code_of_the_scans(
    lab: Lab, received: list[int], monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    lab.scan(name, b"no picture" if code else None)
    figures = run.history.figures

    def interrupted(*files: Any, **facts: Any) -> RunFigures:
        received.append(signal.SIGTERM)
        return figures(*files, **facts)

    monkeypatch.setattr(run.history, "figures", interrupted)
    lab.scan("other.tif")
    report = lab.run()
    assert received == [signal.SIGTERM]
    assert (report.exit_code, report.stopped) == (code, "")
    assert json.loads(lab.report_path.read_text())["exit_code"] == code


def test_a_second_int_after_the_last_scan_still_hurries_the_workers() -> None:
    stop = Stop(StopRequest([signal.SIGINT, signal.SIGINT]), 10.0)
    assert stop.stopping
    stop.complete()
    assert (stop.signal, stop.stopping, stop.reason) == (None, False, "")
    assert stop.kill_grace == 0


def test_a_complete_run_keeps_a_reason_that_is_no_signal() -> None:
    stop = Stop(StopRequest([signal.SIGINT]), 10.0)
    stop.reason = "5 scans failed"
    stop.complete()
    assert (stop.signal, stop.stopping) == (None, True)


class Clock:
    """A clock that is told the time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_patience_is_counted_from_the_signal() -> None:
    clock, request = Clock(), StopRequest()
    stop = Stop(request, 10.0, clock)
    assert not stop.stopping
    clock.now = 100.0
    request.received.append(signal.SIGTERM)
    assert stop.stopping
    assert stop.reason == "SIGTERM received"
    assert not stop.abandon
    assert stop.kill_grace > 0
    clock.now = 110.0
    assert stop.abandon


def test_a_second_signal_ends_patience() -> None:
    request = StopRequest([signal.SIGINT, signal.SIGINT])
    stop = Stop(request, 10.0)
    assert stop.abandon
    assert stop.kill_grace == 0
    assert stop.signal == signal.SIGINT


def test_trouble_ends_the_run_at_once_and_the_first_reason_is_kept() -> None:
    stop = Stop(StopRequest(), 10.0)
    stop.because("5 scans failed")
    assert not stop.abandon
    stop.fatal(NoSpaceLeft("full"))
    assert stop.abandon
    assert stop.reason == "5 scans failed"
    assert stop.error is not None


def test_a_pause_ends_with_a_signal() -> None:
    stop = Stop(StopRequest(), 10.0)
    assert stop.pause(0.001)
    assert not Stop(StopRequest([2]), 10.0).pause(3600)


def test_a_pause_obeys_ctrl_z(monkeypatch: pytest.MonkeyPatch) -> None:
    request, obeyed = StopRequest(suspended=True), []
    monkeypatch.setattr("divere_cli.batch.stop.suspend", lambda *how: obeyed.append(how))
    assert Stop(request, 10.0).pause(0.001)
    assert obeyed == [(request, [])]


def test_a_folder_for_undisturbed_runs_is_separate(lab: Lab) -> None:
    lab.scans("a.tif")
    assert set(processes.undisturbed(lab)) == {"a.tif"}
    assert not Path(lab.outputs).exists()
