"""The report of a worker is checked before its files are published."""

from __future__ import annotations

import os

import pytest

from divere_cli.records.job import Job
from tests.batch import tasks
from tests.batch.lab import Lab


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("lies", "0 bytes"),
        ("silent", "other files"),
        ("short", "read back"),
        ("longer", "the worker reported"),
        ("textual", "read back"),
        ("linking", "replaced the file"),
    ],
)
def test_wrong_reports_of_a_worker_publish_nothing(lab: Lab, word: str, said: str) -> None:
    lab.scans("a.tif", f"{word}-b.tif", "z.tif")
    report = lab.run(task=tasks.MISBEHAVE)
    assert report.exit_code == 3
    assert lab.kinds(report) == {f"{word}-b.tif": "output_error"}
    assert said in report.files[1].error.message  # type: ignore[union-attr]
    (lab.outputs / ".moved").unlink(missing_ok=True)
    assert lab.positives().keys() == {"a.tif", "z.tif"}
    assert f"{word}-b.tif" not in lab.state().done


def test_other_outputs_are_the_same_with_and_without_a_bad_neighbor(lab: Lab) -> None:
    lab.scans("a.tif", "z.tif")
    lab.run(task=tasks.MISBEHAVE)
    alone = lab.positives()
    lab.scans(*(f"{word}-b.tif" for word in ("lies", "short", "textual", "corrupt")))
    lab.run(task=tasks.MISBEHAVE, force=True)
    assert lab.positives() == alone


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_positives_have_the_users_mode_and_records_are_private(lab: Lab, mask: int) -> None:
    lab.scans("a.tif")
    modes: list[int] = []
    lab.bench.before = lambda job: modes.append(os.stat(job.frames[0].target.temp).st_mode & 0o777)
    before = os.umask(mask)
    try:
        lab.run()
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert (lab.outputs / "a.tif").stat().st_mode & 0o777 == 0o666 & ~mask
    for name in (".divere-journal.jsonl", ".divere-lock", "divere-report.json"):
        assert (lab.outputs / name).stat().st_mode & 0o777 == 0o600


def test_an_output_is_absent_or_old_while_a_worker_writes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes | None] = []

    def look(job: Job) -> None:
        path = lab.outputs / "a.tif"
        seen.append(path.read_bytes() if path.exists() else None)

    lab.bench.before = lab.bench.after = look
    lab.scans("a.tif")
    lab.run(reports=())
    first = lab.positives()["a.tif"]
    lab.run(reports=(), force=True)
    assert seen == [None, None, first, first]


def test_a_file_that_appears_during_the_run_is_not_replaced(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.bench.after = lambda job: (lab.outputs / "a.tif").write_bytes(b"mine")  # type: ignore[assignment, return-value]
    report = lab.run()
    assert lab.kinds(report) == {"a.tif": "output_exists"}
    assert (lab.outputs / "a.tif").read_bytes() == b"mine"


def test_a_link_in_the_way_is_replaced_never_followed(lab: Lab) -> None:
    scan = lab.scan("a.tif")
    lab.outputs.mkdir()
    (lab.outputs / "a.tif").symlink_to(scan)
    before = scan.read_bytes()
    assert lab.kinds(lab.run()) == {"a.tif": "output_exists"}
    report = lab.run(overwrite=True)
    assert report.exit_code == 0
    assert scan.read_bytes() == before
    assert not (lab.outputs / "a.tif").is_symlink()


def test_a_folder_of_output_that_leads_outside_is_refused(lab: Lab) -> None:
    lab.scans("roll/a.tif", "b.tif")
    outside = lab.root / "outside"
    outside.mkdir()
    lab.outputs.mkdir()
    (lab.outputs / "roll").symlink_to(outside)
    report = lab.run()
    assert lab.kinds(report) == {"roll/a.tif": "output_error"}
    assert list(outside.iterdir()) == []
    assert lab.statuses(report)["b.tif"] == "ok"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_something_other_than_a_file_blocks_an_output(lab: Lab, kind: str) -> None:
    lab.scans("a.tif", "b.tif")
    lab.outputs.mkdir()
    if kind == "folder":
        (lab.outputs / "a.tif").mkdir()
    else:
        os.mkfifo(lab.outputs / "a.tif")
    report = lab.run(overwrite=True)
    assert lab.kinds(report) == {"a.tif": "output_error"}
    assert lab.statuses(report)["b.tif"] == "ok"


def test_output_that_vanishes_during_the_run_ends_with_14(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    away = lab.root / "away"
    lab.bench.before = lambda job: lab.outputs.rename(away) if job.id == 2 else None  # type: ignore[return-value]
    from divere_cli.batch.run import run

    report = run(lab.request(reports=(), task=tasks.COPY), lab.events.append)
    assert report.exit_code == 14
    assert "is gone" in report.error.message  # type: ignore[union-attr]
    assert not lab.outputs.exists()
    assert sorted(path.name for path in away.iterdir() if path.suffix == ".tif") == ["a.tif"]


def test_a_scan_with_a_name_that_is_not_utf8_is_graded(lab: Lab) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.tif")
    lab.scans(name)
    report = lab.run()
    assert report.files[0].outputs == (name,)
    assert (lab.outputs / name).exists()
    assert lab.statuses(lab.run()) == {name: "up_to_date"}


@pytest.mark.parametrize(
    "name",
    [
        "--help.tif",
        "-r.tif",
        "a\nb.tif",
        "a\r\x1b[31mb.tif",
        "a\x9b\u202eb.tif",
        "[/red].tif",
        "<img onerror=x>.tif",
        "=cmd|' '!A0.tif",
        "{stem}.tif",
        "x" * 251 + ".tif",
        " .tif",
        "a b.tif",
    ],
)
def test_any_file_name_is_graded(lab: Lab, name: str) -> None:
    lab.scans(name)
    report = lab.run()
    if name == " .tif":
        assert lab.kinds(report) == {name: "output_error"}
        return
    assert report.files[0].outputs == (name,)
    assert lab.statuses(lab.run()) == {name: "up_to_date"}


def test_an_output_name_that_is_too_long_fails_one_scan(lab: Lab) -> None:
    lab.scans("a.tif", "y" * 250 + ".tif")
    report = lab.run(name="{stem}-positive")
    assert lab.kinds(report) == {"y" * 250 + ".tif": "output_error"}
    assert set(lab.positives()) == {"a-positive.tif"}
