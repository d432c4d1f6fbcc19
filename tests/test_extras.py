"""Extras are named as pyproject.toml has them, and every hint is a command that works."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from divere_cli import extras

ROOT = Path(__file__).parents[1]
IN_AN_INDEX = re.compile(
    r"""(install|inject|add)\b[^\n`]*?["' ]divere[-_]cli(?!(\[\w+\])? *@)(\[|["'`\s]|$)"""
)


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = project["optional-dependencies"]
    assert {name: tuple(known[name]) for name in known if name not in ("test", "lint")} == (
        extras.EXTRAS
    )


def test_a_venv_is_told_to_use_its_own_pip() -> None:
    *command, requirement = shlex.split(extras.how_to_add("raw"))
    assert command == [sys.executable, "-m", "pip", "install"]
    assert requirement == "rawpy>=0.24"
    assert metadata.version(re.split("[>=]", requirement)[0])


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/a/.local/share/pipx/venvs/divere-cli", "pipx inject divere-cli 'rawpy>=0.24'"),
        (r"C:\Users\a\pipx\venvs\divere-cli", "pipx inject divere-cli 'rawpy>=0.24'"),
    ],
)
def test_pipx_is_told_its_own_command(
    prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    assert extras.how_to_add("raw") == command


def test_uv_is_told_its_own_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uv-receipt.toml").write_text("")
    monkeypatch.setattr(sys, "prefix", os.fspath(tmp_path))
    monkeypatch.setattr(sys, "executable", "/opt/my tools/python")
    wanted = "uv pip install --python '/opt/my tools/python' 'starlette>=0.40' 'uvicorn>=0.30'"
    assert extras.how_to_add("review") == wanted


def test_a_frozen_program_cannot_add_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert "built without 'rawpy>=0.24'" in extras.how_to_add("raw")


def test_nothing_tells_users_to_install_divere_from_an_index() -> None:
    pages = [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md"]
    pages += [*(ROOT / "docs").glob("*.md"), *(ROOT / "divere_cli").rglob("*.py")]
    for page in pages:
        if page.exists():
            told = IN_AN_INDEX.search(page.read_text(encoding="utf-8"))
            assert told is None, f"{page}: {told and told[0]}"


@pytest.mark.parametrize(
    "words",
    ["pip install divere-cli", 'pip install "divere-cli[raw]"', "pipx install divere_cli\n"],
)
def test_such_words_would_be_found(words: str) -> None:
    assert IN_AN_INDEX.search(words)
    assert not IN_AN_INDEX.search('pip install "divere-cli @ git+$DIVERE_REPOSITORY"')
