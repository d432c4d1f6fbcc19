"""A calibration as a preset file, with its evidence, and as the JSON that the command prints.

Covers plain data only; standard library. The preset spells every figure out, so that
DiVERE opens it and it means the same whatever ships later. Its provenance names the kind
of calibration, by which `--auto` knows that gray and colors are measured.
"""

from __future__ import annotations

import json

from divere_cli import __version__
from divere_cli.calibrate.result import Calibration, ChartResult, Figures
from divere_cli.profile import document, resolve
from divere_cli.profile.schema import Metadata, Preset
from divere_cli.profile.strict_json import Json

INPUT = "divere-input/1"
KEPT = ("film_stock", "scanner", "print_stock", "light_source")


def text(found: Calibration, base: Preset, print_name: str) -> str:
    """Return the preset file, as ``divere batch -p FILE`` and DiVERE read it.

    Parameters
    ----------
    found : Calibration
        The calibration.
    base : Preset
        The preset that the calibration started from.
    print_name : str
        Name of the print's curve.
    """
    return json.dumps(preset(found, base, print_name), indent=2, ensure_ascii=False) + "\n"


def preset(found: Calibration, base: Preset, print_name: str) -> dict[str, Json]:
    """The preset, JSON-ready.

    Parameters
    ----------
    found : Calibration
    base : Preset
        What it started from, bases merged in; notes on film and scanner are kept, crop and
        turn are not: those were of a scan.
    print_name : str
        Of the print that the figures are for.
    """
    metadata = base.metadata or Metadata()
    kept: dict[str, Json] = {k: getattr(metadata, k) for k in KEPT if getattr(metadata, k)}
    plain = document.preset(
        found.recipe,
        {
            "raw_file": found.charts[found.middle].scan.replace("\\", "/").rsplit("/", 1)[-1],
            "title": f"Calibrated with {found.chart.title}",
            **kept,
            "source": f"divere calibrate {__version__}",
            "note": _note(found, print_name),
            "provenance": provenance(found, base, print_name),
        },
    )
    if base.film_base is not None:
        plain["film_base"] = list(base.film_base)
    return plain


def provenance(found: Calibration, base: Preset, print_name: str) -> dict[str, Json]:
    """Return the evidence behind the preset's figures.

    Parameters
    ----------
    found : Calibration
        The calibration.
    base : Preset
        The preset that the calibration started from.
    print_name : str
        Name of the print's curve.
    """
    result = as_json(found, print_name)
    return {
        "kind": resolve.CALIBRATED if found.recipe.film.invert else INPUT,
        "divere": __version__,
        "started_from": base.label,
        "print": print_name,
        "chart": {
            "name": found.chart.name,
            "title": found.chart.title,
            "source": found.chart.source,
            "patches": len(found.patches),
            "used": found.used,
        },
        "gains_of": found.charts[found.middle].scan,
        "tone_curve": list(found.tone),
        **{key: result[key] for key in ("charts", "de2000", "patches", "warnings")},
    }


def as_json(found: Calibration, print_name: str) -> dict[str, Json]:
    """Return the document that ``divere calibrate --json`` prints.

    Parameters
    ----------
    found : Calibration
        The calibration.
    print_name : str
        Name of the print's curve.
    """
    return {
        "charts": [_chart(chart) for chart in found.charts],
        "de2000": {
            "before": _figures(found.before),
            "after": _figures(found.after),
            "left_out": _figures(found.left_out),
        },
        "patches": [
            {
                "name": patch.name,
                "before": patch.before,
                "after": patch.after,
                "left_out": patch.left_out,
                "used": patch.used,
                "why": patch.why,
            }
            for patch in found.patches
        ],
        "print": print_name,
        "warnings": list(found.warnings),
    }


def _chart(chart: ChartResult) -> dict[str, Json]:
    return {
        "scan": chart.scan,
        "corners": [list(point) for point in chart.corners],
        "unexplained": chart.unexplained,
        "mirrored": chart.mirrored,
        "rgb_gains": list(chart.gains),
        "after": _figures(chart.after),
    }


def _figures(figures: Figures) -> dict[str, Json]:
    return {"mean": figures.mean, "p90": figures.p90, "worst": figures.worst}


def _note(found: Calibration, print_name: str) -> str:
    after, left = found.after, found.left_out
    what = f"with the print {print_name}" if found.recipe.film.invert else "as an input space"
    return (
        f"CIEDE2000 {what}: mean {after.mean:.1f}, 90 % {after.p90:.1f}, worst {after.worst:.1f}; "
        f"left out one by one {left.mean:.1f}. {found.used} of {len(found.patches)} patches."
    )
