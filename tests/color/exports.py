"""A grade written to a file and measured, as `divere profiles export` does."""

from __future__ import annotations

from pathlib import Path

from divere_cli.color import export
from divere_cli.records.grade import Recipe, Space


def exported(
    recipe: Recipe,
    output: Space,
    form: export.Form,
    size: int | None,
    path: str,
    *,
    shaper: bool = False,
) -> export.ExportReport:
    text = export.text(recipe, output, form, size, shaper=shaper)
    Path(path).write_text(text, encoding="utf-8")
    return export.measure(recipe, output, form, size, path)
