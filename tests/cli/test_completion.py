"""Completion in the shells themselves: bash, zsh and fish are asked, each with its own script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import divere

SHELLS = {
    # what readline does: words and the place of the cursor, then the function that is registered
    "bash": """
        eval "$(_DIVERE_COMPLETE=bash_source divere)"
        compopt() { :; }  # works within readline alone
        COMP_WORDS=({words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _divere_completion divere
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    # what the line editor does, with its two functions that show matches
    "zsh": """
        compdef() {{ :; }}
        _path_files() {{ print -l -- *(N); }}
        _describe() {{ print -l -- ${{(P)3}}; }}
        compadd() {{ print -l -- ${{(P)@[-1]}}; }}
        eval "$(_DIVERE_COMPLETE=zsh_source divere)"
        words=({words}) CURRENT=$#words
        _divere_completion
    """,
    "fish": """
        _DIVERE_COMPLETE=fish_source divere | source
        complete --do-complete '{words}'
    """,
}
SHELLS["bash"] = SHELLS["bash"].replace("{ :; }", "{{ :; }}")


def completed(shell: str, words: str, folder: Path) -> set[str]:
    """Return what ``shell`` offers for the last of ``words`` in ``folder``."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"needs {shell}")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    (folder / "home").mkdir()
    env = {"PATH": path, "HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home")}
    norc = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [program, *norc, "-c", SHELLS[shell].format(words=words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
        timeout=240,
    )
    assert done.stderr == ""
    return {re.split("[\t:]", line)[0] for line in done.stdout.splitlines()}  # no descriptions


@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_profiles_are_completed(shell: str, tmp_path: Path) -> None:
    assert "c41-endura-premier" in completed(shell, "divere batch -p c41-end", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("divere rep", "report"),
        ("divere profiles show c41-end", "c41-endura-premier"),
        ("divere batch --iso", "--isolation"),
        ("divere batch --color-space Disp", "DisplayP3"),
        ("divere batch -p au", "auto"),
    ],
)
def test_commands_options_and_values_are_completed(
    shell: str, words: str, found: str, tmp_path: Path
) -> None:
    assert found in completed(shell, words, tmp_path)


def test_files_are_offered_before_names() -> None:
    """Bash's script forgets what came before a file: then no name would be left."""
    env = {
        "_DIVERE_COMPLETE": "bash_complete",
        "COMP_WORDS": "divere batch -p c41",
        "COMP_CWORD": "3",
    }
    first, *rest = divere(env=env).stdout.splitlines()
    assert first.startswith("file,")
    assert rest
    assert all(line.startswith("plain,") for line in rest)
