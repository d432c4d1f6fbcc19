"""Hashing many files on threads: each once, with an error for unreadable files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from divere_cli.archive import hashing


@pytest.mark.parametrize("threads", [1, 4])
def test_each_file_is_hashed_once(tmp_path: Path, threads: int) -> None:
    wanted = {}
    for number in range(50):
        data = os.urandom(number * 1000)
        (tmp_path / f"{number}").write_bytes(data)
        wanted[f"{number}"] = hashlib.sha256(data).hexdigest()
    files = [(name, str(tmp_path / name)) for name in wanted]
    found = list(hashing.hash_all(files, threads))
    assert {each.name: each.sha256 for each in found} == wanted
    assert len(found) == 50


def test_a_file_that_cannot_be_read_has_a_problem(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    found = {
        each.name: each
        for each in hashing.hash_all(
            [(name, str(tmp_path / name)) for name in ("none", "folder", "link")], 2
        )
    }
    assert found["none"].missing
    assert found["folder"].problem
    assert found["link"].problem
