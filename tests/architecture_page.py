"""The generated parts of docs/architecture.md: rooms, modules, and the way of a scan.

``python -m tests.architecture_page`` writes them; ``tests/test_architecture.py`` and
``tests/batch/test_depth.py`` compare them with the code.
"""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import scan_way

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "divere_cli"
PAGE = ROOT / "docs" / "architecture.md"
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def text(page: str, parts: dict[str, str]) -> str:
    """Return the page with the generated parts of these names made anew."""

    def part(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        return f"{begin}\n{parts[name]}\n{end}" if name in parts else match[0]

    return _PART.sub(part, page)


def room_table(may_import: dict[str, set[str]], owners: dict[str, set[str]]) -> str:
    """Return the table of rooms: what each is for, may import, and owns."""
    rows = ["| room | what it is for | imports | libraries |", "|---|---|---|---|"]
    for room, others in may_import.items():
        if room.startswith("__"):
            continue
        path = PACKAGE / room
        name = f"{room}/" if path.is_dir() else f"{room}.py"
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        libraries = sorted(library for library, rooms in owners.items() if room in rooms)
        cells = (f"`{name}`", summary(source), ", ".join(sorted(others)), ", ".join(libraries))
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def tree() -> str:
    """Return every module with the first line of its docstring, a list a room."""
    return "\n".join(_tree(PACKAGE)) + "\n"


def _tree(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and (path / "__init__.py").exists():
            place = path.relative_to(PACKAGE).as_posix()
            yield f"\n**`{place}/`** {summary(path / '__init__.py')}\n"
            yield from _tree(path)
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield f"- `{path.name}`: {summary(path)}"


def summary(source: Path) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(source.read_bytes())) or "").partition("\n")[0]


def drawing(way: scan_way.Way) -> str:
    """Return the way of a scan as a drawing in text."""
    names = [place for half in way for place in half]
    wide = max(map(len, names)) + 2
    lines = ["```", "divere batch SCANS POSITIVES"]
    lines += [f"  | {name:<{wide}}{_purpose(name)}" for name in way.parent]
    lines += ["  |", "  +--- the job, as JSON through a pipe ---> a new process for this scan"]
    lines += [f"         | {name:<{wide - 7}}{_purpose(name)}" for name in way.worker]
    return "\n".join([*lines, "```"])


def drawn() -> scan_way.Way:
    """Return the way that the page shows."""
    parent, _, worker = PAGE.read_text(encoding="utf-8").partition("a new process for this scan")
    names = re.compile(r"^ +\| ([\w/]+\.py:\w+)", re.MULTILINE)
    return scan_way.Way(tuple(names.findall(parent)), tuple(names.findall(worker)))


def _purpose(name: str) -> str:
    """Return the first line of a function's docstring."""
    path, _, function = name.partition(":")
    for node in ast.walk(ast.parse((PACKAGE / path).read_bytes())):
        if (
            isinstance(node, ast.FunctionDef)
            and node.name == function
            and (line := (ast.get_docstring(node) or "").partition("\n")[0])
        ):
            return line
    return ""


def main() -> None:
    """Write the page; the drawing comes from a scan that is graded for it."""
    from tests.batch.tiffs import tiff
    from tests.test_architecture import MAY_IMPORT, OWNERS

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "scans").mkdir()
        (folder / "scans" / "a.tif").write_bytes(tiff())
        way = scan_way.trace(folder / "scans", folder / "positives", folder)
    parts = {"rooms": room_table(MAY_IMPORT, OWNERS), "tree": tree(), "way": drawing(way)}
    PAGE.write_text(text(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main()
