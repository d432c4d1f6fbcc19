"""``divere proof``: one scan under many grades, or a roll, as a sheet with labels."""

from __future__ import annotations

import os
from typing import Any

import click

from divere_cli.cli import output_checks
from divere_cli.cli.options import Finite, Word, complete_profile, isolation_option
from divere_cli.cli.session import complain
from divere_cli.errors import ScanError, UsageError
from divere_cli.records.outcome import ErrorRecord
from divere_cli.text import quote, safe

ALL = "all"


@click.command("proof")
@click.argument("scan", metavar="SCAN", type=click.Path())
@click.argument("output", metavar="OUT", type=click.Path(dir_okay=False))
@click.option(
    "-p",
    "--profile",
    default="auto",
    show_default=True,
    metavar="PRESET",
    shell_complete=complete_profile,
    help="The grade to start from: a preset file or the name of a shipped profile. auto: what "
    "`divere batch` would use.",
)
@click.option(
    "--vary",
    type=Word(["color", "exposure", "contrast", "profile"]),
    default="color",
    show_default=True,
    help="What changes from tile to tile. color: a ring-around; exposure, contrast: a strip of "
    "nine; profile: all shipped profiles that fit.",
)
@click.option(
    "--step",
    type=Finite(0.001, 1.0),
    metavar="D",
    help="Difference between two tiles in density; with --vary contrast, in slope.  "
    "[default: 0.05; 0.1 with --vary exposure]",
)
@click.option(
    "--frame",
    metavar="NAME|N|all",
    help="Which picture, where the preset has several crops. all: a contact sheet of every picture "
    "on SCAN; SCAN may then be a folder.  [default: the first]",
)
@click.option(
    "--size",
    type=click.IntRange(400, 20000),
    default=2400,
    show_default=True,
    metavar="N",
    help="Long edge of the sheet in pixels.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
@isolation_option
def proof(**values: Any) -> int:
    """Make a test sheet: SCAN in many grades, in the file OUT (.jpg, .png or .pdf).

    The label of each tile is the value to write into a preset. With --frame all, the sheet is
    a contact sheet of a roll: file names, exposure compared with the roll, and how certain
    the measurement is.
    """
    from divere_cli.isolation.runner import IsolationRequest
    from divere_cli.proof import run

    scan, output = values["scan"], values["output"]
    run.form(output)
    output_checks.check("OUT", output, (scan, values["profile"]), picture=True)
    if os.path.lexists(output) and not values["overwrite"]:
        raise UsageError(f"{quote(output)} exists", hint="use --overwrite to replace it")
    isolation = IsolationRequest(values["isolation"])
    if values["frame"] == ALL:
        return _roll(values, isolation)
    if os.path.isdir(scan):
        raise UsageError(
            f"{quote(scan)} is a folder",
            hint="give one scan, or use --frame all for a contact sheet",
        )
    request = run.Request(
        scan=scan,
        output=output,
        profile=values["profile"],
        vary=values["vary"],
        step=values["step"],
        size=values["size"],
        frame=values["frame"],
        isolation=isolation,
    )
    try:
        made = run.sheet(request)
    except ScanError as error:
        if error.exit_code != ScanError.exit_code:
            raise
        return _failed(scan, ErrorRecord.of_scan(error))
    if made.error is not None:
        return _failed(scan, made.error)
    for warning in made.warnings:
        complain(f"{quote(scan)}: {warning}", word="warning")
    output_checks.save(output, made.data)
    click.echo(f"written: {safe(output)}")
    return 0


def _roll(values: dict[str, Any], isolation: Any) -> int:
    """Make the contact sheet; a scan that fails is shown as its error message."""
    from divere_cli.batch import discover
    from divere_cli.batch.request import Inputs
    from divere_cli.proof import roll

    walked = discover.find(Inputs((values["scan"],)), "")
    if not walked.scans:
        raise UsageError(f"{quote(values['scan'])}: no scan found")
    scans = tuple(roll.Scan(scan.name, scan.path) for scan in walked.scans)
    request = roll.Request(scans, values["output"], values["profile"], values["size"], isolation)
    made = roll.contact_sheet(request)
    for warning in (*walked.warnings, *made.warnings):
        complain(warning, word="warning")
    if made.error is not None:
        return _failed(values["scan"], made.error)
    output_checks.save(values["output"], made.data)
    click.echo(f"written: {safe(values['output'])}")
    for name, error in made.failed.items():
        _failed(name, error)
    return ScanError.exit_code if made.failed else 0


def _failed(name: str, error: ErrorRecord) -> int:
    complain(f"{quote(name)}: {error.kind}: {error.message}")
    if error.hint:
        complain(error.hint, word="hint")
    return ScanError.exit_code
