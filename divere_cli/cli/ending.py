"""The last handler: an outcome or an exception becomes one line and an exit code.

Covers every command. What it does not: which code a finished batch has, which
``batch`` decides.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from divere_cli.cli import streams
from divere_cli.cli.session import Session, complain
from divere_cli.errors import DivereError, UsageError

INTERRUPTED = 130
READER_GONE = 141
STREAM_FAILED = 14
NO_COMMAND = 2
BUG = 1


def run(args: Sequence[str]) -> int:
    """Run one command line; return its exit code. Nothing escapes from here."""
    with streams.guarded() as stdout:
        session = Session()
        try:
            code = _invoke(args, session)
        except DivereError as error:
            code = _explain(error, session)
        except (KeyboardInterrupt, click.Abort):
            complain("interrupted")
            code = INTERRUPTED
        except Exception as error:  # noqa: BLE001 - the last handler of all
            code = _bug(error, session)
        if stdout.lost is not None and code == 0:
            code = _lost(stdout.lost, session)
        return code


def _lost(why: OSError, session: Session) -> int:
    """Return the exit code of a command that did well but could not say so on stdout."""
    if streams.reader_is_gone(why):
        return READER_GONE if session.answers_on_stdout else 0
    word = "warning" if session.kept_elsewhere else "error"
    complain(f"stdout: cannot be written: {why.strerror}", word)
    return 0 if session.kept_elsewhere else STREAM_FAILED


def _invoke(args: Sequence[str], session: Session) -> int:
    from divere_cli.cli.app import divere

    try:
        code = divere.main(list(args), prog_name="divere", standalone_mode=False, obj=session)
    except click.exceptions.Exit as request:
        return int(request.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return NO_COMMAND
    except click.ClickException as error:
        raise _usage(error) from error
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> UsageError:
    message = error.format_message().strip()
    if message:
        message = message[0].lower() + message[1:]
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "divere"
    hint = f"see `{command} --help`"
    if context is not None and isinstance(error, click.MissingParameter):
        words = " ".join(context.command.collect_usage_pieces(context))
        hint = f"{command} {words}; {hint}"
    return UsageError(message.rstrip("."), hint=hint)


def _explain(error: DivereError, session: Session) -> int:
    complain(f"{error.kind}: {error.message}")
    if error.hint:
        complain(error.hint, word="hint")
    if session.verbose:
        _trace(error)
    return error.exit_code


def _bug(error: Exception, session: Session) -> int:
    complain(f"internal: {type(error).__name__}: {error}")
    complain("this is a bug in divere, please report it; `divere -v ...` shows where", word="hint")
    if session.verbose:
        _trace(error)
    return BUG


def _trace(error: BaseException) -> None:
    for line in "".join(traceback.format_exception(error)).splitlines():
        complain(line, word="trace")
