"""An installed wheel finds the same shipped data as a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from divere_cli.profile import library

ROOT = Path(__file__).parents[2]

LOOK = """
import sys
sys.path.insert(0, sys.argv[1])
from divere_cli.profile import inherit, library, resolve
assert str(library.folder()).startswith(sys.argv[1]), library.folder()
for name in library.names():
    print(name, resolve.recipe(library.load(name)).sha256)
"""


def looked(where: Path) -> str:
    """What a fresh interpreter finds in an installation at ``where``."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOOK, str(where)],
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_checkout_finds_its_data() -> None:
    assert library.folder() == ROOT / "profiles"
    assert len(looked(ROOT).splitlines()) == len(library.names())


@pytest.mark.slow
def test_an_installed_wheel_finds_the_same_data(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheels, installed = tmp_path / "wheels", tmp_path / "installed"
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", wheels, ROOT], check=True, timeout=600)
    (wheel,) = wheels.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("divere_cli/profiles/")}
    ours = {f"divere_cli/profiles/{path.relative_to(ROOT / 'profiles')}" for path in files()}
    assert shipped == ours
    subprocess.run(
        [*pip, "install", "-q", "--no-deps", "--target", installed, wheel],
        check=True,
        timeout=600,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    assert looked(installed) == looked(ROOT)


def files() -> list[Path]:
    return [path for path in (ROOT / "profiles").rglob("*") if path.is_file()]
