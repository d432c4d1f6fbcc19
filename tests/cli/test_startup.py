"""Start-up is fast: no large library is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "PyOpenColorIO", "tifffile", "imagecodecs", "PIL", "rich", "jinja2", "psutil"}


def loaded_by(script: str) -> set[str]:
    """Return the top modules that ``script`` leaves loaded, whatever it prints."""
    script = f"import sys\n{script}\nprint('\\nLOADED', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    words = done.stderr[done.stderr.index("LOADED") :].split()
    return {word.split(".")[0] for word in words}


def test_importing_the_program_loads_no_large_library() -> None:
    loaded = loaded_by("import divere_cli.cli")
    assert not loaded & (HEAVY | {"click", "multiprocessing"})


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_load_no_large_library(flag: str) -> None:
    run = f"from divere_cli.cli import app\nassert app.run(['{flag}']) == 0"
    assert not loaded_by(run) & (HEAVY | {"divere_cli.batch", "logging", "asyncio", "inspect_cmd"})


def test_a_batch_on_pipes_loads_no_decoder_and_no_display() -> None:
    run = "from divere_cli.cli import batch_cmd, batch_options, batch_display"
    assert not loaded_by(run) & (HEAVY - {"psutil"})


def test_every_command_is_found_where_the_table_says() -> None:
    import click

    from divere_cli.cli.app import COMMANDS, divere

    context = click.Context(divere)
    for name, entry in COMMANDS.items():
        command = divere.get_command(context, name)
        assert command is not None
        assert command.name == name
        first = (command.help or "").strip().splitlines()[0]
        assert first, f"{name} has no help"
        assert entry.summary.endswith(".")
