"""The service's loop: which files it grades, and how it handles failures."""

from __future__ import annotations

import errno
import gc
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from divere_cli.batch import grading
from divere_cli.errors import NoSpace, Unreadable
from divere_cli.isolation.runner import Progress
from divere_cli.records.job import Job
from divere_cli.records.outcome import Incident, TaskResult
from divere_cli.service import loop
from divere_cli.service.settling import AGAIN_SECONDS, PATIENCE
from tests.batch import tasks
from tests.batch.lab import Bench, recipe
from tests.batch.tiffs import tiff
from tests.service.rig import Rig


def made(rig: Rig) -> list[str]:
    return sorted(rig.lab.positives())


def test_a_scan_is_graded_once_when_it_has_settled(rig: Rig) -> None:
    rig.lab.scans("a.tif", "sub/b.tif")
    rig.turn()
    assert made(rig) == []
    rig.turn(9.0)
    assert made(rig) == []
    rig.turn(1.0)
    assert made(rig) == ["a.tif", "sub/b.tif"]
    for _ in range(3):
        rig.turn(20.0)
    assert len(rig.reports) == 1
    assert rig.figures.snapshot.done == 2


def test_a_scan_that_changes_after_it_settled_is_not_taken(rig: Rig) -> None:
    """It changes between the last look and the walk of the batch."""
    scan = rig.lab.scan("a.tif")
    rig.lab.scan("b.tif")
    other = tiff(16, 12)
    rig.before_batch = lambda: scan.write_bytes(other)
    rig.settle()
    assert made(rig) == ["b.tif"]
    rig.before_batch = lambda: None
    rig.settle()
    assert made(rig) == ["a.tif", "b.tif"]
    assert rig.lab.positives()["a.tif"] == tasks.positive(other, recipe().sha256)


def test_a_bad_scan_is_tried_once_and_holds_up_no_other(rig: Rig) -> None:
    bad = rig.lab.scan("bad.png", b"\x89PNG\r\n\x1a\n" + b"nonsense" * 9)
    rig.lab.scan("good.tif")
    rig.settle()
    assert made(rig) == ["good.tif"]  # the bad one may still become complete
    rig.turn(PATIENCE)
    assert rig.figures.snapshot.failed == 1
    (known,) = rig.figures.failures()
    assert known["input"] == "bad.png"
    batches = len(rig.reports)
    for _ in range(3):
        rig.turn(100.0)
    assert len(rig.reports) == batches
    assert rig.get("/readyz") == 200
    bad.unlink()
    rig.turn(5.0)
    assert rig.figures.failures() == ()


def test_a_scan_that_crashes_its_worker_is_tried_three_times_until_it_changes(rig: Rig) -> None:
    rig.lab.bench.script = {"bad.tif": ["crashed"] * 99}
    bad = rig.lab.scan("bad.tif")
    rig.lab.scans("a.tif", "c.tif")
    rig.settle()
    assert made(rig) == ["a.tif", "c.tif"]
    assert len(rig.lab.bench.script["bad.tif"]) == 96
    rig.turn(100.0)
    rig.restart()  # also then: it is known
    rig.settle()
    assert rig.statuses()[-1]["bad.tif"] == "known_failure"
    assert rig.figures.snapshot.failed == 1
    assert len(rig.lab.bench.script["bad.tif"]) == 96
    rig.lab.bench.script.clear()
    bad.write_bytes(tiff(10, 10))
    rig.settle()
    assert made(rig) == ["a.tif", "bad.tif", "c.tif"]
    assert rig.figures.snapshot.failed == 0


def test_many_crashes_in_a_row_leave_the_others_for_the_next_batch(rig: Rig) -> None:
    rig.lab.bench.script = {f"bad-{n}.tif": ["crashed"] * 99 for n in range(3)}
    rig.lab.scans("bad-0.tif", "bad-1.tif", "bad-2.tif", "good.tif")
    rig.settle()
    assert made(rig) == []
    rig.turn(5.0)
    assert made(rig) == ["good.tif"]
    assert rig.figures.snapshot.failed == 3


