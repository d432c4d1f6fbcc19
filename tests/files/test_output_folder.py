"""The output folder is held open without following links."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.errors import OutputError, OutputUnusable
from divere_cli.files.output_folder import Folder, split


def opened(path: Path, *, create: bool = False) -> Folder:
    folder = Folder.open(str(path), create=create)
    assert folder is not None
    return folder


def test_an_absent_folder_is_none_or_made_with_its_parents(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c"
    assert Folder.open(str(path), create=False) is None
    opened(path, create=True).close()
    assert path.is_dir()


@pytest.mark.parametrize("create", [True, False])
def test_a_file_is_no_folder(tmp_path: Path, create: bool) -> None:
    (tmp_path / "a").write_bytes(b"")
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(OutputUnusable) as caught:
            Folder.open(str(path), create=create)
        assert caught.value.exit_code == 12


def test_sub_folders_are_made_and_reached(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    with folder.sub("r/s", create=True):
        pass
    (tmp_path / "r/s/a.tif").write_bytes(b"123")
    found = folder.look("r/s/a.tif")
    assert found is not None
    assert found.st_size == 3
    assert folder.look("r/b.tif") is None
    assert folder.look("no/b.tif") is None
    folder.close()


@pytest.mark.parametrize("inside", [True, False])
def test_links_on_the_way_are_refused(tmp_path: Path, inside: bool) -> None:
    root = tmp_path / "out"
    target = root / "real" if inside else tmp_path / "real"
    root.mkdir()
    target.mkdir()
    (root / "link").symlink_to(target)
    folder = opened(root)
    with pytest.raises(OutputError):
        folder.look("link/a.tif")
    with pytest.raises(OutputError), folder.sub("link/x", create=True):
        pass
    assert list(target.iterdir()) == []
    folder.close()


def test_a_removed_or_replaced_folder_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "out"
    folder = opened(root, create=True)
    assert folder.is_there()
    root.rename(tmp_path / "away")
    assert not folder.is_there()
    root.mkdir()
    assert not folder.is_there()
    folder.close()


def test_split() -> None:
    assert split("a/b/c") == ("a/b", "c")
    assert split("c") == ("", "c")
