"""``divere calibrate``: make a preset from scans of a color chart."""

from __future__ import annotations

import json as json_text
import os
from typing import TYPE_CHECKING, Any

import click

from divere_cli.cli import output_checks
from divere_cli.cli.options import ParamType, Word, complete_name, isolation_option, json_option
from divere_cli.cli.session import Session, complain
from divere_cli.errors import ScanError, UsageError
from divere_cli.text import quote, safe

if TYPE_CHECKING:
    from divere_cli.calibrate.result import Calibration, Figures
    from divere_cli.calibrate.run import Failed, Request
    from divere_cli.profile.schema import Preset

PRINT_DEFAULT, INPUT_DEFAULT = "c41-endura-premier", "digital-neutral"
PICTURES = (".jpg", ".jpeg", ".png")


class Point(ParamType):
    """A position on the stored frame: ``0.12,0.5``."""

    name = "x,y"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Return x and y, each from 0 to 1."""
        if isinstance(value, tuple):
            return value[0], value[1]
        try:
            x, y = (float(word) for word in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a position: write X,Y as in 0.12,0.5", param, ctx)
        if not (-0.2 <= x <= 1.2 and -0.2 <= y <= 1.2):
            self.fail(f"{value!r} is outside the scan: X and Y go from 0 to 1", param, ctx)
        return x, y


def _list_charts(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:
    if not requested or ctx.resilient_parsing:
        return
    from divere_cli.calibrate import shipped_charts

    for name in shipped_charts.names():
        chart = shipped_charts.load(name)
        click.echo(f"{name}: {chart.title}")
        click.echo(f"  {chart.columns} x {chart.rows} patches; {chart.source}")
    ctx.exit(0)


@click.command("calibrate")
@click.argument("scans", metavar="SCAN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--chart",
    default="colorchecker24",
    show_default=True,
    metavar="NAME|FILE",
    help="Name of a shipped chart, or the chart's reference file (CGATS or IT8 text).",
)
@click.option(
    "--list-charts",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_charts,
    help="List the shipped charts and the sources of their values, and exit.",
)
@click.option(
    "-p",
    "--profile",
    metavar="PRESET",
    shell_complete=complete_name,
    help="The preset to start from; its print and contrast are kept.  "
    "[default: c41-endura-premier; digital-neutral with --target input]",
)
@click.option(
    "--target",
    type=Word(["print", "input"]),
    default="print",
    show_default=True,
    help="print: fit the colors of a negative on its print; input: fit the scanner's color space, "
    "for scans of positives.",
)
@click.option(
    "--corners",
    type=Point(),
    nargs=4,
    multiple=True,
    metavar="X,Y X,Y X,Y X,Y",
    help="Outer corners of the patches, from 0 to 1 across and down the scan, in the chart's own "
    "order: top left (dark skin), top right, bottom right, bottom left. Once for each SCAN.  "
    "[default: found automatically]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the preset to this .json file.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Draw the chart as it was found and graded, beside its true colors (.jpg or .png).",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@isolation_option
@json_option
@click.pass_context
def calibrate(ctx: click.Context, /, **values: Any) -> int:
    """Make a preset for a film from one or more SCANs of a color chart on it.

    The chart is found automatically, also turned or upside down. If the position is not
    certain, no preset is made: use --corners. Several scans must show the same chart on the
    same film, for example in different exposures.

    The output shows the color errors (CIEDE2000) of each patch: before, after, and after a
    fit without this patch.
    """
    from divere_cli.calibrate import preset as document
    from divere_cli.calibrate import run
    from divere_cli.calibrate.run import Failed

    ctx.ensure_object(Session).answers_on_stdout = True
    _check_files(values)
    base, request = _request(values)
    results, warnings = run.sampled(request)
    failed = [result for result in results if isinstance(result, Failed)]
    if failed:
        return _refused(failed)
    samples = [result for result in results if not isinstance(result, Failed)]
    calibration = run.fitted(request, samples)
    film, film_warnings = run.film(samples)
    warnings += film_warnings
    name = _print_name(base)
    if values["picture"]:
        drawn = run.picture(request, calibration, values["picture"])
        if isinstance(drawn, Failed):
            return _refused([drawn])
        output_checks.save(values["picture"], drawn)
    if values["output"]:
        text = document.text(calibration, base, name, film)
        output_checks.save(values["output"], text.encode("utf-8", "replace"))
    for warning in (*warnings, *calibration.warnings):
        complain(warning, word="warning")
    if values["json"]:
        printed = document.as_json(calibration, name)
        printed["warnings"] = [*warnings, *calibration.warnings]
        click.echo(json_text.dumps(printed, indent=1))
    else:
        if film:
            click.echo(f"film: {safe(film)}, by the film's edge")
        _show(calibration, name, values)
    return 0


def _check_files(values: dict[str, Any]) -> None:
    reads = [*values["scans"], values["chart"], values["profile"] or ""]
    for option in ("output", "picture"):
        path = values[option]
        if not path:
            continue
        flag = "-o" if option == "output" else "--picture"
        suffix = os.path.splitext(path)[1].lower()
        if option == "picture" and suffix not in PICTURES:
            raise UsageError(f"--picture {quote(path)}: is not a .jpg or .png file")
        output_checks.check(flag, path, reads, picture=option == "picture")
        if os.path.lexists(path) and not values["overwrite"]:
            raise UsageError(f"{quote(path)} exists", hint="use --overwrite to replace it")


def _request(values: dict[str, Any]) -> tuple[Preset, Request]:
    from divere_cli.calibrate import shipped_charts
    from divere_cli.calibrate.run import Request
    from divere_cli.isolation.runner import IsolationRequest
    from divere_cli.profile import inherit, resolve, select
    from divere_cli.profile.schema import Preset

    default = INPUT_DEFAULT if values["target"] == "input" else PRINT_DEFAULT
    option = values["profile"] or default
    loaded = select.find(option)
    if not isinstance(loaded, Preset):
        raise UsageError(
            f"-p {quote(option)} has the presets of a whole folder: give a file with one preset"
        )
    base = inherit.complete(loaded)
    corners = tuple(values["corners"])
    if corners and len(corners) != len(values["scans"]):
        raise UsageError(
            f"--corners is given {len(corners)} times for {len(values['scans'])} scans",
            hint="give it once for each scan, in their order",
        )
    return base, Request(
        scans=tuple(values["scans"]),
        chart=shipped_charts.choose(values["chart"]),
        recipe=resolve.recipe(base),
        corners=corners or (None,) * len(values["scans"]),
        target=values["target"],
        isolation=IsolationRequest(values["isolation"]),
    )


def _refused(failed: list[Failed]) -> int:
    for failure in failed:
        complain(f"{quote(failure.scan)}: {failure.error.kind}: {failure.error.message}")
        if failure.error.hint:
            complain(failure.error.hint, word="hint")
    return ScanError.exit_code


def _print_name(base: Preset) -> str:
    """Return the name of the print's curve; ``linear`` if there is none."""
    curve = base.cc_params.density_curve if base.cc_params else None
    if curve is None or not curve.name:
        return "custom" if curve is not None and curve.points is not None else "linear"
    return curve.name