def test_an_output_that_is_full_is_waited_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at the seam: a worker cannot write, and OUTPUT has no room."""
    rig.lab.scans("a.tif", "b.tif")
    full = [True]

    def copy(job: Job, progress: Progress) -> TaskResult:
        if full[0]:
            raise NoSpace("no space left on the device")
        return whole(job, progress)

    whole = tasks.copy
    monkeypatch.setattr(tasks, "copy", copy)
    monkeypatch.setattr(grading, "_nearly_full", lambda *_: full[0])
    rig.settle()
    assert rig.state == "waiting"
    assert "no space" in rig.figures.snapshot.problem
    assert (rig.get("/readyz"), rig.get("/healthz")) == (503, 200)
    assert rig.figures.restarts == 1
    _waits_longer(rig)
    full[0] = False
    rig.turn(loop.LONGEST_PAUSE)
    assert made(rig) == ["a.tif", "b.tif"]
    assert rig.get("/readyz") == 200


def _waits_longer(rig: Rig) -> None:
    """It tries again after 5 s, then after 10 s, and so on."""
    tried = len(rig.reports)
    rig.turn(loop.FIRST_PAUSE - 1.0)
    assert len(rig.reports) == tried
    rig.turn(1.0)
    assert len(rig.reports) == tried + 1
    rig.turn(loop.FIRST_PAUSE)
    assert len(rig.reports) == tried + 1
    rig.turn(loop.FIRST_PAUSE)
    assert len(rig.reports) == tried + 2


def test_an_output_that_goes_away_is_not_made_anew(rig: Rig) -> None:
    rig.lab.scan("a.tif")
    rig.settle()
    away = rig.lab.outputs.with_name("unmounted")
    rig.lab.outputs.rename(away)
    rig.lab.scan("b.tif")
    rig.turn(5.0)
    assert "OUTPUT" in rig.figures.snapshot.problem
    assert (rig.get("/readyz"), rig.get("/healthz")) == (503, 200)
    rig.lab.outputs.mkdir()  # the empty mount point of a share that is not mounted
    for _ in range(3):
        rig.turn(loop.LONGEST_PAUSE)
    assert list(rig.lab.outputs.iterdir()) == []
    rig.lab.outputs.rmdir()
    away.rename(rig.lab.outputs)
    rig.turn(loop.LONGEST_PAUSE)
    rig.settle()
    assert made(rig) == ["a.tif", "b.tif"]
    assert rig.get("/readyz") == 200


def test_an_input_that_goes_away_is_waited_for(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.lab.scan("a.tif")
    rig.settle()
    away = rig.lab.inputs.with_name("unmounted")
    rig.lab.inputs.rename(away)
    for _ in range(4):
        rig.turn(loop.LONGEST_PAUSE)
    assert "INPUT" in rig.figures.snapshot.problem
    assert (rig.get("/readyz"), rig.get("/healthz")) == (503, 200)
    assert len([each for each in caplog.messages if "INPUT" in each]) == 1, "said once"
    away.rename(rig.lab.inputs)
    rig.lab.scan("b.tif")
    rig.turn(loop.LONGEST_PAUSE)
    rig.settle()
    assert made(rig) == ["a.tif", "b.tif"]
    assert rig.statuses() == [{"a.tif": "ok"}, {"b.tif": "ok"}]
    assert rig.get("/readyz") == 200


@pytest.mark.parametrize("years", [-30, 30])
def test_a_wall_clock_that_jumps_changes_nothing(
    rig: Rig, years: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump = years * 365.25 * 86400
    now, now_ns = time.time, time.time_ns
    rig.lab.scan("a.tif")
    rig.turn()
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + int(jump * 1e9))
    later = rig.lab.scan("b.tif")
    os.utime(later, (now() + jump, now() + jump))
    rig.turn(5.0)
    assert made(rig) == []
    rig.turn(5.0)
    assert made(rig) == ["a.tif"]
    rig.turn(5.0)
    assert made(rig) == ["a.tif", "b.tif"]
    monkeypatch.undo()
    for _ in range(3):
        rig.turn(20.0)
    assert len(rig.reports) == 2


def test_the_loop_is_alive_while_scans_are_in_work(rig: Rig) -> None:
    ages: list[tuple[int, int]] = []

    def work(job: Job) -> None:
        rig.clock.ahead += 14.0  # each scan takes almost as long as the loop may stand still
        before = rig.get("/healthz")
        rig.clock.ahead += 2.0
        ages.append((before, rig.get("/healthz")))

    rig.lab.bench.before = work
    rig.lab.scans("a.tif", "b.tif", "c.tif")
    rig.settle()
    assert ages == [(200, 503)] * 3, "16 s without a turn is dead, each new scan is a turn"
    assert rig.get("/healthz") == 200


def test_planning_many_scans_beats_the_pulse(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.lab.scans(*(f"{n}.tif" for n in range(5)))
    choose, seen = rig.lab.chooser.choose, []

    def slow(path: str, header: object) -> object:
        rig.clock.ahead += 10.0
        seen.append(rig.get("/healthz"))
        return choose(path, header)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.lab.chooser, "choose", slow)
    rig.settle()
    assert seen == [200] * 5
    assert len(made(rig)) == 5


def test_a_bug_in_a_batch_is_survived_and_counted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig.lab.scan("a.tif")

    def bug(path: str, header: object) -> object:
        raise RuntimeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(rig.lab.chooser, "choose", bug)
        rig.settle()
    assert made(rig) == []
    assert rig.state == "waiting"
    assert rig.figures.restarts == 1
    assert "a bug" in caplog.text
    rig.turn(loop.LONGEST_PAUSE)
    assert made(rig) == ["a.tif"]
    assert rig.state == "watching"


def test_forkservers_that_died_are_counted(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    died = Incident(0.0, "forkserver", "it was killed", 1)
    monkeypatch.setattr(Bench, "incidents", property(lambda _: (died, died)))
    rig.lab.scan("a.tif")
    rig.settle()
    assert made(rig) == ["a.tif"]
    assert rig.figures.restarts == 2
    rig.revive.append(lambda: 1)  # a thread that died is counted, too
    rig.turn()
    assert rig.figures.restarts == 3


def test_a_failure_that_may_pass_is_tried_again_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan that its scanner still locks, say; whoever is told of failures is told once."""
    whole, locked, told = tasks.copy, [True], []

    def copy(job: Job, progress: Progress) -> TaskResult:
        if locked[0]:
            raise Unreadable("permission denied")
        return whole(job, progress)

    monkeypatch.setattr(tasks, "copy", copy)
    monkeypatch.setattr(rig.hooks, "enqueue", lambda result: told.append(result.status))
    rig.lab.scan("a.tif")
    rig.settle()
    rig.turn(AGAIN_SECONDS - 20.0)
    assert len(rig.reports) == 1
    assert rig.figures.snapshot.failed == 1
    rig.turn(20.0)
    assert len(rig.reports) == 2
    assert told == ["failed"]
    locked[0] = False
    rig.turn(AGAIN_SECONDS + 1.0)
    assert made(rig) == ["a.tif"]
    assert told == ["failed", "ok"]
    assert rig.figures.failures() == ()


