"""``divere inspect``: format, size, preset and quality of a scan."""

from __future__ import annotations

import json as json_text
import os
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from divere_cli import extras
from divere_cli.cli import inspect_looks, inspect_view
from divere_cli.cli.inspect_view import Failed, Scan
from divere_cli.cli.options import Word, json_option
from divere_cli.cli.session import complain
from divere_cli.errors import ScanError, UsageError
from divere_cli.files import stamp
from divere_cli.frames.formats import NAMES
from divere_cli.image import header as headers
from divere_cli.image.metadata import summary
from divere_cli.profile import library
from divere_cli.profile.select import Selector
from divere_cli.records.job import Encoding, Frame, InputTransfer, Job, Target
from divere_cli.records.outcome import TaskResult
from divere_cli.text import quote, safe

SCHEMA = "divere-inspect/1"
QUALITY = "divere_cli.roll.scan_quality:look"


@click.command("inspect")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--film-edge",
    type=Word(["auto", "off"]),
    default="auto",
    show_default=True,
    help="Read the DX bar code at the edge of 135 film: film stock and frame numbers.",
)
@click.option(
    "--quality/--no-quality",
    default=True,
    show_default="on",
    help="Read the pixels: clipped share, density range, noise, film base.",
)
@click.option(
    "--frames",
    type=Word(["off", "find"]),
    default="off",
    show_default=True,
    help="find: show the pictures that `divere batch --frames find` would cut the scan into.",
)
@click.option(
    "--film",
    type=Word([*NAMES, "auto"]),
    default="auto",
    show_default=True,
    help="Film format, for --frames find.",
)
@click.option(
    "--flat-field",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Show what this picture of the light would correct.",
)
@json_option
def inspect(
    files: tuple[str, ...],
    film_edge: str,
    quality: bool,
    frames: str,
    film: str,
    flat_field: str | None,
    json: bool,
) -> int:
    """Show the format, size and metadata of each FILE, and the preset that would grade it.

    Also shows how good the scan is (clipped share of each channel, density range, noise, film
    base), the warnings that a run would give, and the DX code at the edge of the film;
    with --frames find and --flat-field, what these would do. A file that cannot be graded is
    an error on stderr and the exit code is 3; the other files are still shown.
    """
    selector = Selector()
    if film != "auto" and frames == "off":
        raise UsageError("--film is for --frames find")
    looks = inspect_looks.look(files, frames=frames == "find", film=film, flat_field=flat_field)
    measured = _measure(files, selector, edge=film_edge == "auto", quality=quality)
    code = 0
    documents: list[dict[str, Any]] = []
    for index, name in enumerate(files):
        item = _scan(name, selector, measured.get(index, TaskResult()))
        if json:
            document = inspect_view.as_json(item)
            if isinstance(item, Scan):
                document |= inspect_looks.as_json(looks, index, item.header)
            documents.append(document)
        elif isinstance(item, Scan):
            _show(item, inspect_looks.rows(looks, index, item.header), first=index == 0)
        code = _complain(item) or code
    if json:
        click.echo(json_text.dumps({"schema": SCHEMA, "files": documents}, indent=2))
    return code


def _complain(item: Scan | Failed) -> int:
    error = item.preset_error if isinstance(item, Scan) else item.error
    if error is None:
        return 0
    complain(f"{quote(item.name)}: {error.kind}: {error.message}")
    if error.hint:
        complain(error.hint, word="hint")
    return ScanError.exit_code


def _measure(
    files: tuple[str, ...], selector: Selector, *, edge: bool, quality: bool
) -> dict[int, TaskResult]:
    """Return the results of workers on the pixels of each file, by index of the file."""
    from divere_cli.batch import film_edges
    from divere_cli.isolation.tasks import run_tasks

    if edge and not film_edges.can_be_read():
        how = extras.how_to_add("dx")
        complain(f"the DX code at the film's edge is not read; to read it: {how}", word="note")
        edge = False
    if not edge and not quality:
        return {}
    encoding = Encoding("tiff", 16, library.output_space("DisplayP3"))
    jobs = []
    for index, name in enumerate(files):
        with suppress(ScanError):  # reported when its header is read
            path, file_stamp = os.path.abspath(name), stamp.take(name)
            job = Job(index, name, path, file_stamp, encoding, (), task=film_edges.TASK)
            if quality:
                frames = _frames(name, selector)
                assumed = InputTransfer()
                job = replace(job, frames=frames, task=QUALITY, film_edge=edge, transfer=assumed)
            jobs.append(job)
    return {
        outcome.job_id: outcome.result for outcome in run_tasks(jobs) if outcome.result is not None
    }


def _frames(name: str, selector: Selector) -> tuple[Frame, ...]:
    """Return the whole scan as a frame with the preset that would grade it; empty without one."""
    with suppress(ScanError):
        chosen = selector.choose(name, headers.read(name))
        return (Frame(Target("", "", ""), chosen.frames[0].recipe),)
    return ()


def _scan(name: str, selector: Selector, measured: TaskResult) -> Scan | Failed:
    try:
        header = headers.read(name)
        about = summary.read(name, header)
    except ScanError as error:
        return Failed(name, error)
    try:
        return Scan(name, header, about, selector.choose(name, header), None, measured)
    except ScanError as error:
        return Scan(name, header, about, None, error, measured)


def _show(scan: Scan, more: list[tuple[str, str]], *, first: bool) -> None:
    if not first:
        click.echo()
    if sys.stdout.isatty():
        _show_table(scan, more)
    else:
        _show_lines(scan, more)


def _show_lines(scan: Scan, more: list[tuple[str, str]]) -> None:
    click.echo(safe(scan.name))
    for name, text in (*inspect_view.rows(scan), *more):
        click.echo(f"  {name + ':':<13}{text}")


def _show_table(scan: Scan, more: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 1, 0, 2), pad_edge=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in (*inspect_view.rows(scan), *more):
        style = "yellow" if name == "warning" else ""
        table.add_row(Text(name), Text(text, style=style))
    console = Console(file=sys.stdout, highlight=False, emoji=False)
    console.print(Text(safe(scan.name), style="bold"), soft_wrap=True)
    console.print(table)
