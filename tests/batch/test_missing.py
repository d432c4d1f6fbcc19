"""Errors for a missing INPUT, and for INPUT and OUTPUT in the wrong order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.tiffs import tiff
from tests.cli.program import divere


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.tif").write_bytes(tiff())
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "hint"),
    [
        (("out", "scans"), "did you mean INPUT 'scans' OUTPUT 'out'?"),
        (("scanz", "out"), "did you mean 'scans'?"),
        (("scans/b.tif", "out"), "did you mean 'scans/a.tif'?"),
        (("scans/*.tiff", "out"), "no file matches this pattern"),
        (("gone/scans", "out"), "there is no folder 'gone'"),
        (("qqqq", "out"), "check the path"),
    ],
)
def test_an_input_that_is_not_there(paths: tuple[str, str], hint: str, place: Path) -> None:
    done = divere("batch", *paths, cwd=place)
    assert done.returncode == 10
    error, cure = done.stderr.splitlines()
    assert error == f"divere: error: input: INPUT '{paths[0]}': No such file or directory"
    assert cure.startswith("divere: hint: ")
    assert hint in cure
    assert not (place / "out").exists()


def test_an_empty_input_and_an_output_that_holds_scans(place: Path) -> None:
    done = divere("batch", "empty", "scans", cwd=place)
    assert "no file in 'empty'; OUTPUT 'scans' holds 1 picture: INPUT comes first" in done.stderr


def test_one_path_alone(place: Path) -> None:
    done = divere("batch", "scans", cwd=place)
    assert done.returncode == 2
    assert "the last path is OUTPUT, those before it are INPUT" in done.stderr
