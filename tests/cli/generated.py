"""What in ``docs/commands.md`` and ``docs/exit-codes.md`` is generated from the program itself.

``python -m tests.cli.generated`` writes it; ``test_generated`` says when that is due.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from divere_cli import errors
from divere_cli.cli.app import COMMANDS, divere
from divere_cli.cli.options import sections

ROOT = Path(__file__).parents[2]
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
CODES_PAGE = ROOT / "docs" / "exit-codes.md"
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_DEFAULT = re.compile(r"\s*\[default: (.*)\]$")


def files() -> dict[Path, str]:
    """Each page with its generated parts as they should be."""
    return {
        page: _PART.sub(_part, page.read_text(encoding="utf-8"))
        for page in (COMMANDS_PAGE, CODES_PAGE)
    }


def _part(found: re.Match[str]) -> str:
    begin, name, end = found.groups()
    made = {"commands": all_commands, "run-codes": run_codes, "kinds": kinds}[name]()
    return f"{begin}\n{made}\n{end}"


# ---------------------------------------------------------------- commands


def all_commands() -> str:
    """Every command with its options, in the order of ``divere --help``."""
    context = click.Context(divere, info_name="divere", auto_envvar_prefix="DIVERE")
    parts = []
    for name in COMMANDS:
        command = divere.get_command(context, name)
        assert command is not None
        parts += list(_command(command, name, context))
    return "\n".join(parts)


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"## {context.command_path}\n"
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"```\n{' '.join(usage.split())}\n```\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    options = [each for each in command.params if isinstance(each, click.Option)]
    titled = sections(options)
    for title, below in titled.items():
        if len(titled) > 1:
            yield f"**{title}**\n"
        yield "| option | meaning | default | environment |\n|---|---|---|---|"
        yield from (_option(each, context) for each in below)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _command(child, name, context)


def _option(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag or option.count else f" `{option.make_metavar(context)}`"
    meaning = option.help or ""
    told = _DEFAULT.search(meaning)
    default = told[1] if told else _default(option)
    meaning = _DEFAULT.sub("", meaning)
    variable = f"`{context.auto_envvar_prefix}_{(option.name or '').upper()}`"
    cells = (names + metavar, meaning, default, variable)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _default(option: click.Option) -> str:
    value = option.default
    if option.is_flag or option.count:
        return "on" if value is True else "off"
    shown = "" if value is None or callable(value) or not option.show_default else str(value)
    return f"`{shown}`" if shown else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# -------------------------------------------------------------- exit codes


def below(cls: type[errors.DivereError]) -> Iterator[type[errors.DivereError]]:
    """Every class of the tree under ``cls``, in the order of the source."""
    for child in cls.__subclasses__():
        if child.__module__ != errors.__name__:
            continue  # of one room alone, with the kind of its base
        yield child
        yield from below(child)


def run_codes() -> str:
    """What ends a whole run."""
    rows = ["| code | kind | meaning | what to do |", "|---|---|---|---|"]
    classes = sorted(below(errors.RunError), key=lambda cls: cls.exit_code)
    rows += [f"| {cls.exit_code} | {_error(cls)}" for cls in classes]
    return "\n".join(rows) + "\n"


def kinds() -> str:
    """What fails one scan."""
    rows = ["| kind | meaning | what to do |", "|---|---|---|"]
    rows += [f"| {_error(cls)}" for cls in below(errors.ScanError)]
    return "\n".join(rows) + "\n"


def _error(cls: type[errors.DivereError]) -> str:
    meaning = inspect.cleandoc(cls.__doc__ or "").splitlines()[0]
    return f"`{cls.kind}` | {_cell(meaning)} | {_cell(cls.default_hint)} |"


def main() -> None:
    """Write all."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
