"""The scans of a folder: no name leads out of it; files that are not scans have a message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.errors import InputMissing
from divere_cli.review.roll import Roll


def test_scans_are_listed_by_name_and_others_are_not(roll: Path) -> None:
    (roll / "notes.txt").write_text("x")
    (roll / ".hidden.tif").write_bytes(b"x")
    (roll / "positives.tif").mkdir()
    found = Roll(str(roll)).scans()
    assert [scan.name for scan in found] == ["frame-01.tif", "frame-02.tif", "frame-03.tif"]
    assert all(scan.header is not None and not scan.message for scan in found)


def test_files_that_are_not_scans_have_a_message(roll: Path) -> None:
    (roll / "cut.tif").write_bytes((roll / "frame-01.tif").read_bytes()[:1000])
    (roll / "text.png").write_text("no picture")
    os.mkfifo(roll / "pipe.jpg")
    bad = {scan.name: scan.message for scan in Roll(str(roll)).scans() if scan.header is None}
    assert set(bad) == {"cut.tif", "text.png", "pipe.jpg"}
    assert all(bad.values())


def test_no_name_leads_out_of_the_folder(roll: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.tif"
    outside.write_bytes((roll / "frame-01.tif").read_bytes())
    (roll / "link.tif").symlink_to(outside)
    (roll / "sub").mkdir()
    (roll / "sub" / "deep.tif").write_bytes(b"x")
    names = Roll(str(roll))
    for name in ("../outside.tif", str(outside), "sub/deep.tif", "..", "", "a\0.tif", "..\\x.tif"):
        assert names.find(name) is None
    link = names.find("link.tif")
    assert link is not None
    assert link.header is None
    assert "link out of the folder" in link.message


def test_a_changed_scan_is_read_again(roll: Path) -> None:
    names = Roll(str(roll))
    first = names.find("frame-01.tif")
    assert first is not None
    assert names.find("frame-01.tif") is first
    (roll / "frame-01.tif").write_bytes(b"II*\0")
    second = names.find("frame-01.tif")
    assert second is not None
    assert second.header is None
    assert names.find("frame-09.tif") is None


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        Roll(str(tmp_path / "nowhere"))


def test_sub_folders_with_scans_are_named_and_positives_are_not(roll: Path) -> None:
    scan = (roll / "frame-01.tif").read_bytes()
    for folder, name in (("roll-2", "a.tif"), ("notes", "b.txt"), (".cache", "c.tif")):
        (roll / folder).mkdir()
        (roll / folder / name).write_bytes(scan)
    (roll / "positives").mkdir()
    (roll / "positives" / "frame-01.tif").write_bytes(scan)
    (roll / "positives" / ".divere-journal.jsonl").touch()
    assert Roll(str(roll)).folders() == ["roll-2"]
