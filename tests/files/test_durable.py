"""Calls that make files durable, and their behavior when one fails."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from divere_cli.files import directory, durable
from divere_cli.files.directory import Directory


@pytest.fixture(params=["by descriptor", "by path"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Directory]:
    monkeypatch.setattr(directory, "BY_DESCRIPTOR", request.param == "by descriptor")
    made = directory.hold(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def described(tmp_path: Path) -> Iterator[Directory]:
    made = directory.hold(str(tmp_path))
    yield made
    made.close()


def broken(code: int):  # type: ignore[no-untyped-def]
    def call(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def test_a_new_file_is_private(place: Directory, tmp_path: Path) -> None:
    os.close(durable.create("a", place))
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        durable.create("a", place)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        durable.create("link", place)
    assert not (tmp_path / "target").exists()


def links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_renameat2", lambda: None)


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    links(monkeypatch)
    monkeypatch.setattr(os, "link", broken(errno.EPERM))


def unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_renameat2", lambda: lambda *_: errno.EINVAL)


def native(monkeypatch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize("how", [native, unsupported, links, no_links])
def test_a_taken_name_is_never_replaced(place, tmp_path, monkeypatch, how) -> None:  # type: ignore[no-untyped-def]
    how(monkeypatch)
    (tmp_path / "temp").write_bytes(b"new")
    (tmp_path / "final").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        durable.rename("temp", "final", place, replace=False)
    assert (tmp_path / "final").read_bytes() == b"old"
    assert (tmp_path / "temp").exists()
    durable.rename("temp", "final", place, replace=True)
    assert (tmp_path / "final").read_bytes() == b"new"


@pytest.mark.parametrize("how", [native, unsupported, links, no_links])
def test_a_free_name_is_given(place, tmp_path, monkeypatch, how) -> None:  # type: ignore[no-untyped-def]
    how(monkeypatch)
    (tmp_path / "temp").write_bytes(b"new")
    durable.rename("temp", "final", place, replace=False)
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_rename_that_reports_failure_but_happened_counts_as_done(
    place: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    (tmp_path / "temp").write_bytes(b"new")
    real = os.rename

    def happens(*_: object, **__: object) -> int:
        real(tmp_path / "temp", tmp_path / "final")
        raise OSError(errno.ENOENT, "gone")

    monkeypatch.setattr(os, "rename", happens)
    monkeypatch.setattr(os, "replace", happens)
    monkeypatch.setattr(durable, "_rename_new", happens)
    durable.rename("temp", "final", place, replace=replace)
    assert (tmp_path / "final").read_bytes() == b"new"


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_rename_that_fails_leaves_the_temporary_file(
    place: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    (tmp_path / "temp").write_bytes(b"new")
    monkeypatch.setattr(os, "rename", broken(code))
    monkeypatch.setattr(os, "replace", broken(code))
    with pytest.raises(OSError, match=os.strerror(code)):
        durable.rename("temp", "final", place, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["temp"]


@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.EINVAL])
def test_a_folder_that_cannot_be_synced_is_logged_once(
    described: Directory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    durable._warn_once.cache_clear()
    monkeypatch.setattr(os, "fsync", broken(code))
    with caplog.at_level(logging.WARNING):
        durable.sync_folder(described)
        durable.sync_folder(described)
    assert len(caplog.records) == 1
    durable._warn_once.cache_clear()


def test_a_folder_whose_sync_fails_is_an_error(
    described: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", broken(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        durable.sync_folder(described)


def test_a_short_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    with open(tmp_path / "a", "wb") as file:
        durable.write_all(file.fileno(), b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_file_is_replaced_completely_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    durable.write_atomic(str(path), b"first", replace=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken(errno.EIO))
        with pytest.raises(OSError, match="Input/output"):
            durable.write_atomic(str(path), b"second", replace=True)
    assert path.read_text() == "first"
    durable.write_atomic(str(path), b"third", replace=True)
    assert path.read_text() == "third"
    with pytest.raises(FileExistsError):
        durable.write_atomic(str(path), b"fourth", replace=False)
    assert path.read_text() == "third"
    assert [item.name for item in tmp_path.iterdir()] == ["r.json"]


def test_a_file_over_a_link_replaces_the_link(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / "r.json").symlink_to(target)
    durable.write_atomic(str(tmp_path / "r.json"), b"report", replace=True)
    assert target.read_text() == "mine"
    assert (tmp_path / "r.json").read_text() == "report"
