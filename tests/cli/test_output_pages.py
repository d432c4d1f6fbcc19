"""The pages on outputs, film data and archives: their commands run, their tables are true."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from divere_cli.archive import checking
from divere_cli.batch import also, film_data
from divere_cli.profile import library
from tests.cli.program import divere

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("outputs", "film-data", "archive")


def text(page: str) -> str:
    return (DOCS / f"{page}.md").read_text("utf-8")


@pytest.fixture(scope="module")
def negatives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    done = divere("samples", folder / "negatives", "--count", "2", "--megapixels", "0.1")
    assert done.returncode == 0, done.stderr
    return folder / "negatives"


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_run(page: str, negatives: Path, tmp_path: Path) -> None:
    shutil.copytree(negatives, tmp_path / "negatives")
    for table in re.findall(r"^```csv\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL):
        (tmp_path / "film.csv").write_text(table, "utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert commands
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "divere"
        done = divere(*words, cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
        assert "fits no scan" not in done.stderr


def test_the_page_on_outputs_has_every_key_format_and_space() -> None:
    page = text("outputs")
    for key in also.KEYS:
        assert f"`{key}`" in page, key
    for format_ in also.FORMATS:
        assert f"`{format_}`" in page, format_
    for name in ("eciRGB_v2", "ProPhotoRGB", "Rec2020", "ACEScg", "ACEScct"):
        assert name in library.in_role("output")
        assert f"| `{name}` |" in page


def test_the_page_on_film_data_has_every_column() -> None:
    head = text("film-data").split("```csv\n")[1].split("\n")[0]
    assert head.split(",") == list(film_data.ALIASES)


def test_the_page_on_archives_has_every_verdict() -> None:
    page = text("archive")
    for status in (*checking.PROBLEMS, "ok", "kept"):
        assert f"| `{status}` |" in page, status
