"""Exact reads, or an error that names the part that ended too early."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import CorruptInput, Unreadable
from divere_cli.image import source
from divere_cli.image.parallel import Parallel
from divere_cli.image.source import Source


@pytest.fixture
def path(tmp_path: Path) -> str:
    found = tmp_path / "a"
    found.write_bytes(b"0123456789")
    return str(found)


def test_reads_at_a_place(path: str) -> None:
    with Source(path) as file:
        assert file.size == 10
        assert file.read(3, 4) == b"3456"
        buffer = bytearray(5)
        file.read_into(5, memoryview(buffer))
        assert buffer == b"56789"


@pytest.mark.parametrize(("offset", "length"), [(0, 11), (10, 1), (2**63, 2**63), (-1, 1), (0, -1)])
def test_data_outside_of_the_file_are_corrupt(path: str, offset: int, length: int) -> None:
    with Source(path) as file, pytest.raises(CorruptInput, match="strip 3 ends after the end"):
        file.read(offset, length, "strip 3")


def test_a_file_that_was_cut_while_open_is_corrupt(path: str) -> None:
    with Source(path) as file:
        os.truncate(path, 5)
        with pytest.raises(CorruptInput, match="the tail ends after the end"):
            file.read(2, 8, "the tail")


def test_short_reads_are_continued(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = source._read_into
    monkeypatch.setattr(source, "_read_into", lambda fd, view, at: original(fd, view[:3], at))
    with Source(path) as file:
        assert file.read(0, 10) == b"0123456789"


@pytest.mark.parametrize("way", [source._read_at, source._seek_and_read])
def test_many_threads_read_at_their_own_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[..., int]
) -> None:
    monkeypatch.setattr(source, "_read_into", way)
    path = tmp_path / "b"
    data = bytes(range(256)) * 400
    path.write_bytes(data)
    with Source(str(path)) as file, Parallel(4) as parallel:
        places = [(n * 97 % 90_000, 1000 + n) for n in range(400)]
        for (offset, length), got in zip(
            places, parallel.map(lambda place: file.read(*place), places), strict=True
        ):
            assert got == data[offset : offset + length]


def test_a_failing_device_is_unreadable(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(source, "_read_into", fails)
    with Source(path) as file, pytest.raises(Unreadable, match="strip 3 cannot be read"):
        file.read(0, 1, "strip 3")
