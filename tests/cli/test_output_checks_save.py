"""Files whose path is an option: complete, with the user's mode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.cli import output_checks
from divere_cli.errors import OutputUnusable


def test_the_file_is_complete_and_has_the_users_mode(tmp_path: Path) -> None:
    path = tmp_path / "grade.cube"
    path.write_text("old")
    before = os.umask(0o027)
    try:
        output_checks.save(str(path), b"new")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["grade.cube"]


def test_a_folder_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "no" / "grade.clf")
    with pytest.raises(OutputUnusable, match="cannot be written") as caught:
        output_checks.save(path, b"new")
    assert path in caught.value.message


def test_nothing_is_left_when_the_file_cannot_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "grade.clf").mkdir()
    with pytest.raises(OutputUnusable):
        output_checks.save(str(tmp_path / "grade.clf"), b"new")
    assert os.listdir(tmp_path) == ["grade.clf"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "divere_presets.json"
    path.write_text("old")

    def broken(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutputUnusable, match="cannot be written: No space left on device"):
        output_checks.save(str(path), b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["divere_presets.json"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "link").symlink_to(target)
    output_checks.save(str(tmp_path / "link"), b"new")
    assert target.read_text() == "mine"
    assert not (tmp_path / "link").is_symlink()
