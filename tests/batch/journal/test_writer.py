"""The journal: whole lines count, a torn tail loses at most the last record."""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.batch.journal import state as journal
from divere_cli.batch.journal.record import Done, OutputStamp, Peak
from divere_cli.batch.journal.writer import Journal
from divere_cli.errors import JournalFailed, NoSpaceLeft
from divere_cli.files.output_folder import Folder
from divere_cli.image.layout import Header, Resolution
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from tests.batch.lab import Lab

HEADER = Header(
    "tiff",
    8,
    6,
    3,
    16,
    1000,
    extra=("infrared",),
    resolution=Resolution(300.0, 300.0),
    icc=(8, 100),
    warnings=("odd",),
)


def record(name: str) -> Done:
    outputs = (OutputStamp(name, 10, 20),)
    return Done(
        name,
        "/in/" + name,
        Stamp(1, 2, 3, 4, 5),
        "key",
        outputs,
        HEADER,
        ProfileRef("p", "s"),
        "sha",
        Peak("sort", 1, 2),
    )


def write(folder: Folder, *names: str) -> Journal:
    made = Journal.open(folder, "run1")
    made.begin()
    for name in names:
        made.publish(name, record(name).outputs)
        made.done(record(name))
    return made


def test_what_is_written_is_read_back(folder: Folder) -> None:
    name = os.fsdecode(b"a \xff\xe9\n.tif")
    made = write(folder, name)
    made.end()
    made.release()
    state = journal.load(folder)
    assert state.done == {name: record(name)}
    assert state.owner == {name: name}
    assert state.clean


def test_a_later_versions_records_are_understood(folder: Folder, tmp_path: Path) -> None:
    write(folder, "a.tif").release()
    path = tmp_path / journal.NAME
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for part in (lines[2], lines[2]["header"], lines[2]["stamp"], lines[2]["peak"]):
        part["news"] = 1
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    state = journal.load(folder)
    assert (state.done, state.ignored) == ({"a.tif": record("a.tif")}, 0)


def test_a_run_without_an_end_was_not_clean(folder: Folder) -> None:
    write(folder, "a.tif").release()
    assert not journal.load(folder).clean


def test_an_absent_journal_is_empty(folder: Folder) -> None:
    assert journal.load(folder).done == {}
    assert journal.load(None).done == {}


def test_a_run_that_does_nothing_writes_nothing(folder: Folder, tmp_path: Path) -> None:
    made = Journal.open(folder, "run1")
    made.end()
    made.release()
    assert (tmp_path / journal.NAME).read_bytes() == b""


def test_a_tail_cut_at_any_byte_loses_only_the_last_record(folder: Folder, tmp_path: Path) -> None:
    write(folder, "a.tif", "b.tif").release()
    path = tmp_path / journal.NAME
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last, len(whole)):
        state = journal.parse(io.BytesIO(whole[:end]))
        assert (set(state.done), state.ignored) == ({"a.tif"}, 0)
        assert state.owned.keys() == {"a.tif", "b.tif"}
    for end in range(last, len(whole), 50):
        path.write_bytes(whole[:end])
        Journal.open(folder, "run2").release()
        assert path.read_bytes() == whole[:last]


@pytest.mark.parametrize(
    "garbage", [b"\0" * 4096, b"{", b"\xff\xfe\xfd", b"[" * 5000, b'{"kind":"done","input":"c']
)
def test_garbage_without_an_end_of_line_is_cut_off(
    folder: Folder, tmp_path: Path, garbage: bytes
) -> None:
    write(folder, "a.tif").release()
    path = tmp_path / journal.NAME
    whole = path.read_bytes()
    path.write_bytes(whole + garbage)
    Journal.open(folder, "run2").release()
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "line", [b"hello", b"[]", b"{}", b'{"kind":"done"}', b'{"kind":"other"}', b"[" * 5000, b"1e999"]
)
def test_a_line_that_is_no_record_is_passed_over(
    folder: Folder, tmp_path: Path, line: bytes
) -> None:
    write(folder, "a.tif").release()
    path = tmp_path / journal.NAME
    path.write_bytes(line + b"\n" + path.read_bytes())
    state = journal.load(folder)
    assert state.ignored == 1
    assert state.done.keys() == {"a.tif"}


