"""The options of ``divere batch`` to one frozen request, and what is checked on the way.

Covers precedence (flag, environment, settings file, default), options that do
not go together, and report files. What it does not: anything that needs a look
at INPUT or OUTPUT, which is ``batch``'s.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, cast

import click
from click.core import ParameterSource

from divere_cli.batch.request import (
    BatchRequest,
    Bounds,
    Inputs,
    Isolation,
    OpenRunner,
    Outputs,
    ReportFile,
)
from divere_cli.cli import output_checks
from divere_cli.cli.logs import LogOptions
from divere_cli.errors import UsageError
from divere_cli.profile import divere_settings, library
from divere_cli.profile.divere_settings import Settings
from divere_cli.profile.select import Selector
from divere_cli.records.job import Encoding
from divere_cli.records.report import OptionValue
from divere_cli.report import formats
from divere_cli.roll.auto import Auto
from divere_cli.text import quote

Values = dict[str, Any]

REPORT_NAME = "divere-report.json"
_DEFAULT_SPACE = {16: "KodakEnduraPremier_gamma_2_2", 8: "DisplayP3"}
# Options that say nothing with the container that was chosen.
_ONLY_WITH = {"compression": "tiff", "quality": "jpeg"}
_NO_BUDGET = 1 << 62  # on a cluster each machine has its own, and its own admission
_FILES = ("profile", "from", "settings")
_NOT_OF_THE_RUN = ("json", "progress", "verbose", "quiet", "dry_run")


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What ``divere batch`` was asked for: the work, and how it is shown.

    ``progress`` is None where nothing was said.
    """

    request: BatchRequest
    log: LogOptions
    json: bool
    progress: bool | None
    dry_run: bool


def options(ctx: click.Context, values: Values) -> BatchOptions:
    """Resolve the options.

    Raises
    ------
    UsageError, ProfileError
        An option that cannot be meant, or a settings file or name that is not good.
    """
    _refuse_what_says_nothing(ctx, values)
    settings = divere_settings.load(values["settings"]) if values["settings"] else Settings()
    values = _resolved(ctx, values, settings)
    request = BatchRequest(
        inputs=_inputs(values),
        outputs=_outputs(values),
        chooser=Selector(values["from"] or values["profile"], settings),
        bounds=_bounds(values),
        isolation=Isolation(values["isolation"], values["start_method"]),
        reports=tuple(ReportFile(path, formats.face(path)) for path in values["report"]),
        command=_command(values),
        roll=_roll(values),
        open_runner=_engine(values),
        thumbnails=any(formats.shows_pictures(path) for path in values["report"]),
    )
    log = LogOptions(values["log_file"], values["log_format"], values["verbose"], values["quiet"])
    return BatchOptions(request, log, values["json"], values["progress"], values["dry_run"])


def _refuse_what_says_nothing(ctx: click.Context, values: Values) -> None:
    for name, container in _ONLY_WITH.items():
        if _given(ctx, name) and values["format"] != container:
            raise UsageError(f"--{name} is for --format {container}, not {values['format']}")
    if values["format"] == "jpeg" and values["bit_depth"] == "16":
        raise UsageError("--bit-depth 16: a jpeg has 8 bits", hint="use --format tiff or png")
    if values["from"] and (values["auto"] != "off" or _given(ctx, "profile")):
        raise UsageError("--from has the whole grade: leave out --auto and --profile")
    for name in ("roll_by", "strict"):
        if _given(ctx, name) and values["auto"] == "off":
            raise UsageError(f"--{name.replace('_', '-')} is for --auto frame or roll")
    if values["quiet"] and values["verbose"]:
        raise UsageError("-q and -v contradict each other")


def _engine(values: Values) -> OpenRunner | None:
    """The runner of a cluster; None is this machine's."""
    scheduler = values["scheduler"]
    if values["engine"] == "local":
        if scheduler or values["map"]:
            raise UsageError("--scheduler and --map are for --engine dask")
        return None
    if not scheduler:
        raise UsageError("--engine dask needs --scheduler ADDRESS or FILE")
    try:
        from divere_cli.cluster.connect import ClusterRequest
        from divere_cli.cluster.runner import opener
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--engine dask: {error}", hint='install it with: pip install "divere-cli[dask]"'
        ) from error
    request = ClusterRequest(
        scheduler=scheduler,
        inputs=values["inputs"],
        output=values["output"],
        mapping=values["map"],
        jobs=values["jobs"],
        memory_budget=values["memory_budget"],
    )
    return opener(request)


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _resolved(ctx: click.Context, values: Values, settings: Settings) -> Values:
    """Fill in what depends on another option or on the settings file."""
    found = dict(values)
    depth = int(values["bit_depth"] or (8 if values["format"] == "jpeg" else 16))
    if depth == 16 and _given(ctx, "dither") and values["dither"]:
        raise UsageError("--dither is for 8-bit outputs", hint="add --bit-depth 8")
    named = settings.output_space_16bit if depth == 16 else settings.output_space_8bit
    found["bit_depth"] = depth
    found["color_space"] = values["color_space"] or named or _DEFAULT_SPACE[depth]
    by_default = ctx.get_parameter_source("isolation") is ParameterSource.DEFAULT
    if by_default and settings.isolation is not None:
        found["isolation"] = settings.isolation
    found["report"] = values["report"] or (str(PurePath(values["output"]) / REPORT_NAME),)
    _check_written(found)
    return found


def _check_written(values: Values) -> None:
    """Refuse a report or a log where it cannot be, or would harm something."""
    reads = [*values["inputs"], *(values[name] for name in _FILES if values[name])]
    for path in values["report"]:
        output_checks.check("--report", path, reads, made=values["output"])
    log = values["log_file"]
    if log is not None:
        output_checks.check("--log-file", log, reads)
        if os.path.abspath(log) in map(os.path.abspath, values["report"]):
            raise UsageError(f"--log-file {quote(log)}: is the place of a report")


def _inputs(values: Values) -> Inputs:
    return Inputs(
        paths=values["inputs"],
        recursive=values["recursive"],
        include=values["include"],
        exclude=values["exclude"],
        settle_seconds=values["settle"],
        max_pixels=values["max_pixels"],
    )


def _outputs(values: Values) -> Outputs:
    encoding = Encoding(
        format=values["format"],
        bit_depth=cast(Literal[8, 16], values["bit_depth"]),
        color_space=library.output_space(values["color_space"]),
        compression=values["compression"],
        quality=values["quality"],
        dither=values["dither"] and values["bit_depth"] == 8,
        metadata=not values["no_metadata"],
        infrared=values["ir"],
    )
    return Outputs(
        folder=values["output"],
        encoding=encoding,
        name=values["name"],
        overwrite=values["overwrite"],
        force=values["force"],
        wait=values["wait"],
    )


def _roll(values: Values) -> Auto | None:
    if values["auto"] == "off":
        return None
    return Auto(values["auto"], values["roll_by"], values["strict"])


def _bounds(values: Values) -> Bounds:
    return Bounds(
        jobs=values["jobs"],
        timeout_seconds=values["timeout"],
        retries=values["retries"],
        max_failures=1 if values["fail_fast"] else values["max_failures"],
        memory_budget=_NO_BUDGET if values["engine"] == "dask" else values["memory_budget"],
        worker_memory=values["worker_memory"],
    )


def _command(values: Values) -> dict[str, OptionValue]:
    found = {key: value for key, value in values.items() if key not in _NOT_OF_THE_RUN}
    found["jobs"] = values["jobs"] or "auto"
    return found
