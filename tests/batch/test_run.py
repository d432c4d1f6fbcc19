"""Whole batches, from request to report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.batch.dry_run import preview
from divere_cli.batch.run import run
from divere_cli.errors import InputMissing, OutputUnusable, PlanError, ProfileError
from divere_cli.records.events import RunStarted, ScanFinished, ScanStarted
from tests.batch import tasks
from tests.batch.lab import Chooser, Lab, check


def test_every_scan_becomes_a_positive_and_is_recorded(lab: Lab) -> None:
    lab.scans("a.tif", "roll 2/b.tif")
    report = lab.run()
    assert report.exit_code == 0
    assert lab.statuses(report) == {"a.tif": "ok", "roll 2/b.tif": "ok"}
    scan = (lab.inputs / "roll 2/b.tif").read_bytes()
    sha = lab.chooser.choose("", None).frames[0].recipe.sha256  # type: ignore[arg-type]
    assert lab.positives()["roll 2/b.tif"] == tasks.positive(scan, sha)
    assert lab.positives().keys() == {"a.tif", "roll 2/b.tif"}


def test_a_second_run_does_nothing(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    before = (lab.outputs / ".divere-journal.jsonl").read_bytes()
    report = lab.run()
    assert set(lab.statuses(report).values()) == {"up_to_date"}
    assert lab.bench.opened == 1
    assert (lab.outputs / ".divere-journal.jsonl").read_bytes() == before
    assert report.files[0].outputs == ("a.tif",)
    assert (report.files[0].width, report.files[0].height) == (8, 6)


def test_events_follow_the_run_in_order(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    (lab.outputs / "a.tif").unlink()
    lab.run()
    kinds = [type(event) for event in lab.events]
    assert kinds == [RunStarted, ScanFinished, ScanStarted, ScanFinished]
    started = lab.events[0]
    assert isinstance(started, RunStarted)
    assert (started.total, started.todo) == (2, 1)


def test_nothing_to_do_is_fine(lab: Lab) -> None:
    report = lab.run()
    assert report.exit_code == 0
    assert report.files == ()
    assert lab.report_path.exists()


def test_a_bad_scan_fails_alone(lab: Lab) -> None:
    lab.scans("a.tif", "c.tif")
    lab.scan("b.tif", b"hello, this is text")
    report = lab.run()
    assert report.exit_code == 3
    assert lab.kinds(report) == {"b.tif": "unsupported"}
    assert lab.positives().keys() == {"a.tif", "c.tif"}


def test_a_run_after_a_change_grades_what_changed(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    lab.scan("b.tif", lab.scan("c.tif").read_bytes())
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "up_to_date", "b.tif": "ok", "c.tif": "ok"}


def test_a_touched_scan_is_recognized_by_its_content(lab: Lab) -> None:
    path = lab.scan("a.tif")
    lab.run()
    os.utime(path, (1, 1))
    assert lab.statuses(lab.run()) == {"a.tif": "up_to_date"}
    assert lab.state().done["a.tif"].stamp.mtime_ns == 1_000_000_000


def test_force_grades_again_what_is_up_to_date(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    assert lab.statuses(lab.run(force=True)) == {"a.tif": "ok"}


def test_another_profile_grades_again_and_replaces_its_own(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    before = lab.positives()["a.tif"]
    report = lab.run(chooser=Chooser("other"))
    assert lab.statuses(report) == {"a.tif": "ok"}
    assert lab.positives()["a.tif"] != before


@pytest.mark.parametrize("content", [b"a print of mine", b""])
def test_an_output_that_no_run_recorded_is_never_replaced(lab: Lab, content: bytes) -> None:
    lab.scans("a.tif", "b.tif")
    lab.outputs.mkdir()
    (lab.outputs / "a.tif").write_bytes(content)
    report = lab.run()
    assert report.exit_code == 3
    assert lab.kinds(report) == {"a.tif": "output_exists"}
    assert (lab.outputs / "a.tif").read_bytes() == content
    assert lab.statuses(lab.run(overwrite=True)) == {"a.tif": "ok", "b.tif": "up_to_date"}


def test_a_retouched_positive_is_never_replaced(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    (lab.outputs / "a.tif").write_bytes(b"hours of work")
    report = lab.run(force=True)
    assert lab.statuses(report) == {"a.tif": "kept"}
    assert "changed since" in report.files[0].warnings[0]
    assert (lab.outputs / "a.tif").read_bytes() == b"hours of work"
    again = lab.run()
    assert (again.exit_code, lab.statuses(again)) == (0, {"a.tif": "kept"})
    assert again.files[0].warnings == (), "named once"
    assert lab.statuses(lab.run(overwrite=True)) == {"a.tif": "ok"}
    assert lab.statuses(lab.run()) == {"a.tif": "up_to_date"}


def test_a_positive_of_another_folder_of_scans_is_never_replaced(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    other = Lab(lab.root / "other")
    other.scan("a.tif", lab.scan("x.tif").read_bytes())
    (lab.inputs / "x.tif").unlink()
    report = lab.run(paths=(str(other.inputs),))
    assert lab.kinds(report) == {"a.tif": "output_exists"}


def test_a_moved_archive_is_still_up_to_date(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    moved = lab.root / "moved"
    lab.inputs.rename(moved)
    lab.inputs.mkdir()
    assert lab.statuses(lab.run(paths=(str(moved),))) == {"a.tif": "up_to_date"}


def test_output_inside_input_is_left_out(lab: Lab) -> None:
    lab.scans("a.tif")
    inside = lab.inputs / "positives"
    for expected in ("ok", "up_to_date"):
        report = lab.run(folder=str(inside), reports=())
        assert lab.statuses(report) == {"a.tif": expected}


def test_settle_leaves_what_a_scanner_may_still_write(lab: Lab) -> None:
    lab.scans("a.tif")
    report = lab.run(settle_seconds=3600.0)
    assert report.exit_code == 0
    assert lab.statuses(report) == {"a.tif": "deferred"}
    assert lab.positives() == {}
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}
    assert lab.statuses(lab.run(settle_seconds=3600.0)) == {"a.tif": "up_to_date"}


def test_a_scan_from_the_future_is_graded_with_a_note(lab: Lab) -> None:
    path = lab.scan("a.tif")
    os.utime(path, (4e9, 4e9))
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "ok"}
    assert "future" in report.files[0].notes[0]


def test_a_scan_that_changes_while_it_is_read_is_not_published(lab: Lab) -> None:
    path = lab.scan("a.tif")
    lab.bench.after = lambda job: path.write_bytes(path.read_bytes() + b"more")
    report = lab_run_with_changes(lab)
    assert lab.kinds(report) == {"a.tif": "input_changed"}
    assert lab.positives() == {}


def test_a_scan_that_vanishes_fails_alone(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.bench.after = lambda job: (lab.inputs / "b.tif").unlink(missing_ok=True)
    report = lab_run_with_changes(lab)
    assert lab.kinds(report) == {"b.tif": "unreadable"}
    assert lab.statuses(report)["a.tif"] == "ok"


def lab_run_with_changes(lab: Lab):  # type: ignore[no-untyped-def]
    """Run where the test itself changes inputs."""
    from divere_cli.batch.run import run
    from tests.batch.lab import check

    report = run(lab.request(), lab.events.append)
    check(lab.outputs, report)
    return report


def test_each_crop_is_a_normal_output(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.chooser.crops = ("left", "right")
    report = lab.run()
    assert report.files[0].outputs == ("a-left.tif", "a-right.tif")
    assert lab.positives().keys() == {"a-left.tif", "a-right.tif"}
    (lab.outputs / "a-right.tif").unlink()
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/x.tif"])
def test_a_missing_input_ends_with_10(lab: Lab, missing: str) -> None:
    with pytest.raises(InputMissing) as caught:
        lab.run(paths=(str(lab.root / missing),))
    assert caught.value.exit_code == 10
    assert not lab.outputs.exists()


def test_an_output_that_is_a_file_ends_with_12(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.outputs.write_bytes(b"")
    with pytest.raises(OutputUnusable) as caught:
        lab.run()
    assert caught.value.exit_code == 12
    assert lab.outputs.read_bytes() == b""


def test_a_bad_profile_ends_the_run_before_any_write(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.chooser.problem = ProfileError("preset.json: density_gamma: not a number")
    with pytest.raises(ProfileError):
        lab.run()
    assert not lab.outputs.exists()


def test_preview_says_what_a_run_would_do_and_writes_nothing(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.scan("c.tif", b"text")
    assert [scan.action for scan in preview(lab.request())] == ["grade", "grade", "fail"]
    assert not lab.outputs.exists()
    lab.run()
    assert [scan.action for scan in preview(lab.request())] == ["up_to_date", "up_to_date", "fail"]


def test_a_bug_ends_with_1_and_its_traceback_in_the_report(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif")

    def broken(*_: object) -> object:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("divere_cli.batch.staleness.now_ns", broken)
    report = lab.run()
    assert report.exit_code == 1
    assert report.error is not None
    assert report.error.kind == "internal"
    assert "ZeroDivisionError: oops" in report.error.detail
    assert lab.statuses(report) == {"a.tif": "interrupted"}


@pytest.mark.parametrize("good", [0, 1, 2, 3, 4, 5])
def test_a_failing_listener_ends_with_1_a_report_and_complete_positives(
    lab: Lab, good: int
) -> None:
    lab.scans("a.tif", "b.tif")
    heard: list[object] = []

    def listen(event: object) -> None:
        heard.append(event)
        if len(heard) > good:
            raise BrokenPipeError("nobody listens")

    report = run(lab.request(), listen)
    whole = good == 5  # start, and two events for each of two scans
    assert report.exit_code == (0 if whole else 1)
    check(lab.outputs, report)
    assert lab.run().exit_code == 0


def test_collisions_are_reported_together_before_anything_is_written(lab: Lab) -> None:
    lab.scans("a.tif", "a.tiff", "B.tif", "b.TIF", "caf\u00e9.tif", "cafe\u0301.tif")
    with pytest.raises(PlanError) as caught:
        lab.run()
    for pair in (("a.tif", "a.tiff"), ("B.tif", "b.TIF"), ("caf\u00e9.tif", "cafe\u0301.tif")):
        assert all(f"'{name}'" in caught.value.message for name in pair)
    assert not lab.outputs.exists()


def test_a_folder_of_scans_may_be_read_only(lab: Lab, tmp_path: Path) -> None:
    lab.scans("a.tif")
    lab.inputs.chmod(0o555)
    try:
        assert lab.run().exit_code == 0
    finally:
        lab.inputs.chmod(0o755)
