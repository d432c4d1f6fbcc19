"""The order of the calls that publish, and a failure of each of them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from divere_cli.batch.journal.writer import Journal
from divere_cli.batch.publish import Publisher
from divere_cli.files import durable
from tests.batch.lab import Lab

OUTPUT_ERRORS = [errno.EACCES, errno.EROFS, errno.EXDEV, errno.EIO, errno.EFBIG]
SPACE_ERRORS = [errno.ENOSPC, errno.EDQUOT]


def fail_once(target: object, name: str, code: int, patch: pytest.MonkeyPatch) -> list[int]:
    """Make the first call fail with ``code``; the list counts calls."""
    real, calls = getattr(target, name), []

    def call(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)

    patch.setattr(target, name, call)
    return calls


def test_the_order_of_publishing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.scans("a.tif")
    said: list[str] = []

    def tell(target: object, name: str, word: str) -> None:
        real = getattr(target, name)

        def call(*args: object, **kwargs: object) -> object:
            said.append(word)
            return real(*args, **kwargs)

        monkeypatch.setattr(target, name, call)

    tell(Publisher, "check", "check")
    tell(os, "fchmod", "mode")
    tell(os, "fsync", "sync")
    tell(os, "fdatasync", "sync the journal")
    tell(Journal, "publish", "say what comes")
    tell(durable, "rename", "rename")
    tell(Journal, "done", "say what is done")
    lab.bench.after = lambda job: said.clear()
    lab.events = Said(said)
    lab.run()
    assert said[:9] == [
        "check",
        "mode",
        "sync",
        "say what comes",
        "sync the journal",
        "rename",
        "sync",  # of the folder
        "say what is done",
        "sync the journal",
    ]
    assert said[9] == "tell"


class Said(list):  # type: ignore[type-arg]
    """Events as words in a common list."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def append(self, event: object) -> None:
        self._said.append("tell")


@pytest.mark.parametrize("code", OUTPUT_ERRORS)
@pytest.mark.parametrize("call", ["create", "sync", "rename"])
def test_a_call_that_fails_fails_one_scan(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    lab.scans("a.tif", "b.tif")
    with monkeypatch.context() as patch:
        fail_once(durable, call, code, patch)
        report = lab.run()
    assert report.exit_code == 3
    assert lab.kinds(report) == {"a.tif": "output_error"}
    assert lab.positives().keys() == {"b.tif"}
    assert lab.run().exit_code == 0
    assert lab.positives().keys() == {"a.tif", "b.tif"}


@pytest.mark.parametrize("code", SPACE_ERRORS)
@pytest.mark.parametrize("call", ["create", "sync", "rename", "write_all"])
def test_no_space_anywhere_ends_with_13_and_the_next_run_goes_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    with monkeypatch.context() as patch:
        fail_once(durable, call, code, patch)
        report = lab.run()
    assert report.exit_code == 13
    assert lab.positives() == {}
    assert lab.run().exit_code == 0
    assert lab.positives().keys() == {"a.tif", "b.tif", "c.tif"}


def test_a_failed_sync_is_never_tried_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.scans("a.tif")
    synced: list[int] = []

    def fail(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync", fail)
        lab.run(reports=())
    assert len(synced) == 1


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS])
def test_a_folder_that_cannot_be_synced_after_the_rename_ends_with_14(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    lab.scan("a.tif", lab.scan("b.tif").read_bytes() + b"x")
    with monkeypatch.context() as patch:
        fail_once(durable, "sync_folder", code, patch)
        report = lab.run()
    assert report.exit_code == 14
    assert "a.tif" in lab.positives()
    again = lab.run()
    assert again.exit_code == 0
    assert lab.statuses(again) == {"a.tif": "ok", "b.tif": "up_to_date"}


@pytest.mark.parametrize("kind", ["publish", "done", "begin"])
@pytest.mark.parametrize(("code", "exit_code"), [(errno.EIO, 14), (errno.ENOSPC, 13)])
def test_a_journal_that_cannot_be_written_stops_the_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, kind: str, code: int, exit_code: int
) -> None:
    lab.scans("a.tif", "b.tif")
    append = Journal._append

    def fail(self: Journal, word: str, fields: dict[str, object]) -> None:
        if word == {"begin": "run"}.get(kind, kind):
            from divere_cli.batch.journal.state import failed

            raise failed(OSError(code, os.strerror(code)), "written")
        append(self, word, fields)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_append", fail)
        report = lab.run()
    assert report.exit_code == exit_code
    assert lab.statuses(report)["b.tif"] == "interrupted"
    assert lab.run().exit_code == 0


def test_a_run_that_died_between_rename_and_record_is_recovered(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    expected = lab.positives()
    journal = lab.outputs / ".divere-journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    done = next(i for i, line in enumerate(lines) if b'"done"' in line)
    journal.write_bytes(b"".join(lines[:done]))
    (lab.outputs / "b.tif").unlink()
    (lab.outputs / ".divere-tmp-0badc0de-7").write_bytes(b"left")
    report = lab.run()
    assert report.exit_code == 0
    assert lab.positives() == expected


def test_temporary_files_of_dead_runs_are_removed_everywhere(lab: Lab) -> None:
    lab.scans("r/a.tif")
    deep = lab.outputs / "old" / "deeper"
    other = lab.outputs / "other"
    for folder in (deep, other):
        folder.mkdir(parents=True)
        (folder / ".divere-tmp-1-1").write_bytes(b"left")
    (lab.outputs / ".divere-tmp-1-2").symlink_to(lab.inputs / "r" / "a.tif")
    (other / ".divere-lock").write_bytes(b"")  # the OUTPUT of a run that may be alive
    from divere_cli.batch.run import run

    assert run(lab.request(), lab.events.append).exit_code == 0
    left = [path.relative_to(lab.outputs) for path in lab.outputs.rglob(".divere-tmp-*")]
    assert left == [Path("other/.divere-tmp-1-1")]


def test_several_positives_of_a_scan_come_together(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif")
    lab.chooser.crops = ("1", "2")
    lab.outputs.mkdir()
    lab.bench.after = lambda job: (lab.outputs / "a-2.tif").write_bytes(b"mine")  # type: ignore[assignment, return-value]
    report = lab.run()
    assert lab.kinds(report) == {"a.tif": "output_exists"}
    assert lab.positives() == {"a-2.tif": b"mine"}
    (lab.outputs / "a-2.tif").unlink()
    lab.bench.after = lambda job: None
    assert lab.run().exit_code == 0
