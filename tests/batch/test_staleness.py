"""What counts as up to date."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

from divere_cli.batch import staleness
from divere_cli.batch.journal.state import State
from divere_cli.batch.ownership import Ownership
from divere_cli.batch.staleness import Staleness
from divere_cli.records.job import Encoding, Stamp
from tests.batch.lab import ENCODING, Chooser, Lab

SECOND = 10**9


def decider(lab: Lab, **changes: object) -> Staleness:
    """Return what decides without an OUTPUT, at second 140."""
    ownership = Ownership(State(), None, overwrite=False)
    return Staleness(lab.request(**changes), State(), None, ownership, now_ns=140 * SECOND)


CUT = ("a.tif", (0.0, 0.0, 1.0, 1.0), 0, "sha")


def test_the_key_contains_everything_that_determines_an_output() -> None:
    keys = [
        staleness.key([CUT], "", ENCODING),
        staleness.key([CUT, CUT], "", ENCODING),
        staleness.key([("b.tif", *CUT[1:])], "", ENCODING),
        staleness.key([("a.tif", (0.0, 0.0, 1.0, 0.5), 0, "sha")], "", ENCODING),
        staleness.key([("a.tif", CUT[1], 90, "sha")], "", ENCODING),
        staleness.key([("a.tif", CUT[1], 0, "other")], "", ENCODING),
        staleness.key([CUT], "a-ir.tif", ENCODING),
        *(staleness.key([CUT], "", changed) for changed in encodings()),
    ]
    assert len(set(keys)) == len(keys)


def encodings() -> list[Encoding]:
    other = replace(ENCODING.color_space, name="Other")
    changes: list[dict[str, object]] = [
        {"format": "png"},
        {"bit_depth": 8},
        {"color_space": other},
        {"compression": "lzw"},
        {"quality": 90},
        {"dither": True},
        {"metadata": False},
        {"infrared": "sidecar"},
    ]
    return [replace(ENCODING, **change) for change in changes]  # type: ignore[arg-type]


def test_the_key_is_the_same_each_time() -> None:
    assert staleness.key([CUT], "", ENCODING) == staleness.key([CUT], "", ENCODING)
    name = os.fsdecode(b"\xff.tif")
    assert staleness.key([(name, *CUT[1:])], "", ENCODING)


@pytest.mark.parametrize("harm", ["gone", "shorter", "touched"])
def test_an_output_that_is_not_as_recorded_is_not_up_to_date(lab: Lab, harm: str) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    path = lab.outputs / "a.tif"
    if harm == "gone":
        path.unlink()
    elif harm == "shorter":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        os.utime(path, (1, 1))
    report = lab.run()
    expected = {"gone": "ok", "shorter": "kept", "touched": "up_to_date"}[harm]
    assert lab.statuses(report) == {"a.tif": expected, "b.tif": "up_to_date"}


def test_an_upgrade_grades_nothing_again_and_counts_what_an_earlier_grade_made(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif")
    lab.run()
    monkeypatch.setattr("divere_cli.batch.failures.__version__", "99")
    monkeypatch.setattr(staleness, "GRADE", 2)
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "up_to_date"}
    assert report.files[0].notes == (staleness.EARLIER_GRADE,)
    assert lab.statuses(lab.run(force=True)) == {"a.tif": "ok"}


def test_same_size_other_bytes_other_time_is_graded_again(lab: Lab) -> None:
    path = lab.scan("a.tif")
    lab.run()
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    lab.scan("a.tif", bytes(data))
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}


@pytest.mark.parametrize("days", [-400, -30, 30, 400])
def test_jumps_of_the_clock_have_no_effect(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    before = lab.positives()
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + days * 86400)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + days * 86400 * 10**9)
    assert set(lab.statuses(lab.run()).values()) == {"up_to_date"}
    assert set(lab.statuses(lab.run(settle_seconds=60.0, force=True)).values()) == {"deferred"}
    assert lab.run(force=True).exit_code == 0
    assert lab.positives() == before


def test_a_profile_that_comes_back_is_graded_again(lab: Lab) -> None:
    lab.scans("a.tif")
    for profile in ("one", "two", "one"):
        assert lab.statuses(lab.run(chooser=Chooser(profile))) == {"a.tif": "ok"}


@pytest.mark.parametrize(
    ("mtime", "ctime", "unsettled"),
    [(100, 100, False), (135, 100, True), (100, 135, True), (130, 130, False), (999, 100, False)],
)
def test_both_times_of_a_scan_count_and_future_times_are_ignored(
    lab: Lab, mtime: int, ctime: int, unsettled: bool
) -> None:
    stale = decider(lab, settle_seconds=10.0)
    assert stale._unsettled(Stamp(1, mtime * SECOND, ctime * SECOND)) is unsettled


def test_no_settle_defers_nothing(lab: Lab) -> None:
    stale = decider(lab)
    assert not stale._unsettled(Stamp(1, 140 * SECOND, 140 * SECOND))


def test_the_clock_is_that_of_the_file_system(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    from divere_cli.files.output_folder import Folder

    folder = Folder.open(str(lab.outputs), create=False)
    assert folder is not None
    now = staleness.now_ns(folder)
    assert now == (lab.outputs / ".divere-lock").stat().st_mtime_ns
    assert abs(now - staleness.now_ns(None)) < 60 * SECOND
    (lab.outputs / ".divere-lock").unlink()
    assert staleness.now_ns(folder) > 0
    folder.close()


def test_a_scan_that_cannot_be_graded_fails_at_once(lab: Lab) -> None:
    lab.scan("text.tif", b"hello")
    from divere_cli.batch import discover, plan

    request = lab.request()
    found = discover.find(request.inputs, request.outputs.folder)
    (only,) = plan.make(request, found, State(), None)
    settled = decider(lab).settle(only)
    assert settled.action == "fail"
    assert settled.error is only.error
