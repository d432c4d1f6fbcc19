"""Documentation: every kind of error is explained, and every path on a page exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from divere_cli import errors

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
MODULE = re.compile(r":mod:`[~.]*(divere_cli(?:\.\w+)+)`")
PATH = re.compile(r"`((?:divere_cli|tests|docs|profiles|bench)/[\w./-]+\.\w+)`")


def below(cls: type[errors.DivereError]) -> Iterator[type[errors.DivereError]]:
    for child in cls.__subclasses__():
        yield child
        yield from below(child)


def test_every_kind_of_error_has_its_cause_and_cure() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    for cls in below(errors.DivereError):
        if cls.__module__ == errors.__name__ and "kind" in vars(cls):
            assert f"`{cls.kind}`" in page, cls.kind


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_path_on_a_page_exists(page: Path) -> None:
    for path in PATH.findall(page.read_text(encoding="utf-8")):
        if "NAME" not in path:
            assert (ROOT / path).exists(), path


def test_every_module_that_a_docstring_names_exists() -> None:
    for source in sorted((ROOT / "divere_cli").rglob("*.py")):
        for name in MODULE.findall(source.read_text(encoding="utf-8")):
            path = ROOT.joinpath(*name.split("."))
            assert path.is_dir() or path.with_suffix(".py").exists(), f"{source.name}: {name}"
        for name in re.findall(r":mod:`\.(\w+)`", source.read_text(encoding="utf-8")):
            beside = source.parent / name
            assert beside.is_dir() or beside.with_suffix(".py").exists(), f"{source}: .{name}"
