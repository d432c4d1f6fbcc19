"""The files of one scan as the report lists them: format, size, color space, SHA-256.

Combines the worker's report on new files with the journal's records of the others.
"""

from __future__ import annotations

from divere_cli.batch import naming
from divere_cli.batch.plan import ScanPlan
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding
from divere_cli.records.outcome import Outcome, Positive

_NONE = (None, None)  # bit depth and color space of what is no positive
_FORMATS = {suffix: format_ for format_, suffix in naming.SUFFIXES.items()}


def of(plan: ScanPlan, outcome: Outcome | None) -> tuple[Positive, ...]:
    """Return the files of a scan in the order of its outputs.

    Parameters
    ----------
    plan : ScanPlan
    outcome : Outcome or None
        Outcome of the attempt that made the files of ``plan.makes``.
    """
    depths = {
        name: (encoding.bit_depth, _space(encoding, recipe))
        for names, encoding in zip((plan.outputs, *plan.also), plan.encodings, strict=False)
        for name, recipe in zip(names, plan.recipes, strict=False)
    }
    files = {
        each.name: Positive(
            each.name,
            _format(each.name),
            each.size,
            each.sha256,
            None,
            None,
            *depths.get(each.name, _NONE),
        )
        for each in plan.recorded
    }
    for made in outcome.result.written if outcome and outcome.result else ():
        files[made.name] = Positive(
            made.name,
            _format(made.name),
            made.bytes,
            made.sha256,
            made.width,
            made.height,
            *depths.get(made.name, _NONE),
        )
    return tuple(files[name] for name in plan.writes if name in files)


def _space(encoding: Encoding, recipe: Recipe) -> str:
    space = recipe.working_space if encoding.format == "dng" else encoding.color_space
    return space.name


def _format(name: str) -> str:
    return _FORMATS.get(name[name.rfind(".") :], "")
