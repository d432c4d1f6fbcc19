"""How the program ends: exit codes, one line each, whatever happens to its streams."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from divere_cli import errors
from divere_cli.cli import app
from tests.cli.program import DIVERE, NO_READER, divere, shell


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["bach"], "no such command 'bach'; did you mean 'batch'?"),
        (["batch", "--jbos", "2", "a", "b"], "'--jobs'"),
        (["batch", "--format", "gif", "a", "b"], "'gif' is not one of"),
        (["batch", "--jobs", "0", "a", "b"], "is not a number of jobs"),
        (["batch", "--memory-budget", "101%", "a", "b"], "not a share"),
        (["batch", "--worker-memory", "9 potatoes", "a", "b"], "not a size"),
        (["batch"], "missing argument"),
        (["--nope"], "no such option"),
    ],
)
def test_an_invalid_command_line_is_one_line_a_hint_and_exit_2(args: list[str], said: str) -> None:
    done = divere(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("divere: error: usage: ")
    assert said in error
    assert re.fullmatch(r"divere: hint: .*see `divere( batch)? --help`", hint)


def test_a_missing_report_is_reported_with_a_safe_name() -> None:
    done = divere("report", "no\x1b[31m\nsuch.json")
    assert done.returncode == 10
    assert done.stderr.splitlines()[0] == (
        r"divere: error: input: 'no\x1b[31m\x0asuch.json': No such file or directory"
    )


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (errors.OutputLocked("another run holds 'out'"), 11),
        (errors.NoSpaceLeft("full"), 13),
        (errors.ProfileError("bad"), 2),
        (errors.CorruptInput("cut"), 3),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("a bug"), 1),
    ],
)
def test_every_exception_has_its_exit_code_and_no_traceback(
    raised: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def main(*_args: object, **_more: object) -> int:
        raise raised

    monkeypatch.setattr(app.divere, "main", main)
    assert app.run([]) == code
    shown = capfd.readouterr().err
    assert shown.startswith("divere: error: ")
    assert "Traceback" not in shown


def test_a_traceback_is_shown_with_v(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def main(*_args: object, obj: object, **_more: object) -> int:
        obj.verbose = 1  # type: ignore[attr-defined]
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(app.divere, "main", main)
    assert app.run([]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert any("ZeroDivisionError" in line for line in lines if line.startswith("divere: trace:"))


def test_v_before_any_command_shows_where_an_error_arose() -> None:
    assert "divere: trace: " not in divere("report", "nothing.json").stderr
    done = divere("-v", "report", "nothing.json")
    assert done.returncode == 10
    assert "FileNotFoundError" in done.stderr
    assert all(line.startswith("divere: ") for line in done.stderr.splitlines())


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (NO_READER + "divere --help >&5", 141, ""),
        ("divere --help >/dev/full", 14, "No space left on device"),
        ("divere --help >&-", 0, ""),
        ("divere --help >&- 2>&- <&-", 0, ""),
        ("divere bach 2>/dev/full", 2, ""),
        ("divere bach 2>&-", 2, ""),
    ],
)
def test_a_lost_stream_has_its_exit_code_and_never_120(
    script: str, code: int, said: str, tmp_path: Path
) -> None:
    if "/dev/full" in script and not Path("/dev/full").exists():
        pytest.skip("/dev/full is not here: Linux only")
    done = shell(script, tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("divere ba", "batch"),
        ("divere batch --iso", "--isolation"),
        ("divere batch --ir s", "sidecar"),
        ("divere batch -p c41-end", "c41-endura-premier"),
        ("divere batch --color-space Disp", "DisplayP3"),
    ],
)
def test_the_shell_completes_commands_options_and_choices(words: str, found: str) -> None:
    env = {
        "_DIVERE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = divere(env=env)
    assert done.returncode == 0, done.stderr
    assert f"plain,{found}" in done.stdout.splitlines()
    assert "complete" in divere(env={"_DIVERE_COMPLETE": "bash_source"}).stdout


def test_no_arguments_show_the_help_and_fail() -> None:
    done = subprocess.run(DIVERE, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Usage: divere" in done.stdout + done.stderr
