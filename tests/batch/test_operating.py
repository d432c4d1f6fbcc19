"""What the operating pages show is checked: units, schedules, options, names of tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from divere_cli.batch import exit_code
from divere_cli.errors import RunError

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text()
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text()
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 15  # of 100, as systemd-analyze counts its threshold: 1.5


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", OPERATING, re.DOTALL)


def batch_options() -> set[str]:
    from divere_cli.cli.batch_cmd import batch

    return {
        name
        for parameter in batch.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def commands() -> list[str]:
    """Every ``divere batch`` line in the page's blocks."""
    text = "\n".join(re.findall(r"```\w+\n(.*?)```", OPERATING, re.DOTALL))
    return re.findall(r"divere batch .*", text)


def test_every_command_uses_options_that_exist() -> None:
    assert len(commands()) >= 4
    known = batch_options()
    for command in commands():
        assert set(re.findall(r" (--?[a-z][a-z-]*)", command)) <= known, command


def test_cron_leaves_scans_that_a_scanner_may_still_write() -> None:
    (line,) = [row for row in blocks("crontab")[0].splitlines() if not row.startswith("#")]
    assert len(line.split()[:5]) == 5
    assert "--settle" in line


@pytest.fixture
def units(tmp_path: Path) -> Path:
    service, timer = blocks("ini")
    command = re.sub(r"ExecStart=\S+", f"ExecStart={shutil.which('true')}", service)
    (tmp_path / "divere.service").write_text(command)
    (tmp_path / "divere.timer").write_text(timer)
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
def test_the_service_is_hardened(units: Path) -> None:
    words = ["security", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    done = subprocess.run(
        [str(ANALYZE), *words, str(units / "divere.service")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
def test_the_units_are_understood(units: Path) -> None:
    done = subprocess.run(
        [str(ANALYZE), "verify", str(units / "divere.service"), str(units / "divere.timer")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_pipelines_publish_the_junit_report() -> None:
    yaml = pytest.importorskip("yaml")
    actions, gitlab = (yaml.safe_load(text) for text in blocks("yaml"))
    steps = actions["jobs"]["grade"]["steps"]
    assert any(step.get("with", {}).get("report_paths") == "positives/report.xml" for step in steps)
    assert gitlab["grade"]["artifacts"]["reports"]["junit"] == "positives/report.xml"
    assert gitlab["grade"]["artifacts"]["when"] == "always"


def test_every_exit_code_in_the_table_is_one() -> None:
    table = OPERATING.split("| exit code |")[1].split("\n\n")[0]
    told = {
        int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for code in row.split(",")
    }
    known = {cls.exit_code for cls in RunError.__subclasses__()} | {0, 3, 129, 130, 143}
    known |= set(exit_code._BY_KIND.values()) | {1}
    assert told <= known
    assert {0, 1, 3, 11, 12, 13, 14} <= told


def test_every_promise_names_tests_that_exist() -> None:
    named = re.findall(r"`([\w/]*test_\w+\.py)::(test_\w+)`", RELIABILITY)
    assert len(named) >= 20
    for file, test in named:
        source = (ROOT / "tests" / file).read_text()
        assert f"def {test}(" in source, f"{file}::{test}"