def _show(calibration: Calibration, name: str, values: dict[str, Any]) -> None:
    for chart in calibration.charts:
        corners = "  ".join(f"{x:.3f},{y:.3f}" for x, y in chart.corners)
        click.echo(f"{quote(chart.scan)}: {safe(calibration.chart.name)} at {corners}")
        gains = " ".join(f"{gain:+.3f}" for gain in chart.gains)
        click.echo(f"  unexplained {chart.unexplained:.3f}, gains {gains}")
    if calibration.recipe.film.invert:
        curve = "with" if calibration.tone else "without"
        click.echo(f"print: {safe(name)}, {curve} a tone curve of the film before it")
    click.echo(f"{'CIEDE2000':<22}{'mean':>7}{'90 %':>7}{'worst':>7}")
    _figures("before", calibration.before)
    _figures("after", calibration.after)
    _figures("left out one by one", calibration.left_out)
    click.echo(f"{'patch':<22}{'before':>7}{'after':>7}{'left out':>10}")
    for patch in calibration.patches:
        row = f"{safe(patch.name):<22}{patch.before:7.1f}{patch.after:7.1f}{patch.left_out:10.1f}"
        mark = "" if patch.used else "not used, "
        click.echo(row + (f"  {mark}{safe(patch.why)}" if patch.why else ""))
    for option in ("output", "picture"):
        if values[option]:
            click.echo(f"written: {safe(values[option])}")


def _figures(label: str, figures: Figures) -> None:
    click.echo(f"{label:<22}{figures.mean:7.2f}{figures.p90:7.2f}{figures.worst:7.2f}")
