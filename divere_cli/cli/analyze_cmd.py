"""``divere analyze``: measure a roll and print the result, without grading it."""

from __future__ import annotations

import json as json_text
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from divere_cli.cli import output_checks
from divere_cli.cli.options import (
    Word,
    complete_profile,
    gray_frame_option,
    isolation_option,
    jobs_option,
    json_option,
    roll_by_option,
    sandbox_option,
)
from divere_cli.cli.session import Session, complain
from divere_cli.errors import InputMissing, PlanError, ScanError
from divere_cli.records.events import Event, ScanStarted
from divere_cli.records.roll import Decisions, RollRecord
from divere_cli.text import quote, safe

if TYPE_CHECKING:
    from divere_cli.batch.analyze import Analysis
    from divere_cli.roll.auto import Auto


@click.command("analyze")
@click.argument(
    "rolls", metavar="ROLL...", nargs=-1, required=True, type=click.Path(readable=False)
)
@click.option(
    "-p",
    "--profile",
    default="auto",
    show_default=True,
    metavar="PATH|NAME|auto",
    shell_complete=complete_profile,
    help="The grade to measure for, as in `divere batch`.",
)
@click.option(
    "--auto",
    type=Word(["frame", "roll"]),
    default="roll",
    show_default=True,
    help="Measure each frame for itself, or the roll as a whole.",
)
@roll_by_option
@gray_frame_option
@click.option("--strict", is_flag=True, help="Exit with code 3 if the confidence is low.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the result to this divere_presets.json, with an entry for each scan.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@isolation_option
@sandbox_option
@jobs_option
@json_option
@click.pass_context
def analyze(ctx: click.Context, /, **values: Any) -> int:
    """Measure each ROLL (a folder or files): film base, gray balance, exposure, confidence.

    With -o, the result is saved as a divere_presets.json. DiVERE opens this file, `divere
    batch` uses it if it is beside the scans, and `divere batch --from` uses it for other
    scans. The scans are never changed.
    """
    output = values["output"]
    if output and os.path.lexists(output) and not values["overwrite"]:
        raise PlanError(f"{quote(output)} exists", hint="use --overwrite to replace it")
    ctx.ensure_object(Session).answers_on_stdout = True
    from divere_cli.roll import analysis

    analysis_result = _measure(values)
    if analysis_result.signal is not None:
        complain(f"stopped by {signal.Signals(analysis_result.signal).name}: nothing was written")
        return 128 + analysis_result.signal
    if not analysis_result.measured:
        raise InputMissing("no scan found to measure")
    decided = _auto(values).decide(analysis_result.measured)
    if output:
        output_checks.save(output, analysis.presets(analysis_result.measured, decided))
    if values["json"]:
        click.echo(json_text.dumps(analysis.evidence(decided), indent=1))
    else:
        for record in decided.rolls:
            _show(record)
        if output:
            click.echo(f"written: {safe(output)}")
    return _complain(analysis_result.problems, decided)


def _auto(values: dict[str, Any]) -> Auto:
    from divere_cli.roll import auto

    return auto.Auto(
        values["auto"], values["roll_by"], values["strict"], gray_frames=values["gray_frame"]
    )


def _measure(values: dict[str, Any]) -> Analysis:
    from divere_cli.batch.analyze import analyze
    from divere_cli.batch.request import BatchRequest, Bounds, Inputs, Isolation, Outputs
    from divere_cli.profile import library
    from divere_cli.profile.select import Selector
    from divere_cli.records.job import Encoding

    encoding = Encoding("tiff", 16, library.output_space("KodakEnduraPremier_gamma_2_2"))
    request = BatchRequest(
        inputs=Inputs(values["rolls"]),
        outputs=Outputs("", encoding, name="{stem}.{ext}"),  # nothing is written, nothing collides
        chooser=Selector(values["profile"]),
        bounds=Bounds(jobs=values["jobs"]),
        isolation=Isolation(values["isolation"], sandbox=values["sandbox"]),
        roll=_auto(values),
    )
    return analyze(request, _auto(values).task, _show_event)


def _show_event(event: Event) -> None:
    """Print on a terminal which scan is being measured."""
    if isinstance(event, ScanStarted) and sys.stderr.isatty():
        complain(quote(event.input), word="measuring")


def _show(record: RollRecord) -> None:
    red, green, blue = record.rgb_gains
    click.echo(f"{safe(record.name)}: rgb_gains {red:+.4f} {green:+.4f} {blue:+.4f}, ", nl=False)
    click.echo(f"{record.confidence} confidence, profile {safe(record.profile)}")
    for reason in record.reasons:
        click.echo(f"  {safe(reason)}")
    for frame in record.frames:
        label = quote(frame.input) + (f" ({safe(frame.crop_name)})" if frame.crop_name else "")
        click.echo(f"  {label}: {safe(frame.reason)}")


def _complain(problems: dict[str, str], decided: Decisions) -> int:
    failed = dict(problems)
    for name, decision in decided.scans.items():
        if decision.error is not None:
            failed.setdefault(name, decision.error.message)
    for warning in decided.warnings:
        complain(warning, word="warning")
    for name, problem in failed.items():
        complain(f"{quote(name)}: {problem}")
    return ScanError.exit_code if failed else 0
