"""The pages on commands and exit codes say what the program does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from divere_cli import errors
from tests.cli import generated, man_pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "page", [generated.COMMANDS_PAGE, generated.CODES_PAGE], ids=lambda p: p.name
)
def test_the_page_is_up_to_date(page: Path) -> None:
    due = "run: python -m tests.cli.generated"
    assert page.read_text(encoding="utf-8") == generated.files()[page], due


def test_every_exit_code_of_the_program_is_on_the_page() -> None:
    page = generated.CODES_PAGE.read_text(encoding="utf-8")
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    from divere_cli.cli import app

    own = {app.INTERRUPTED, app.READER_GONE, app.STREAM_FAILED, app.BUG}
    raised = {cls.exit_code for cls in generated.below(errors.DivereError)} - {1}
    assert told >= own | raised | {0, 3, 129, 130, 143}


def test_every_option_has_the_environment_variable_of_its_name() -> None:
    page = generated.COMMANDS_PAGE.read_text(encoding="utf-8")
    command = ""
    seen = 0
    for line in page.splitlines():
        if line.startswith("## "):
            command = line.removeprefix("## ").upper().replace(" ", "_")
        names = re.findall(r"`--([a-z-]+)`", line.split(" | ")[0])
        if line.startswith("| `-"):
            wanted = f"`{command}_{names[0].upper().replace('-', '_')}`"
            assert line.split(" | ")[-1].removesuffix(" |") == wanted, line
            seen += 1
    assert seen > 50


def test_the_manual_pages_are_up_to_date() -> None:
    made = man_pages.pages()
    assert set(man_pages.FOLDER.glob("*.1")) == set(made), "run: make docs"
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run: make docs"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_pages_are_what_roff_reads_without_a_warning() -> None:
    pages = sorted(man_pages.FOLDER.glob("*.1"))
    command = ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-Wbreak", *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    assert done.stderr == ""
    plain = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)  # bold, as groff writes it
    assert "divere report [OPTIONS] FILE.json|OUTPUT" in plain
    assert "--known-failures" in plain
