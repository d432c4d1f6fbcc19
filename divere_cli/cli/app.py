"""The command group: names, one line of help each, and nothing loaded before its use."""

from __future__ import annotations

import difflib
import importlib
from typing import NamedTuple

import click

from divere_cli import __version__
from divere_cli.cli.session import Session


class Entry(NamedTuple):
    """Where a command lives and what ``divere --help`` says of it."""

    module: str
    attribute: str
    summary: str


COMMANDS = {
    "batch": Entry("batch_cmd", "batch", "Grade every scan under INPUT into OUTPUT."),
    "inspect": Entry("inspect_cmd", "inspect", "Say what a scan is."),
    "profiles": Entry("profiles_cmd", "profiles", "List, check and export profiles."),
    "samples": Entry("samples_cmd", "samples", "Write synthetic color negatives."),
    "analyze": Entry("analyze_cmd", "analyze", "Measure a roll."),
    "doctor": Entry("doctor_cmd", "doctor", "Say what this machine offers."),
    "report": Entry("report_cmd", "report", "Render a saved report again."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command ``cmd_name``."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        found = getattr(importlib.import_module(f"divere_cli.cli.{entry.module}"), entry.attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"no such command {name!r}{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"auto_envvar_prefix": "DIVERE", "help_option_names": ["-h", "--help"]},
    epilog="Exit codes and reports: see the documentation of the project.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Show where an error arose.")
@click.pass_context
def divere(ctx: click.Context, verbose: bool) -> None:
    """Grade film scans from linear negative to positive, unattended."""
    ctx.ensure_object(Session).verbose += verbose
