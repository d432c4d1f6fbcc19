"""The source archive and the wheel: what they hold, and that they work in an empty environment."""

from __future__ import annotations

import email
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from divere_cli import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a command to its end; give its stdout."""
    done = subprocess.run(
        list(map(os.fspath, words)), cwd=cwd, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def empty(folder: Path) -> Path:
    """Make an environment with nothing but pip; give its programs' folder."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source archive, and the wheel from it; both are checked as an index would."""
    place = tmp_path_factory.mktemp("dist")
    python = empty(place / "tools") / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    got = subprocess.run([*pip, "build", "twine"], capture_output=True, timeout=300, check=False)
    if got.returncode:
        pytest.skip("needs a package index for build and twine")
    run(python, "-m", "build", "--outdir", place / "dist", ROOT)
    files = sorted((place / "dist").iterdir())
    assert len(files) == 2
    run(python, "-m", "twine", "check", "--strict", *files)
    return place / "dist"


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    programs = empty(tmp_path / "env")
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel)
    divere = programs / "divere"
    assert run(divere, "--version").split()[1] == __version__
    run(divere, "samples", "in", "--count", "1", "--megapixels", "0.05", cwd=tmp_path)
    run(divere, "batch", "in", "out", "--report", "r.json", "--report", "r.html", cwd=tmp_path)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["summary"]["ok"] == 1
    assert "<title>" in (tmp_path / "r.html").read_text()
    share = tmp_path / "env" / "share"
    assert (share / "man" / "man1" / "divere-batch.1").is_file()
    schema = json.loads((share / "doc" / "divere-cli" / "report.schema.json").read_text())
    assert set(report) == set(schema["properties"])
    doctor = json.loads(run(divere, "doctor", "--json"))
    assert doctor["extras"]["raw"] is None
    assert all(doctor["libraries"].values())
    page = run(divere, "doctor")
    hint = re.search(r"^raw +not installed; (.*)$", page, re.MULTILINE)
    assert hint is not None
    run(*shlex.split(hint[1]))
    assert json.loads(run(divere, "doctor", "--json"))["extras"]["raw"]


@pytest.mark.slow
def test_the_archives_hold_what_they_should(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "divere_cli").rglob("*")
        if path.is_file() and path.suffix in (".py", ".j2", ".css", ".js", ".csv", ".typed")
    }
    assert modules <= names
    assert any(name.startswith("divere_cli/profiles/") for name in names)
    assert not any("tests/" in name or ".pyc" in name for name in names)
    (info,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(zipfile.ZipFile(wheel).read(info))
    assert metadata.get_all("Project-URL")
    assert set(metadata.get_all("Provides-Extra") or ()) == set(
        PROJECT["project"]["optional-dependencies"]
    )
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        inside = {name.partition("/")[2] for name in source.getnames()}
    for wanted in ("tests/test_packaging.py", "CHANGELOG.md", "docs/releasing.md", "Makefile"):
        assert wanted in inside


def test_the_page_on_releasing_names_what_there_is() -> None:
    page = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"make ([\w-]+)", page):
        assert target in targets
    heads = re.findall(r"^## (.*)$", (ROOT / "docs" / "isolation.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
    for anchor in re.findall(r"isolation\.md#([\w-]+)", page):
        assert anchor in anchors
    assert (ROOT / "CHANGELOG.md").read_text().count("\n## Unreleased\n") == 1


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "divere_cli/__init__.py"
    assert sys.version_info >= (3, 11)
