"""Convert the command line of ``divere batch`` to options, log settings and display settings.

Covers which options were given explicitly, and refuses report and log files that would
overwrite other files. The options themselves are in :mod:`divere_cli.batch.options`.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from divere_cli.batch.options import BatchOptions
from divere_cli.batch.request import BatchRequest
from divere_cli.cli import output_checks
from divere_cli.cli.logs import LogOptions
from divere_cli.errors import UsageError
from divere_cli.text import quote

Values = dict[str, Any]

_FILES = ("profile", "from", "film_data", "settings", "flat_field")
_FIELDS = frozenset(field.name for field in dataclasses.fields(BatchOptions))


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The request of ``divere batch``, and how to show it.

    ``progress`` is None if neither ``--progress`` nor ``--no-progress`` was given.
    """

    request: BatchRequest
    log: LogOptions
    json: bool
    progress: bool | None
    dry_run: bool


def read(ctx: click.Context, values: Values) -> CommandLine:
    """Resolve the command line.

    Parameters
    ----------
    ctx : Context
        The context of the command.
    values : Values
        The values of all options and arguments by name.

    Raises
    ------
    UsageError, ProfileError
        An option is invalid or conflicts with another one, or a settings file or name
        cannot be used.
    """
    if values["quiet"] and values["verbose"]:
        raise UsageError("-q and -v contradict each other")
    named = {_field(name): value for name, value in values.items()}
    named["bit_depth"] = int(values["bit_depth"]) if values["bit_depth"] else None
    options = BatchOptions(**{name: named[name] for name in named.keys() & _FIELDS})
    given = {_field(name) for name in values if _is_given(ctx, name)}
    if ctx.get_parameter_source("isolation") is not ParameterSource.DEFAULT:
        given.add("isolation")
    request = options.request(values["inputs"], values["output"], given=given)
    _check_written(values, request)
    log = LogOptions(values["log_file"], values["log_format"], values["verbose"], values["quiet"])
    command = request.command | _logging(values) | {"config": values["config"]}
    request = dataclasses.replace(request, command=command)
    return CommandLine(request, log, values["json"], values["progress"], values["dry_run"])


def _field(name: str) -> str:
    return "from_file" if name == "from" else name


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _logging(values: Values) -> Values:
    return {name: values[name] for name in ("log_file", "log_format")}


def _check_written(values: Values, request: BatchRequest) -> None:
    """Refuse paths of a report or a log that are invalid or would overwrite other files."""
    reads = [*values["inputs"], *(values[name] for name in _FILES if values[name])]
    reports = [report.path for report in request.reports]
    for path in reports:
        output_checks.check("--report", path, reads, made=values["output"])
    log = values["log_file"]
    if log is not None:
        output_checks.check("--log-file", log, reads)
        if os.path.abspath(log) in map(os.path.abspath, reports):
            raise UsageError(f"--log-file {quote(log)}: is also the file of a report")
