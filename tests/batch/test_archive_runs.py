"""Runs over years: restored backups, edited positives, known failures, deleted scans."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.journal.record import OutputStamp
from tests.batch.lab import Lab
from tests.batch.tiffs import tiff
from tests.cli.program import divere


def test_a_backup_restored_without_its_times_is_up_to_date(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    for name in ("a.tif", "b.tif"):
        os.utime(lab.outputs / name, (1, 1))
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "up_to_date", "b.tif": "up_to_date"}
    again = lab.run()
    assert lab.statuses(again) == {"a.tif": "up_to_date", "b.tif": "up_to_date"}
    done = lab.state().done["a.tif"].outputs[0]
    assert done.mtime_ns == 1_000_000_000, "the next run sees so without a hash"


def test_a_restored_positive_is_graded_again_when_its_scan_changed(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    os.utime(lab.outputs / "a.tif", (1, 1))
    lab.scan("a.tif", lab.scan("other.tif").read_bytes())
    (lab.inputs / "other.tif").unlink()
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}


def test_a_changed_positive_of_equal_size_is_kept(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    path = lab.outputs / "a.tif"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, (5, 5))
    assert lab.statuses(lab.run()) == {"a.tif": "kept"}
    assert path.read_bytes() == bytes(data)


@pytest.mark.parametrize("harm", ["scan", "profile", "nothing"])
def test_known_failures_are_skipped_until_they_change(lab: Lab, harm: str) -> None:
    lab.scan("a.tif", b"no picture")
    lab.scans("b.tif")
    assert lab.run().exit_code == 3
    if harm == "scan":
        lab.scan("a.tif", b"another text")
    if harm == "profile":
        lab.chooser.profile = "other"
    report = lab.run(skip_known_failures=True)
    if harm == "scan":
        assert lab.statuses(report)["a.tif"] == "failed"
        return
    assert lab.statuses(report)["a.tif"] == "known_failure"
    (known,) = (file for file in report.files if file.input == "a.tif")
    assert known.error is not None
    assert known.error.kind == "unsupported"
    assert "--known-failures retry" in known.error.hint
    assert report.exit_code == 0
    assert lab.run().exit_code == 3, "without the option it is tried"


def test_a_crash_is_known_and_another_profile_tries_again(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.bench.script = {"a.tif": ["crashed"] * 9}
    assert lab.run(retries=0).exit_code == 3
    assert lab.statuses(lab.run(skip_known_failures=True)) == {"a.tif": "known_failure"}
    lab.chooser.profile = "other"
    lab.bench.script = {}
    assert lab.statuses(lab.run(skip_known_failures=True)) == {"a.tif": "ok"}
    assert lab.state().failed == {}


def test_scans_that_crashed_come_last_on_the_next_run(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif", "e.tif")
    crashing = {name: ["crashed"] * 9 for name in ("a.tif", "b.tif", "c.tif")}
    lab.bench.script = dict(crashing)
    first = lab.run(retries=0)
    assert first.stopped, "three different scans in a row"
    lab.bench.script = {name: ["crashed"] * 9 for name in crashing}
    second = lab.run(retries=0)
    assert {name for name, status in lab.statuses(second).items() if status == "ok"} == {
        "d.tif",
        "e.tif",
    }


def test_positives_whose_scans_are_gone_are_counted(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    (lab.inputs / "a.tif").unlink()
    assert lab.run().orphans == 1
    (lab.outputs / "a.tif").unlink()
    assert lab.run().orphans == 0


def test_a_snapshot_by_hard_links_is_not_written_into(lab: Lab, tmp_path: Path) -> None:
    lab.scans("a.tif")
    lab.run()
    snapshot = tmp_path / "snapshot"
    shutil.copytree(lab.outputs, snapshot, copy_function=os.link)
    before = (snapshot / ".divere-journal.jsonl").read_bytes()
    lab.scans("b.tif")
    lab.run()
    assert (snapshot / ".divere-journal.jsonl").read_bytes() == before
    assert lab.state().done.keys() == {"a.tif", "b.tif"}


def test_a_foreign_file_with_the_journals_name_is_kept_under_another(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.outputs.mkdir()
    (lab.outputs / ".divere-journal.jsonl").write_text("my notes, without a line's end")
    assert lab.run().exit_code == 0
    (aside,) = lab.outputs.glob(".divere-journal.jsonl.not-ours-*")
    assert aside.read_text() == "my notes, without a line's end"
    assert lab.state().done.keys() == {"a.tif"}
    aside.unlink()


def test_a_journal_removed_during_the_run_is_written_again(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    journal = lab.outputs / ".divere-journal.jsonl"
    lab.bench.before = lambda job: journal.unlink() if job.name == "b.tif" else None
    report = lab.run()
    assert report.exit_code == 0
    assert any("written again" in warning for warning in report.warnings)
    lab.bench.before = lambda job: None
    assert set(lab.statuses(lab.run()).values()) == {"up_to_date"}


@pytest.mark.parametrize("name", [".divere-journal.jsonl", ".divere-lock", "divere-report.json"])
def test_a_pipe_with_the_name_of_our_file_is_an_error_without_waiting(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / name)
    done = divere("batch", tmp_path / "in", tmp_path / "out")
    assert done.returncode in (12, 14)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"header": {"width": None}},
        {"header": {"height": "12"}},
        {"header": {"channels": None}},
        {"header": {"compression": None}},
        {"header": {"warnings": [None]}},
        {"outputs": [{"name": "a\u0000.tif", "size": 1, "mtime_ns": 1}]},
        {"outputs": [{"name": "\ud800", "size": 1, "mtime_ns": 1}]},
        {"outputs": [{"name": "a.tif", "size": 1e300, "mtime_ns": 1}]},
        {"stamp": {"size": 10**400, "mtime_ns": 1}},
        {"sha256": 7},
        {"basis": []},
        {"key": None},
    ],
)
def test_a_record_with_wrong_types_is_ignored(lab: Lab, change: dict[str, object]) -> None:
    lab.scans("a.tif")
    lab.run()
    journal = lab.outputs / ".divere-journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        if line["kind"] == "done":
            for key, value in change.items():
                line[key] = line[key] | value if isinstance(value, dict) else value
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    state = journal_state.parse(journal.read_bytes().splitlines(keepends=True))
    assert state.ignored == 1
    assert state.done == {}
    report = lab.run()
    assert report.exit_code in (0, 3)


def test_records_without_a_hash_stay_valid() -> None:
    from divere_cli.records.serialize import to_plain

    assert to_plain(OutputStamp("a.tif", 1, 2)) == {"name": "a.tif", "size": 1, "mtime_ns": 2}


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_a_manifest_that_cannot_be_replaced_ends_with_12(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.tif").write_bytes(tiff())
    (tmp_path / "out").mkdir()
    path = tmp_path / "out/manifest-sha256.txt"
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    done = divere("batch", tmp_path / "in", tmp_path / "out", "--manifest", "--auto", "off")
    assert done.returncode == 12, done.stderr
    assert "manifest-sha256.txt" in done.stderr
    assert (tmp_path / "out/a.tif").is_file()
