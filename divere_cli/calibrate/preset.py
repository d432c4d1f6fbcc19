"""Write a calibration as a preset file, with its evidence, and as the command's JSON.

Standard library only. The preset has all values written out, so that DiVERE can open it and
later versions of divere grade the same. Its provenance has the kind of calibration, from
which `--auto` knows that gray and colors are calibrated.
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


def text(calibration: Calibration, base: Preset, print_name: str, film: str = "") -> str:
    """Return the preset file, as ``divere batch -p FILE`` and DiVERE read it.

    Parameters
    ----------
    calibration : Calibration
        The calibration.
    base : Preset
        The preset that the calibration started from.
    print_name : str
        Name of the print's curve.
    film : str
        Film at the edges of the scans; if empty, that of the base is kept.
    """
    made = preset(calibration, base, print_name, film)
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def preset(
    calibration: Calibration, base: Preset, print_name: str, film: str = ""
) -> dict[str, Json]:
    """Return the preset as JSON data.

    Parameters
    ----------
    calibration : Calibration
    base : Preset
        The preset to start from, with its bases merged in; notes on film and scanner are
        kept, crop and orientation are not, as they belong to a scan.
    print_name : str
        Name of the print that the values are for.
    film : str
        Film at the edges of the scans: ``divere batch -p FOLDER`` chooses the preset by it.
    """
    metadata = base.metadata or Metadata()
    notes: dict[str, Json] = {k: getattr(metadata, k) for k in KEPT if getattr(metadata, k)}
    notes |= {"film_stock": film} if film else {}
    plain = document.preset(
        calibration.recipe,
        {
            "raw_file": calibration.charts[calibration.middle]
            .scan.replace("\\", "/")
            .rsplit("/", 1)[-1],
            "title": f"Calibrated with {calibration.chart.title}",
            **notes,
            "source": f"divere calibrate {__version__}",
            "note": _note(calibration, print_name),
            "provenance": provenance(calibration, base, print_name),
        },
    )
    if base.film_base is not None:
        plain["film_base"] = list(base.film_base)
    return plain


def provenance(calibration: Calibration, base: Preset, print_name: str) -> dict[str, Json]:
    """Return the evidence for the preset's values.

    Parameters
    ----------
    calibration : Calibration
        The calibration.
    base : Preset
        The preset that the calibration started from.
    print_name : str
        Name of the print's curve.
    """
    result = as_json(calibration, print_name)
    return {
        "kind": resolve.CALIBRATED if calibration.recipe.film.invert else INPUT,
        "divere": __version__,
        "started_from": base.label,
        "print": print_name,
        "chart": {
            "name": calibration.chart.name,
            "title": calibration.chart.title,
            "source": calibration.chart.source,
            "patches": len(calibration.patches),
            "used": calibration.used,
        },
        "gains_of": calibration.charts[calibration.middle].scan,
        "tone_curve": list(calibration.tone),
        **{key: result[key] for key in ("charts", "de2000", "patches", "warnings")},
    }


def as_json(calibration: Calibration, print_name: str) -> dict[str, Json]:
    """Return the document that ``divere calibrate --json`` prints.

    Parameters
    ----------
    calibration : Calibration
        The calibration.
    print_name : str
        Name of the print's curve.
    """
    return {
        "charts": [_chart(chart) for chart in calibration.charts],
        "de2000": {
            "before": _figures(calibration.before),
            "after": _figures(calibration.after),
            "left_out": _figures(calibration.left_out),
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
            for patch in calibration.patches
        ],
        "print": print_name,
        "warnings": list(calibration.warnings),
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


def _note(calibration: Calibration, print_name: str) -> str:
    after, left_out = calibration.after, calibration.left_out
    purpose = (
        f"with the print {print_name}" if calibration.recipe.film.invert else "as an input space"
    )
    patches = f"{calibration.used} of {len(calibration.patches)} patches"
    return (
        f"CIEDE2000 {purpose}: mean {after.mean:.1f}, 90 % {after.p90:.1f}, "
        f"worst {after.worst:.1f}; left out one by one {left_out.mean:.1f}. {patches}."
    )
