"""The lab that batches are tested in."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.files import directory
from divere_cli.files.output_folder import Folder
from tests.batch.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty lab; every run in it is checked for what holds after any run."""
    made = Lab(tmp_path)
    made.inputs.mkdir()
    return made


@pytest.fixture
def by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are reached by path, as where the system has no calls beside a descriptor."""
    monkeypatch.setattr(directory, "BY_DESCRIPTOR", False)


@pytest.fixture
def folder(tmp_path: Path):  # type: ignore[no-untyped-def]
    opened = Folder.open(str(tmp_path), create=False)
    assert opened is not None
    yield opened
    opened.close()
