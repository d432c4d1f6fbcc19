"""The unit, the container and the launchd job use options that the program accepts."""

from __future__ import annotations

import json
import plistlib
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from divere_cli.cli.watch_cmd import watch

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "divere-watch.service"
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text()


def understood(words: list[str]) -> None:
    """Fail where ``divere watch`` would not take these arguments."""
    watch.make_context("watch", list(words))


def lists(instruction: str) -> list[list[str]]:
    found = re.findall(rf"^(?:\s+)?{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return [json.loads(each) for each in found]


def test_the_unit_is_one_that_systemd_takes() -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze here")
    done = subprocess.run([verify, "verify", str(UNIT)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert not [line for line in said if "divere-watch" in line]


def test_the_unit_starts_the_service_as_the_program_takes_it() -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    words = shlex.split(line)
    assert words[1] == "watch"
    understood([word for word in words[2:] if word != "$OPTIONS"])


def test_the_container_starts_the_service_as_the_program_takes_it() -> None:
    (entry,), commands = lists("ENTRYPOINT"), lists("CMD")
    assert entry[1:] == ["watch"]
    understood(commands[-1])
    (line,) = re.findall(r"command: \[(.*)\]", COMPOSE)
    understood([word.strip().strip('"') for word in line.split(",")])
    assert commands[0][:2] == ["/opt/divere/bin/python", "-c"]
    compile(commands[0][2], "the health check", "exec")


def test_the_container_is_built_from_files_and_extras_that_there_are() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
    (extras,) = re.findall(r"'\.\[(.*)\]'", DOCKERFILE)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras.split(",")) <= known["optional-dependencies"].keys()
    assert "USER divere" in DOCKERFILE


def test_the_launchd_job_starts_the_service_as_the_program_takes_it() -> None:
    page = (ROOT / "docs" / "watch.md").read_text()
    (text,) = re.findall(r"<\?xml.*?</plist>", page, re.DOTALL)
    job = plistlib.loads(text.encode())
    assert job["ProgramArguments"][1] == "watch"
    understood(job["ProgramArguments"][2:])
