"""The files of one scan as the report lists them: format, size, color space, SHA-256.

Covers what a worker said of new files and what the journal knows of the others. Not
covered: the journal itself.
"""

from __future__ import annotations

import os
from dataclasses import replace

from divere_cli.batch import naming
from divere_cli.batch.plan import ScanPlan
from divere_cli.records.outcome import Outcome, Positive, TaskResult

_FORMATS = {suffix: format_ for format_, suffix in naming.SUFFIXES.items()}


def of(plan: ScanPlan, outcome: Outcome | None) -> tuple[Positive, ...]:
    """List the files of a scan in the order of its outputs.

    Parameters
    ----------
    plan : ScanPlan
    outcome : Outcome or None
        Of the attempt that made those of ``plan.makes``.
    """
    result = (outcome.result if outcome else None) or TaskResult()
    known = {
        each.name: Positive(each.name, _format(each.name), each.size, each.sha256)
        for each in plan.recorded
    }
    for made in result.written:
        size = made.width, made.height
        known[made.name] = Positive(made.name, _format(made.name), made.bytes, made.sha256, *size)
    for names, encoding in zip((plan.outputs, *plan.also), plan.encodings, strict=False):
        for name, recipe in zip(names, plan.recipes, strict=False):
            if name in known:
                space = recipe.working_space if encoding.format == "dng" else encoding.color_space
                known[name] = replace(
                    known[name], bit_depth=encoding.bit_depth, color_space=space.name
                )
    return tuple(known[name] for name in plan.writes if name in known)


def _format(name: str) -> str:
    return _FORMATS.get(os.path.splitext(name)[1], "")
