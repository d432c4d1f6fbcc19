"""The CI definitions run the suite that ``make test`` runs, on Linux, macOS and Windows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import POSIX_ONLY

ROOT = Path(__file__).parents[1]
FILE = ROOT / ".github" / "workflows" / "tests.yml"
MAKEFILE = (ROOT / "Makefile").read_text()

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="a source archive has no CI definitions")


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["jobs"]
    return found


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_linux_runs_what_any_clean_clone_runs(jobs: dict[str, Any]) -> None:
    assert ".ci/run" in commands(jobs["linux"])


def test_the_other_systems_run_the_same_tests_by_the_same_command(jobs: dict[str, Any]) -> None:
    rows = jobs["suite"]["strategy"]["matrix"]["include"]
    assert {row["os"].partition("-")[0] for row in rows} == {"ubuntu", "macos", "windows"}
    told = re.search(r"^test: .*\n\t\$\(BIN\)/(python .*)$", MAKEFILE, re.MULTILINE)
    assert told is not None
    assert told[1] in commands(jobs["suite"])
    extras = re.search(r"-e '\.(\[[a-z,]+\])'", MAKEFILE)
    assert extras is not None
    assert f'python -m pip install -e ".{extras[1]}"' in commands(jobs["suite"])


def test_the_oldest_and_the_newest_python_are_tried(jobs: dict[str, Any]) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    known = re.findall(r"Python :: (3\.\d+)", project)
    tried = {row["python"] for row in jobs["suite"]["strategy"]["matrix"]["include"]}
    assert {known[0], known[-1]} <= tried


def test_what_make_is_asked_for_is_there(jobs: dict[str, Any]) -> None:
    targets = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
    for job in jobs.values():
        for command in commands(job):
            if command.startswith("make "):
                assert command.split()[1] in targets


@pytest.mark.skipif(
    shutil.which("check-jsonschema", path=str(Path(sys.executable).parent)) is None,
    reason="needs check-jsonschema",
)
def test_the_definitions_fit_the_schema_of_github() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    words = [program, "--builtin-schema", "vendor.github-workflows", FILE]
    done = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_windows_cannot_import_is_left_out_there_and_nothing_else() -> None:
    """A module that imports what POSIX alone has would end the collection on Windows."""
    tests = ROOT / "tests"
    posix = re.compile(r"^(?:import|from) (fcntl|resource|pty|termios|pwd|grp|tty)\b", re.MULTILINE)
    needing = {path for path in tests.rglob("*.py") if posix.search(path.read_text("utf-8"))}
    helpers = {path for path in needing if not path.name.startswith("test_")}
    for helper in helpers:
        named = re.compile(rf"import .*\b{helper.stem}\b|\.{helper.stem} import")
        tried = tests.rglob("test_*.py")
        needing |= {path for path in tried if named.search(path.read_text("utf-8"))}
    expected = {path.relative_to(tests).as_posix() for path in needing - helpers}
    assert expected == set(POSIX_ONLY)