def test_the_queue_is_shown_as_it_shrinks(rig: Rig) -> None:
    seen: list[tuple[int, int, tuple[str, ...]]] = []

    def look(job: Job) -> None:
        snapshot = rig.figures.snapshot
        seen.append((snapshot.in_work, snapshot.waiting, snapshot.queue))

    rig.lab.bench.before = look
    rig.lab.scans("a.tif", "b.tif", "sub/c.tif")
    rig.settle()
    names = ("a.tif", "b.tif", "sub/c.tif")
    assert seen == [(3, 0, names), (2, 0, names[1:]), (1, 0, names[2:])]
    rig.turn()
    assert rig.figures.snapshot.queue == ()


def test_excluded_files_rest(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    options = rig.watch._options
    rig.lab.scans("a.tif", "draft-b.tif")

    inputs = replace(options.request.inputs, exclude=("draft-*",))
    without = replace(options, request=replace(options.request, inputs=inputs))
    monkeypatch.setattr(rig.watch, "_build", lambda again: without)
    rig.settle()
    for _ in range(3):
        rig.turn(20.0)
    assert made(rig) == ["a.tif"]
    assert len(rig.reports) == 1, "it is not planned again and again"


def test_a_journal_that_cannot_be_written_is_waited_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.lab.scan("a.tif")
    sync = os.fsync

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    monkeypatch.setattr(os, "fdatasync", fails, raising=False)
    rig.settle()
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.undo()
    assert rig.state == "waiting"
    rig.turn(loop.LONGEST_PAUSE)
    rig.turn(5.0)
    assert made(rig) == ["a.tif"]


@pytest.mark.parametrize("there", [False, True])
def test_presets_that_change_have_their_scans_graded_again(rig: Rig, there: bool) -> None:
    presets = Path(rig.lab.inputs / "divere_presets.json")
    if there:
        presets.write_text("{}")
    rig.lab.scan("a.tif")
    rig.settle()
    rig.lab.chooser.profile = "another"
    presets.write_text(json.dumps({"a.tif": {}}))
    before = rig.lab.positives()
    rig.settle()
    assert rig.lab.positives().keys() == before.keys()
    assert rig.lab.positives() != before


@pytest.mark.slow
def test_memory_and_descriptors_stay_flat_over_5000_scans(rig: Rig) -> None:
    """The service's side of 5,000 scans in 20 lots; the second half beside the first."""
    own, sizes, files = psutil.Process(), [], []
    for lot in range(20):
        for number in range(250):
            rig.lab.scan(f"{lot:02}/{number:03}.tif")
        rig.settle()
        for kept in (rig.reports, rig.events, rig.lab.chooser.asked, rig.lab.bench.limits):
            kept.clear()  # the test's own
        gc.collect()
        sizes.append(own.memory_info().rss)
        files.append(own.num_fds() if hasattr(own, "num_fds") else 0)
    assert rig.figures.snapshot.done == 5000
    print([round(size / 1e6, 1) for size in sizes], files)  # noqa: T201
    assert len(set(files)) == 1
    grown = max(sizes[10:]) - max(sizes[:10])
    assert grown < 2e6, "0.1 kB a scan are needed"
