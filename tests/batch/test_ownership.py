"""What is in the way, and what is too young."""

from __future__ import annotations

import os

import pytest

from divere_cli.batch import ownership
from divere_cli.batch.journal.state import State
from divere_cli.batch.plan import Draft
from divere_cli.records.job import Stamp
from tests.batch.lab import Lab

SECOND = 10**9


@pytest.mark.parametrize(
    ("mtime", "ctime", "unsettled"),
    [(100, 100, False), (135, 100, True), (100, 135, True), (130, 130, False), (999, 100, False)],
)
def test_a_scan_settles_by_both_times_and_the_future_says_nothing(
    lab: Lab, mtime: int, ctime: int, unsettled: bool
) -> None:
    request = lab.request(settle_seconds=10.0)
    judge = ownership.Judge(request, State(), None, now_ns=140 * SECOND)
    assert judge._unsettled(Stamp(1, mtime * SECOND, ctime * SECOND)) is unsettled


def test_no_settle_defers_nothing(lab: Lab) -> None:
    judge = ownership.Judge(lab.request(), State(), None, now_ns=140 * SECOND)
    assert not judge._unsettled(Stamp(1, 140 * SECOND, 140 * SECOND))


def test_the_clock_is_the_file_systems(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    from divere_cli.files.output_folder import Folder

    folder = Folder.open(str(lab.outputs), create=False)
    assert folder is not None
    now = ownership.now_ns(folder)
    assert now == (lab.outputs / ".divere-lock").stat().st_mtime_ns
    assert abs(now - ownership.now_ns(None)) < 60 * SECOND
    (lab.outputs / ".divere-lock").unlink()
    assert ownership.now_ns(folder) > 0
    folder.close()


@pytest.mark.parametrize("name", ["A.TIF", "a.Tif", "\u00e9.tif"])
def test_a_twin_that_no_run_recorded_is_in_the_way(lab: Lab, name: str) -> None:
    scan = "e\u0301.tif" if name == "\u00e9.tif" else "a.tif"
    lab.scans(scan)
    lab.outputs.mkdir()
    (lab.outputs / name).write_bytes(b"mine")
    report = lab.run()
    if (lab.outputs / scan).exists():
        pytest.skip("this file system takes them for one")
    assert lab.kinds(report) == {scan: "output_exists"}
    assert lab.run(overwrite=True).exit_code == 0
    assert (lab.outputs / name).read_bytes() == b"mine"


def test_a_twin_of_our_own_is_not_in_the_way(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    os.rename(lab.inputs / "a.tif", lab.inputs / "A.tif")
    assert lab.statuses(lab.run()) == {"A.tif": "ok"}


def test_what_cannot_be_graded_is_judged_at_once(lab: Lab) -> None:
    lab.scan("text.tif", b"hello")
    from divere_cli.batch import discover, plan

    request = lab.request()
    found = discover.find(request.inputs, request.outputs.folder)
    (only,) = plan.make(request, found, State(), None)
    said = ownership.Judge(request, State(), None, 0).judge(only)
    assert said.action == "fail"
    assert isinstance(only, Draft)
    assert said.error is only.error
