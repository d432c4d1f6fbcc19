"""Only regular files are opened: nothing is ever waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from divere_cli.files import regular
from tests.cli.program import divere


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    with open(tmp_path / "a", "rb", opener=regular.opener) as file:
        assert file.read() == b"text"


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices with names")
@pytest.mark.parametrize("what", ["pipe", "device", "folder", "link to a pipe"])
def test_anything_but_a_regular_file_is_refused_at_once(what: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "device":
        path = Path("/dev/zero")
    else:
        os.mkfifo(tmp_path / "b")
        path.symlink_to(tmp_path / "b")
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(OSError, match="directory" if what == "folder" else "not a regular file"):
        open(path, "rb", opener=regular.opener)  # noqa: SIM115
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.skipif(os.name != "posix", reason="pipes with names")
@pytest.mark.parametrize("option", ["--config", "--film-data", "--flat-field", "--log-file"])
def test_options_that_name_a_file_refuse_a_pipe(option: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "in").mkdir()
    done = divere("batch", tmp_path / "in", tmp_path / "out", option, tmp_path / "pipe")
    assert done.returncode == 2
    assert str(tmp_path / "pipe") in done.stderr
    assert not (tmp_path / "out").exists()
