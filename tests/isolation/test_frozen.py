"""A frozen divere runs a batch in every isolation; built as docs/isolation.md says."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.isolation.conftest import ROOT

PAGE = (ROOT / "docs" / "isolation.md").read_text(encoding="utf-8")
LEFT_OUT = ("distributed", "dask", "colour", "scipy", "matplotlib", "tkinter", "pytest", "IPython")


def documented() -> tuple[list[str], str]:
    """The command and the entry of the page."""
    command = re.search(r"```\n(pyinstaller .*?)```", PAGE, re.S)
    entry = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert command is not None
    assert entry is not None
    return shlex.split(command[1].replace("\\\n", " ")), entry[1]


def test_the_isolation_page_shows_a_command_and_an_entry_point() -> None:
    command, entry = documented()
    assert command[0] == "pyinstaller"
    assert command[-1] == "entry.py"
    assert f"profiles{os.pathsep}divere_cli/profiles" in command
    compile(entry, "entry.py", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--onedir", "--onefile"])
def test_a_frozen_divere_runs_in_every_isolation(form: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("needs PyInstaller: pip install pyinstaller")
    (_, *words), entry = documented()
    (tmp_path / "entry.py").write_text(entry)
    words = [word.replace("profiles:", f"{ROOT / 'profiles'}:") for word in words]
    words += [form, "--paths", str(ROOT), "--log-level", "ERROR"]
    words += [word for name in LEFT_OUT for word in ("--exclude-module", name)]
    build = [sys.executable, "-m", "PyInstaller", *words]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, timeout=800)
    program = tmp_path / "dist" / "divere"
    program = program / "divere" if form == "--onedir" else program

    def divere(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], cwd=tmp_path, check=True, timeout=120, stdout=subprocess.PIPE
        )
        return done.stdout.decode()

    divere("samples", "in", "--count", "2", "--megapixels", "0.1")
    cases = [("auto", ""), ("never", ""), ("always", "forkserver"), ("always", "spawn")]
    pictures = set()
    for isolation, method in cases:
        out = f"out-{isolation}-{method}"
        more = ["--start-method", method] if method else []
        divere("batch", "in", out, "-p", "5000ed-ultramax400", "--isolation", isolation, *more)
        report = json.loads((tmp_path / out / "divere-report.json").read_text())
        assert report["summary"]["ok"] == 2
        assert report["isolation"]["effective"] == ("process" if method else "thread")
        assert report["isolation"]["fallback_reason"] is None
        pictures.add((tmp_path / out / "frame-01.tif").read_bytes())
    assert len(pictures) == 1, "isolation must not change a pixel"
    divere("report", "out-auto-/divere-report.json", "--html", "page.html")
    assert "<title>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    found = json.loads(divere("doctor", "--json"))
    assert all(found["libraries"].values()), "what is built in is not missing"
    assert all(found["codecs"].values())
    assert found["isolation"]["effective"] == "thread"
    works = {method["name"] for method in found["start_methods"] if method["works"]}
    assert works == {"forkserver", "spawn", "fork"}
    assert "c41-endura-premier" in divere("profiles", "list")
    service = subprocess.Popen(
        [program, "watch", "in", "watched", "--listen", "127.0.0.1:0", "--isolation", "always"],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "watched" / "frame-02.tif").exists():
            assert service.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        service.terminate()
        assert service.wait(60) == 143