def test_a_long_torn_tail_is_found_beyond_one_block(folder: Folder, tmp_path: Path) -> None:
    write(folder, "a.tif").release()
    path = tmp_path / journal.NAME
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)
    Journal.open(folder, "run2").release()
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("code", "error"),
    [(28, NoSpaceLeft), (122, NoSpaceLeft), (5, JournalFailed)],
)
def test_half_a_line_is_taken_back(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type
) -> None:
    made = write(folder, "a.tif")
    whole = (tmp_path / journal.NAME).read_bytes()

    def half(fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("divere_cli.files.durable.write_all", half)
    with pytest.raises(error):
        made.done(record("b.tif"))
    made.release()
    assert (tmp_path / journal.NAME).read_bytes() == whole


def test_a_failed_sync_takes_the_line_back(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write(folder, "a.tif")
    calls: list[int] = []

    def broken(fd: int) -> None:
        calls.append(fd)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(JournalFailed):
        made.done(record("b.tif"))
    made.release()
    assert len(calls) == 1
    assert journal.load(folder).done.keys() == {"a.tif"}


def test_a_link_in_place_of_the_journal_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"1\n2")
    (tmp_path / journal.NAME).symlink_to(target)
    with pytest.raises(JournalFailed):
        Journal.open(folder, "run1")
    assert target.read_bytes() == b"1\n2"


def test_each_record_is_one_line_of_ascii(folder: Folder, tmp_path: Path) -> None:
    write(folder, "a\nb\u2028\x85.tif").release()
    data = (tmp_path / journal.NAME).read_bytes()
    assert data.isascii()
    assert [json.loads(line)["kind"] for line in data.splitlines()] == ["run", "publish", "done"]


def test_after_any_cut_of_the_journal_a_run_ends_well(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    lab.run()
    expected = lab.positives()
    kept = lab.root / "kept"
    shutil.copytree(lab.outputs, kept)
    path = lab.outputs / journal.NAME
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    middles = [(a + b) // 2 for a, b in zip([0, *ends], ends, strict=False)]
    for end in sorted({*ends, *middles, *range(ends[-2], ends[-2] + 3)} - {0}):
        shutil.rmtree(lab.outputs)
        shutil.copytree(kept, lab.outputs)
        path.write_bytes(whole[:end])
        report = lab.run()
        lost = [name for name, kind in lab.kinds(report).items() if kind == "output_exists"]
        owned = journal.parse(io.BytesIO(whole[:end])).owned
        assert set(lost) == expected.keys() - owned.keys()
        assert lab.positives() == expected


def test_many_records_are_renewed_with_one_sync(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    made = write(folder, "a.tif")
    monkeypatch.setattr(os, "fdatasync", synced.append)
    renewed = [replace(record(f"{number}.tif"), basis="b") for number in range(1500)]
    made.renew(renewed)
    made.release()
    assert len(synced) == 2
    state = journal.load(folder)
    assert list(state.done.values()) == [record("a.tif"), *renewed]
    assert state.owned["7.tif"] == record("7.tif").outputs


@pytest.mark.parametrize(("code", "error"), [(28, NoSpaceLeft), (5, JournalFailed)])
def test_a_journal_that_cannot_be_written_anew_ends_the_run_with_an_error_of_ours(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type
) -> None:
    made = write(folder, "a.tif")
    assert made.check() == ""
    (tmp_path / journal.NAME).unlink()

    def broken(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr("divere_cli.files.durable.write_atomic_in", broken)
        with pytest.raises(error, match=os.strerror(code)) as caught:
            made.check()
    assert isinstance(caught.value.__cause__, OSError)
    if error is JournalFailed:
        assert "rewritten" in str(caught.value)
    assert "written again" in made.check()
    made.release()
    assert journal.load(folder).done == {"a.tif": record("a.tif")}
