"""The command line: the table of commands, and error lines and exit codes for all of them.

Commands are loaded when they are used. The exit code of a finished batch is chosen in
``batch``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import click

from divere_cli import __version__
from divere_cli.cli import streams
from divere_cli.cli.session import Session
from divere_cli.errors import DivereError, UsageError

INTERRUPTED = 130
READER_GONE = 141
STREAM_FAILED = 14
NO_COMMAND = 2
BUG = 1


class Entry(NamedTuple):
    """Module and attribute of a command, and its line in ``divere --help``."""

    module: str
    attribute: str
    summary: str


COMMANDS = {
    "batch": Entry("batch_cmd", "batch", "Grade all scans in a folder."),
    "inspect": Entry("inspect_cmd", "inspect", "Show a scan's format, size and preset."),
    "profiles": Entry("profiles_cmd", "profiles", "List, show, check and export profiles."),
    "samples": Entry("samples_cmd", "samples", "Make synthetic negatives to try divere with."),
    "analyze": Entry("analyze_cmd", "analyze", "Measure the color and exposure of a roll."),
    "watch": Entry("watch_cmd", "watch", "Grade new scans as they arrive, as a service."),
    "review": Entry("review_cmd", "review", "Look at a roll and correct it in the browser."),
    "proof": Entry("proof_cmd", "proof", "Make a test sheet of a scan, or a contact sheet."),
    "frames": Entry("frames_cmd", "frames", "Find the pictures on scans of film strips."),
    "calibrate": Entry("calibrate_cmd", "calibrate", "Make a preset from a scan of a color chart."),
    "films": Entry("films_cmd", "films", "List film stocks and their DX numbers."),
    "verify": Entry("verify_cmd", "verify", "Check that positives are complete and unchanged."),
    "doctor": Entry("doctor_cmd", "doctor", "Show what this machine and installation can do."),
    "adopt": Entry("adopt_cmd", "adopt", "Keep positives that you edited."),
    "prune": Entry("prune_cmd", "prune", "Remove positives whose scans were deleted."),
    "report": Entry("report_cmd", "report", "Show a saved report, or convert it."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command ``cmd_name``."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(
            importlib.import_module(f"divere_cli.cli.{entry.module}"), entry.attribute
        )
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest a similar name in the error."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            suggestion = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"no such command {name!r}{suggestion}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"auto_envvar_prefix": "DIVERE", "help_option_names": ["-h", "--help"]},
    epilog="`divere COMMAND --help` shows the options of a command.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Show a traceback with an error.")
@click.pass_context
def divere(ctx: click.Context, verbose: bool) -> None:
    """Turn scans of film negatives into positives, many at a time and unattended."""
    ctx.ensure_object(Session).verbose += verbose


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; no exception gets out.

    Parameters
    ----------
    args : sequence of str
        The command line without the program's name.
    """
    session = Session()
    with _explained(session) as end:
        code = divere.main(list(args), prog_name="divere", standalone_mode=False, obj=session)
        end(code if isinstance(code, int) else 0)
    return session.exit_code


@contextmanager
def _explained(session: Session) -> Iterator[Callable[[int], None]]:
    """Turn the end of a command, also by any exception, into an error line and an exit code."""
    with streams.guarded() as stdout:
        try:
            yield lambda code: setattr(session, "exit_code", code)
        except click.exceptions.Exit as request:
            session.exit_code = int(request.exit_code)
        except click.exceptions.NoArgsIsHelpError as error:
            sys.stderr.write(error.format_message() + "\n")
            session.exit_code = NO_COMMAND
        except click.Abort:
            session.complain("interrupted")
            session.exit_code = INTERRUPTED
        except click.ClickException as error:
            session.exit_code = _explain(_usage(error), session)
        except DivereError as error:
            session.exit_code = _explain(error, session)
        except KeyboardInterrupt:
            session.complain("interrupted")
            session.exit_code = INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the last handler of all
            session.exit_code = _bug(error, session)
        if stdout.lost is not None and session.exit_code == 0:
            session.exit_code = _lost(stdout.lost, session)


def _lost(why: OSError, session: Session) -> int:
    """Return the exit code of a successful command whose stdout could not be written."""
    if streams.reader_is_gone(why):
        return READER_GONE if session.answers_on_stdout else 0
    word = "warning" if session.kept_elsewhere else "error"
    session.complain(f"stdout: cannot be written: {why.strerror}", word)
    return 0 if session.kept_elsewhere else STREAM_FAILED


def _usage(error: click.ClickException) -> UsageError:
    message = error.format_message().strip()
    if message:
        message = message[0].lower() + message[1:]
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "divere"
    hint = f"see `{command} --help`"
    if context is not None and isinstance(error, click.MissingParameter):
        if error.param is not None and error.param.name == "inputs":
            message = message.rstrip(".") + ": the last path is OUTPUT, those before it are INPUT"
        words = " ".join(context.command.collect_usage_pieces(context))
        hint = f"{command} {words}; {hint}"
    return UsageError(message.rstrip("."), hint=hint)


def _explain(error: DivereError, session: Session) -> int:
    session.complain(f"{error.kind}: {error.message}")
    if error.hint:
        session.complain(error.hint, word="hint")
    if session.verbose:
        _trace(error, session)
    return error.exit_code


def _bug(error: Exception, session: Session) -> int:
    session.complain(f"internal: {type(error).__name__}: {error}")
    session.complain(
        "this is a bug in divere, please report it; `divere -v ...` shows a traceback", word="hint"
    )
    if session.verbose:
        _trace(error, session)
    return BUG


def _trace(error: BaseException, session: Session) -> None:
    import traceback

    for line in "".join(traceback.format_exception(error)).splitlines():
        session.complain(line, word="trace")
