"""One file, several writers: what is kept, what is refused, what is noticed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import OutputUnusable, ProfileError
from divere_cli.review.presets_file import Change, PresetsFile, Stale

ENTRY: dict[str, Any] = {
    "version": 3,
    "type": "single",
    "metadata": {"raw_file": "a.tif", "orientation": 0},
    "cc_params": {"rgb_gains": [0.1, 0.0, -0.1]},
}
FOREIGN = {
    "b.tif": {**ENTRY, "a key of theirs": [1, 2.50, None]},
    "some tool": {"type": "theirs/7", "deep": {"x": 1e-7}},
    "divere_cli": {
        "type": "divere-cli/1",
        "folder": {"frozen": True},
        "scans": {"b.tif": {"confidence": "low"}},
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "divere_presets.json"
    found.write_text(json.dumps(FOREIGN, indent=4))
    return found


def held(path: Path) -> Any:
    return json.loads(path.read_text())


def test_an_entry_is_written_and_all_else_stays(path: Path) -> None:
    file = PresetsFile(str(path))
    state = file.write(1, Change({"a.tif": ENTRY}))
    assert state.version == 2
    assert held(path) == {**FOREIGN, "a.tif": ENTRY}
    assert list(held(path))[:3] == list(FOREIGN)


def test_a_null_removes_an_entry(path: Path) -> None:
    file = PresetsFile(str(path))
    file.write(1, Change({"b.tif": None}))
    assert "b.tif" not in held(path)


def test_a_mark_is_stored_in_our_entry_and_removed_again(path: Path) -> None:
    file = PresetsFile(str(path))
    state = file.write(1, Change(marks={"b.tif": "done", "a.tif": "reject"}))
    assert (state.mark("b.tif"), state.mark("a.tif")) == ("done", "reject")
    own = held(path)["divere_cli"]
    assert own["folder"] == {"frozen": True}
    assert own["scans"]["b.tif"] == {"confidence": "low", "mark": "done"}
    state = file.write(2, Change(marks={"b.tif": None, "a.tif": None}))
    assert held(path) == FOREIGN
    assert state.mark("b.tif") is None


def test_the_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    file = PresetsFile(str(tmp_path / "divere_presets.json"))
    assert file.write(1, Change({"a.tif": ENTRY})).version == 2
    assert held(tmp_path / "divere_presets.json") == {"a.tif": ENTRY}
    assert [p.name for p in tmp_path.iterdir()] == ["divere_presets.json"]


def test_a_writer_with_an_old_version_is_refused(path: Path) -> None:
    file = PresetsFile(str(path))
    file.write(1, Change({"a.tif": ENTRY}))
    before = path.read_bytes()
    with pytest.raises(Stale) as told:
        file.write(1, Change({"c.tif": ENTRY}))
    assert told.value.version == 2
    assert not told.value.by_another_program
    assert path.read_bytes() == before


def test_another_program_is_noticed_and_not_overwritten(path: Path) -> None:
    file = PresetsFile(str(path))
    path.write_text(json.dumps({"b.tif": ENTRY}))
    with pytest.raises(Stale) as told:
        file.write(1, Change({"a.tif": ENTRY}))
    assert told.value.by_another_program
    assert held(path) == {"b.tif": ENTRY}
    state = file.read()
    assert (state.version, state.foreign) == (2, 2)
    file.write(2, Change({"a.tif": ENTRY}))
    assert set(held(path)) == {"a.tif", "b.tif"}


def test_a_rewrite_with_the_same_bytes_is_no_change(path: Path) -> None:
    file = PresetsFile(str(path))
    path.write_bytes(path.read_bytes())
    assert file.read().version == 1


@pytest.mark.parametrize("broken", [b"{", b'{"a": 1, "a": 2}', b"[]", b"\xff\xfe"])
def test_a_broken_file_is_reported_and_never_overwritten(path: Path, broken: bytes) -> None:
    path.write_bytes(broken)
    file = PresetsFile(str(path))
    state = file.read()
    assert str(path) in state.problem
    with pytest.raises(ProfileError):
        file.write(state.version, Change({"a.tif": ENTRY}))
    assert path.read_bytes() == broken


def test_an_entry_that_no_batch_could_use_is_refused(path: Path) -> None:
    file = PresetsFile(str(path))
    before = path.read_bytes()
    with pytest.raises(ProfileError, match=r"a\.tif.*rgb_gains"):
        file.write(1, Change({"a.tif": {**ENTRY, "cc_params": {"rgb_gains": [9, 0, 0]}}}))
    with pytest.raises(ProfileError, match="no mark"):
        file.write(1, Change(marks={"a.tif": "perhaps"}))
    assert path.read_bytes() == before


def test_names_are_compared_as_folders_compare_them(path: Path) -> None:
    composed, decomposed = "stra\u00dfe-\u00e9.tif", "stra\u00dfe-e\u0301.tif"
    path.write_text(json.dumps({decomposed: ENTRY}, ensure_ascii=False))
    file = PresetsFile(str(path))
    changed = {**ENTRY, "cc_params": {"rgb_gains": [0.0, 0.2, 0.0]}}
    file.write(1, Change({composed: changed}))
    assert held(path) == {decomposed: changed}


def test_a_folder_that_cannot_be_written_is_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from divere_cli.files import durable

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write_atomic", full)
    file = PresetsFile(str(path))
    before = path.read_bytes()
    with pytest.raises(OutputUnusable, match="No space left"):
        file.write(1, Change({"a.tif": ENTRY}))
    assert path.read_bytes() == before
    assert file.read().version == 1


def test_two_programs_at_once_lose_nothing(path: Path) -> None:
    """Each with its own view of the file, writing until all of its entries are in."""

    def work(file: PresetsFile, letter: str) -> None:
        for number in range(12):
            while True:
                try:
                    file.write(file.read().version, Change({f"{letter}{number}.tif": ENTRY}))
                    break
                except Stale:
                    continue

    threads = [
        threading.Thread(target=work, args=(PresetsFile(str(path)), letter)) for letter in "xyz"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held(path)) == len(FOREIGN) + 36
