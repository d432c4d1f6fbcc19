"""Folders by descriptor and by path keep the same promises."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from divere_cli.files import directory
from divere_cli.files.directory import ByPath, Directory
from tests.batch import test_grading, test_publish, test_run
from tests.batch.journal import test_writer
from tests.batch.lab import Lab
from tests.files import test_lock, test_output_folder

AGAIN_BY_PATH: list[Callable[..., None]] = [
    test_publish.test_temporary_files_of_dead_runs_are_removed_everywhere,
    test_run.test_a_retouched_positive_is_never_replaced,
]
WITH_PATCHES: list[Callable[..., None]] = [
    test_publish.test_a_run_that_died_between_rename_and_record_is_recovered,
    test_publish.test_several_positives_of_a_scan_come_together,
    test_publish.test_a_failed_sync_is_never_tried_again,
]
IN_A_FOLDER: list[Callable[..., None]] = [
    test_output_folder.test_an_absent_folder_is_none_or_made_with_its_parents,
    test_output_folder.test_sub_folders_are_made_and_reached,
    test_output_folder.test_a_removed_or_replaced_folder_is_noticed,
]


@pytest.mark.usefixtures("by_path")
@pytest.mark.parametrize("test", AGAIN_BY_PATH)
def test_a_run_by_path(lab: Lab, test: Callable[..., None]) -> None:
    test(lab)


@pytest.mark.usefixtures("by_path")
@pytest.mark.parametrize("test", WITH_PATCHES)
def test_a_run_by_path_with_faults(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, test: Callable[..., None]
) -> None:
    test(lab, monkeypatch)


@pytest.mark.usefixtures("by_path")
@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC])
@pytest.mark.parametrize("call", ["create", "sync", "rename"])
def test_a_call_that_fails_by_path(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    if code == errno.ENOSPC:
        test_publish.test_no_space_anywhere_ends_with_13_and_the_next_run_goes_on(
            lab, monkeypatch, call, code
        )
    else:
        test_publish.test_a_call_that_fails_fails_one_scan(lab, monkeypatch, call, code)


@pytest.mark.usefixtures("by_path")
@pytest.mark.parametrize("test", IN_A_FOLDER)
def test_a_folder_by_path(tmp_path: Path, test: Callable[..., None]) -> None:
    test(tmp_path)


@pytest.mark.usefixtures("by_path")
@pytest.mark.parametrize("inside", [True, False])
def test_links_are_refused_by_path(tmp_path: Path, inside: bool) -> None:
    test_output_folder.test_links_on_the_way_are_refused(tmp_path, inside)


@pytest.mark.usefixtures("by_path")
def test_lock_and_journal_by_path_follow_no_link(tmp_path: Path) -> None:
    for name, test in (
        ("lock", test_lock.test_a_link_in_place_of_the_lock_is_not_followed),
        ("journal", test_writer.test_a_link_in_place_of_the_journal_is_not_followed),
    ):
        (tmp_path / name).mkdir()
        folder = test_output_folder.opened(tmp_path / name)
        test(folder, tmp_path / name)
        folder.close()


@pytest.mark.usefixtures("by_path")
def test_a_link_in_the_way_is_replaced_by_path(lab: Lab) -> None:
    test_grading.test_a_link_in_the_way_is_replaced_never_followed(lab)


@pytest.fixture(params=[True, False], ids=["by descriptor", "by path"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Directory]:
    monkeypatch.setattr(directory, "BY_DESCRIPTOR", request.param)
    held = directory.hold(str(tmp_path))
    yield held
    held.close()


def test_links_are_seen_as_links(place: Directory, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"mine")
    os.utime(tmp_path / "target", ns=(1, 1))
    (tmp_path / "link").symlink_to("target")
    assert stat.S_ISLNK(place.stat("link").st_mode)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        place.open("link", os.O_RDWR)
    if isinstance(place, ByPath):
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            place.touch("link")
    else:
        place.touch("link")
    place.unlink("link")
    assert (tmp_path / "target").read_bytes() == b"mine"
    assert (tmp_path / "target").stat().st_mtime_ns == 1


def test_a_walk_follows_no_link_and_leaves_out_what_is_cleared(
    place: Directory, tmp_path: Path
) -> None:
    for name in ("a/b", "left/c", "away"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "away")
    found = []
    for top, folders, files, here in place.walk():
        if "left" in folders:
            folders.remove("left")
        found += [(top, here.stat(name).st_ino) for name in files]
    files = [tmp_path / "a/b/file", tmp_path / "away/file"]
    assert sorted(found) == sorted((False, file.stat().st_ino) for file in files)


def test_the_free_space_of_the_device_is_returned(place: Directory) -> None:
    free, names = place.free()
    assert free > 0
    assert names


def test_a_folder_that_was_swapped_is_not_held_again(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    held = ByPath(str(tmp_path / "out"))
    (tmp_path / "out").rename(tmp_path / "away")
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        held.again()


def test_a_junction_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", 0xA0000003, raising=False)
    for tag, folder in ((0xA0000003, False), (0, True)):
        found = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag)
        assert directory._is_folder(found) is folder  # type: ignore[arg-type]
