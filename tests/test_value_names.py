"""Names of values say what the values are."""

from __future__ import annotations

import ast
from pathlib import Path

import divere_cli

PACKAGE = Path(divere_cli.__file__).parent
EMPTY_NAMES = {"found", "said", "told", "asked", "meant"}


def _names(node: ast.AST) -> str:
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr
    return node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""


def test_no_value_is_named_found_said_told_asked_or_meant() -> None:
    bad = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {_names(node)}"  # type: ignore[attr-defined]
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _names(node).lstrip("_") in EMPTY_NAMES
    ]
    assert bad == []
