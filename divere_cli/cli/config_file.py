"""``divere.toml``: options of ``batch`` and ``watch`` from a file, below flags and environment.

Covers finding the file beside the scans or by ``--config``, its keys, and the folder that
its paths are relative to. Values are parsed by the options themselves.

A file that is found beside scans may come from a stranger: it cannot set commands to run,
and reports and logs only inside its own folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from typing import Any

import click

from divere_cli.cli.options import sections
from divere_cli.errors import UsageError
from divere_cli.files import regular
from divere_cli.text import quote

NAME = "divere.toml"
ARGUMENTS = "divere.arguments"  # key of a context: arguments that a service parses again on HUP
_LARGEST = 1 << 20
_NEVER = frozenset({"config", "inputs", "output", "help"})
_BY_ASKING_ONLY = frozenset({"on_done", "on_failure", "listen", "token_file"})
_WRITTEN = frozenset({"report", "log_file"})


class Configured(click.Command):
    """A command whose options may be in a ``divere.toml``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the file by parsing the arguments once, then parse them with its values."""
        ctx.meta[ARGUMENTS] = list(args)
        if not ctx.resilient_parsing and not any(arg in ("-h", "--help") for arg in args):
            ctx.default_map = {**self._configured(ctx, args), **(ctx.default_map or {})}
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under the titles of their sections."""
        for title, options in sections(self.get_params(ctx)).items():
            rows = [row for each in options if (row := each.get_help_record(ctx)) is not None]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _configured(self, ctx: click.Context, args: list[str]) -> dict[str, Any]:
        parser = self.make_parser(ctx)
        try:
            parsed, _, _ = parser.parse_args(args=list(args))
        except click.UsageError:
            return {}  # reported with more detail by the real parsing
        chosen = parsed.get("config") or os.environ.get(f"{ctx.auto_envvar_prefix}_CONFIG")
        if isinstance(chosen, str):
            return self._read(chosen, asked_for=True)
        inputs = parsed.get("inputs")
        path = _beside(inputs if isinstance(inputs, Sequence) else ())
        return self._read(path, asked_for=False) if path else {}

    def _read(self, path: str, *, asked_for: bool) -> dict[str, Any]:
        options = {
            param.name: param
            for param in self.params
            if isinstance(param, click.Option) and param.name and param.name not in _NEVER
        }
        values: dict[str, Any] = {}
        for key, value in _load(path).items():
            name = key.replace("-", "_")
            if name not in options:
                names = [each.replace("_", "-") for each in options]
                import difflib

                close = difflib.get_close_matches(key, names, n=1)
                suggestion = f"; did you mean {close[0]!r}?" if close else ""
                raise UsageError(f"{quote(path)}: no option {key!r}{suggestion}")
            if not asked_for:
                _harmless(path, name, value)
            values[name] = _value(path, options[name], value)
            _check(path, key, options[name], values[name])
        values["config"] = path
        return values


def option(command: Any) -> Any:
    """Add ``--config`` to a command of class :class:`Configured`.

    Parameters
    ----------
    command : Any
        The command.
    """
    return click.option(
        "--config",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help=f"Take options from this file.  [default: {NAME} beside the scans, if it exists]",
    )(command)


def _beside(inputs: Sequence[object]) -> str | None:
    """Return the file in the folder of an INPUT; other INPUTs must have none, or the same."""
    files: dict[str, str] = {}
    for path in inputs:
        if not isinstance(path, str):
            continue
        folder = path if os.path.isdir(path) else os.path.dirname(path) or "."
        file = os.path.join(folder, NAME)
        if os.path.isfile(file):
            files.setdefault(os.path.realpath(file), file)
    if len(files) > 1:
        names = ", ".join(map(quote, files.values()))
        raise UsageError(
            f"several INPUTs have a {NAME}: {names}", hint="choose one with --config FILE"
        )
    return next(iter(files.values()), None)


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb", opener=regular.opener) as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"--config {quote(path)}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{quote(path)}: larger than 1 MB")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{quote(path)}: not valid TOML: {error}") from error


def _harmless(path: str, name: str, value: Any) -> None:
    key = name.replace("_", "-")
    if name in _BY_ASKING_ONLY:
        raise UsageError(
            f"{quote(path)}: {key!r} is not allowed in a file that was found beside scans",
            hint=f"use --config {path} if you trust the file",
        )
    if name in _WRITTEN:
        for each in value if isinstance(value, list) else [value]:
            parts = str(each).replace("\\", "/").split("/")
            if os.path.isabs(str(each)) or ".." in parts:
                raise UsageError(
                    f"{quote(path)}: {key!r} may only name files in its own folder",
                    hint=f"use --config {path} if you trust the file",
                )


def _check(path: str, key: str, param: click.Option, value: Any) -> None:
    """Raise an error with the file and the key if click would refuse a value."""
    try:
        for each in value if isinstance(value, list) else [value]:
            param.type.convert(each, param, None)
    except click.BadParameter as error:
        raise UsageError(f"{quote(path)}: {key}: {error.message}") from error


def _value(path: str, param: click.Option, value: Any) -> Any:
    """Return a value for click; paths are relative to the folder of the file."""
    if isinstance(value, list):
        if not param.multiple:
            raise UsageError(f"{quote(path)}: {param.name!r} takes one value, not a list")
        return [_value_of_one(path, param, each) for each in value]
    single = _value_of_one(path, param, value)
    return [single] if param.multiple else single


def _value_of_one(path: str, param: click.Option, value: Any) -> Any:
    if isinstance(value, dict):
        raise UsageError(f"{quote(path)}: {param.name!r} is a table: give a single value")
    folder = os.path.dirname(path)
    if isinstance(param.type, click.Path) and isinstance(value, str):
        return os.path.join(folder, value)
    if param.name == "profile" and isinstance(value, str):
        beside = os.path.join(folder, value)
        return beside if os.path.isfile(beside) else value
    return value if isinstance(value, bool) or param.is_flag else str(value)
