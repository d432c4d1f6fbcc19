"""Taking and comparing file stamps, and the SHA-256 of a file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.errors import InputChanged, Unreadable
from divere_cli.files import stamp
from divere_cli.records.job import Stamp


def test_the_same_file_is_known_by_size_and_time() -> None:
    taken = Stamp(1, 2, 3, 4, 5)
    assert stamp.same(taken, Stamp(1, 2, 9, 9, 9))
    assert not stamp.same(taken, Stamp(2, 2, 3, 4, 5))
    assert not stamp.same(taken, Stamp(1, 1, 3, 4, 5))


def test_sha256_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"scan" * 999)
    assert stamp.sha256(str(path)) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_stamp_equals_the_status_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 2))
    found = stamp.take(str(path))
    assert (found.size, found.mtime_ns, found.ino) == (5, 2, path.stat().st_ino)
    with pytest.raises(Unreadable):
        stamp.take(str(tmp_path / "none"))


FULL = Stamp(size=5, mtime_ns=4, ctime_ns=3, dev=2, ino=1)


@pytest.mark.parametrize("name", ["size", "mtime_ns", "ctime_ns", "dev", "ino"])
def test_any_difference_is_a_change(name: str) -> None:
    stamp.compare(FULL, FULL)
    with pytest.raises(InputChanged, match=name):
        stamp.compare(FULL, replace(FULL, **{name: 99}))


def test_unknown_values_of_a_stamp_are_not_compared() -> None:
    stamp.compare(Stamp(5, 4), FULL)
    stamp.compare(FULL, Stamp(5, 4))
    with pytest.raises(InputChanged, match="size 5 -> 0"):
        stamp.compare(FULL, replace(FULL, size=0))
