"""docs/architecture.md as data: who imports whom, who owns which library, what loads at import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import architecture_page

PACKAGE = Path(__file__).parents[1] / "divere_cli"

WORDS = {"errors", "records", "text", "extras", "__init__"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "records": set(),
    "text": set(),
    "extras": set(),
    "__init__": set(),
    "__main__": {"cli"},
    "api": {"batch", "profile", "report", "color", "image", "files"},
    "system": set(),
    "files": set(),
    "profile": set(),
    "color": set(),
    "image": set(),
    "develop": {"color", "image", "infrared", "files", "films"},
    "samples": {"profile", "color", "image", "files"},
    "roll": {"profile", "color", "develop"},
    "frames": {"develop", "image", "profile"},
    "infrared": set(),
    "films": set(),
    "isolation": {"system"},
    "cluster": {"isolation", "system", "files"},
    "calibrate": {"isolation", "develop", "profile", "color", "image", "files"},
    "proof": {"isolation", "develop", "films", "roll", "profile", "color", "image", "files"},
    "archive": set(),
    "batch": {"isolation", "image", "films", "archive", "system", "files", "frames"},
    "report": set(),
    "service": {"batch", "image", "files", "system"},
    "review": {"isolation", "films", "profile", "color", "image", "develop", "files"},
    "cli": {"batch", "isolation", "profile", "color", "image", "report", "roll",
            "calibrate", "proof", "samples", "system", "files", "review", "service", "films",
            "archive", "frames"},
}  # fmt: skip

# One module may know more than its room: it turns words into what the room works with.
MODULES_MAY_IMPORT: dict[str, set[str]] = {
    "batch/options.py": {"profile", "roll", "report", "cluster"},
    "batch/request.py": {"profile"},
    "batch/plan.py": {"profile"},
    "batch/found_frames.py": {"profile"},
    "batch/film_presets.py": {"profile"},
}

OWNERS: dict[str, set[str]] = {
    "click": {"cli"},
    "rich": {"cli", "report"},
    "jinja2": {"report"},
    "PyOpenColorIO": {"color", "isolation"},
    "numpy": {
        "api",
        "calibrate",
        "proof",
        "color",
        "image",
        "develop",
        "frames",
        "films",
        "infrared",
        "roll",
        "samples",
        "isolation",
        "review",
    },
    "imagecodecs": {"image"},
    "tifffile": {"image"},
    "imageio": {"image"},
    "PIL": {"calibrate", "proof", "image"},
    "rawpy": {"image"},
    "exiv2": {"image"},
    "starlette": {"review"},
    "uvicorn": {"review"},
    "distributed": {"cluster"},
    "dask": {"cluster"},
    "prometheus_client": {"service", "report"},
    "multiprocessing": {"isolation", "cli"},
    "signal": {"batch", "cli", "isolation", "system", "service"},
    "resource": {"isolation", "system"},
    "zxingcpp": {"films"},
    "psutil": {"isolation", "batch", "cli", "system"},
}

STANDARD_BUT_OWNED = {"multiprocessing", "signal", "resource"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "divere_cli":
                yield from (f"divere_cli.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_behind_it(path: Path) -> None:
    room = room_of(path)
    more = MODULES_MAY_IMPORT.get(path.relative_to(PACKAGE).as_posix(), set())
    allowed = MAY_IMPORT[room] | WORDS | {room} | more
    for name in imported(path):
        if name.startswith("divere_cli."):
            other = name.split(".")[1]
            if other in ("__version__", "GRADE"):
                continue
            assert other in allowed, f"{room} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_library_is_touched_only_by_its_owner(path: Path) -> None:
    room = room_of(path)
    for name in imported(path):
        top = name.split(".")[0]
        if top in ("divere_cli", "") or (
            top in sys.stdlib_module_names and top not in STANDARD_BUT_OWNED
        ):
            continue
        assert room in OWNERS[top], f"{room} must not import {top}"


def _edges() -> dict[str, set[str]]:
    """Who imports whom among the modules, functions and type checks included."""
    names = {}
    for path in modules():
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    edges: dict[str, set[str]] = {}
    for name, path in names.items():
        targets = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    targets.add(whole if whole in names else node.module)
        edges[name] = (targets & names.keys()) - {name, PACKAGE.name}
    return edges


def _circle(edges: dict[str, set[str]]) -> list[str]:
    """A way from something back to itself; empty where there is none."""
    done: set[str] = set()

    def walk(one: str, way: list[str]) -> list[str]:
        if one in way:
            return [*way[way.index(one) :], one]
        if one in done:
            return []
        for other in sorted(edges.get(one, ())):
            if found := walk(other, [*way, one]):
                return found
        done.add(one)
        return []

    return next((found for one in sorted(edges) if (found := walk(one, []))), [])


def test_no_module_and_no_room_imports_itself_by_a_detour() -> None:
    edges = _edges()
    assert _circle(edges) == []
    rooms: dict[str, set[str]] = {}
    for name, others in edges.items():
        room = [*name.split("."), ""][1]
        rooms.setdefault(room, set()).update(other.split(".")[1] for other in others)
    assert _circle({room: others - {room} for room, others in rooms.items()}) == []


def test_no_room_may_import_what_it_does_not() -> None:
    used: dict[str, set[str]] = {}
    for path in modules():
        for name in imported(path):
            if name.startswith("divere_cli."):
                used.setdefault(room_of(path), set()).add(name.split(".")[1])
    unused = {room: MAY_IMPORT[room] - used.get(room, set()) for room in MAY_IMPORT}
    assert {room: rooms for room, rooms in unused.items() if rooms} == {}


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import divere_cli.cli", {"numpy", "PyOpenColorIO", "tifffile", "rich", "jinja2"}),
        ("import divere_cli.batch.run", {"numpy", "PyOpenColorIO", "tifffile", "imagecodecs"}),
        ("import divere_cli.profile.select", {"numpy", "PyOpenColorIO", "tifffile"}),
        ("import divere_cli.image.header", {"numpy", "tifffile", "imagecodecs", "PIL", "imageio"}),
        ("import divere_cli.review.service", {"numpy", "PyOpenColorIO", "imagecodecs"}),
        ("import divere_cli.report.summary", {"numpy", "rich", "jinja2"}),
    ],
)
def test_the_parent_stays_light(statement: str, forbidden: set[str]) -> None:
    assert not loaded_by(statement) & forbidden


def test_the_map_names_every_room_and_no_other() -> None:
    rooms = {room_of(path) for path in modules()}
    assert rooms == set(MAY_IMPORT)
    page = architecture_page.PAGE.read_text(encoding="utf-8")
    for room in rooms - {"__init__", "__main__"}:
        assert f"`{room}/`" in page or f"`{room}.py`" in page, f"{room} is not on the page"


def test_the_generated_tables_of_the_page_are_up_to_date() -> None:
    page = architecture_page.PAGE.read_text(encoding="utf-8")
    parts = {
        "rooms": architecture_page.room_table(MAY_IMPORT, OWNERS),
        "tree": architecture_page.tree(),
        "way": architecture_page.drawing(architecture_page.drawn()),
    }
    assert architecture_page.text(page, parts) == page, "run: make docs"
