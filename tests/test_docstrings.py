"""Public functions have numpydoc sections, and every test module says what it holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "divere_cli"
ARRAYS = re.compile(r"NDArray|(?<!list\[)\b(Array|Band|Bools|Codes|Floats|Mask|Rows|Values)\b")


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def public(path: Path) -> Iterator[ast.FunctionDef]:
    """The module's public functions, without commands, whose help is their docstring."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            if not re.search(r"command|group|argument", decorators):
                yield node


def parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    some = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    more = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [each.arg for each in [*some, *more]]


def section(docstring: str, title: str) -> str:
    """The text of a section, empty where there is none."""
    match = re.search(rf"^{title}\n-+\n(.*?)(?=^\w+\n---|\Z)", docstring, re.M | re.S)
    return match[1] if match else ""


def described(docstring: str) -> set[str]:
    """The names in a section of parameters, several on a line among them."""
    lines = re.findall(r"^([\w*]+(?:, [\w*]+)*)(?: :|$)", section(docstring, "Parameters"), re.M)
    return {name.strip("*") for line in lines for name in line.split(", ")}


def test_public_functions_describe_their_parameters() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}: {function.name}"
        for path in sources()
        for function in public(path)
        if set(parameters(function)) != described(ast.get_docstring(function) or "")
    ]
    assert wrong == []


def test_public_functions_describe_the_arrays_that_they_return() -> None:
    wrong = []
    for path in sources():
        for function in public(path):
            docstring = ast.get_docstring(function) or ""
            returned = ast.unparse(function.returns) if function.returns else ""
            if ARRAYS.search(returned) and not re.search(r"^(Returns|Yields)$", docstring, re.M):
                wrong.append(f"{path.relative_to(PACKAGE)}: {function.name}")
    assert wrong == []


def test_every_test_module_says_in_a_line_what_it_holds() -> None:
    wrong = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        first = (ast.get_docstring(ast.parse(path.read_bytes())) or "").partition("\n")[0]
        if not first.endswith(".") or len(first.split()) < 3:
            wrong.append(f"{path}: {first!r}")
    assert wrong == []
