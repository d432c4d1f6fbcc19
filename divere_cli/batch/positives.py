"""The files of one scan as the report lists them: format, size, color space, SHA-256.

Combines the worker's report on new files with the journal's records of the others.
"""

from __future__ import annotations

import os
from dataclasses import replace

from divere_cli.batch import naming
from divere_cli.batch.plan import ScanPlan
from divere_cli.records.outcome import Outcome, Positive, TaskResult

_FORMATS = {suffix: format_ for format_, suffix in naming.SUFFIXES.items()}


def of(plan: ScanPlan, outcome: Outcome | None) -> tuple[Positive, ...]:
    """Return the files of a scan in the order of its outputs.

    Parameters
    ----------
    plan : ScanPlan
    outcome : Outcome or None
        Outcome of the attempt that made the files of ``plan.makes``.
    """
    result = (outcome.result if outcome else None) or TaskResult()
    files = {
        each.name: Positive(each.name, _format(each.name), each.size, each.sha256)
        for each in plan.recorded
    }
    for made in result.written:
        size = made.width, made.height
        files[made.name] = Positive(made.name, _format(made.name), made.bytes, made.sha256, *size)
    for names, encoding in zip((plan.outputs, *plan.also), plan.encodings, strict=False):
        for name, recipe in zip(names, plan.recipes, strict=False):
            if name in files:
                space = recipe.working_space if encoding.format == "dng" else encoding.color_space
                files[name] = replace(
                    files[name], bit_depth=encoding.bit_depth, color_space=space.name
                )
    return tuple(files[name] for name in plan.writes if name in files)


def _format(name: str) -> str:
    return _FORMATS.get(os.path.splitext(name)[1], "")
