"""Options that several commands have, and types of their values.

Covers sizes, shares, durations and numbers of jobs as users write them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # generic for the type checker only, in older versions

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_LARGEST = 1 << 62
_LEAST = 1 << 20  # bytes; for less, the unit was probably forgotten
LONGEST = 10_000_000  # seconds, 115 days
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


class Size(ParamType):
    """Bytes: ``900M``, ``1.5 GiB``; units are powers of 1024."""

    name = "size"
    alternative = ""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """Return bytes."""
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a size: write 900M or 1.5G{self.alternative}", param, ctx)
        size = float(match[1]) * _UNITS[match[2].lower()]
        if size < _LEAST and not match[2]:
            number = str(value).strip()
            self.fail(
                f"{value!r} is {size:.0f} bytes: write {number}G, {number}M{self.alternative}",
                param,
                ctx,
            )
        if size >= _LARGEST:
            self.fail(f"{value!r} is larger than any machine's memory", param, ctx)
        return int(size)


class SizeOrPercent(Size):
    """Bytes as :class:`Size`, or a share of what is available: ``70%``."""

    name = "size|percent"
    alternative = ", or a share as 70%"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """Return bytes (int) or a share of 0..1 (float)."""
        text = str(value).strip()
        if not text.endswith("%"):
            return super().convert(value, param, ctx)
        try:
            share = float(text[:-1]) / 100
        except ValueError:
            share = 0.0
        if not 0.0 < share <= 1.0:
            self.fail(f"{value!r} is not a share: write 1% to 100%", param, ctx)
        return share


class Finite(click.FloatRange):
    """A number in a range, and not "nan", which would pass the comparison."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


_NUMBER = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*"
_TIME = re.compile(
    rf"(?:{_NUMBER}d(?:ays?)?\s*)?"
    rf"(?:{_NUMBER}h(?:(?:ou)?rs?)?\s*)?"
    rf"(?:{_NUMBER}m(?:in(?:ute)?s?)?\s*)?"
    rf"(?:{_NUMBER}(?:s(?:ec(?:ond)?s?)?)?)?",
    re.IGNORECASE,
)
_SECONDS = (86_400, 3600, 60, 1)


class Seconds(Finite):
    """Seconds, or a duration as people write it: ``90``, ``90s``, ``5m``, ``1h30m``."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        text = str(value).strip()
        match = _TIME.fullmatch(text)
        if match is None or not any(match.groups()):
            try:
                return super().convert(value, param, ctx)
            except click.BadParameter:
                self.fail(f"{value!r} is not a duration: write 90, 90s, 5m or 1h30m", param, ctx)
        parts = [float(part) if part else 0.0 for part in match.groups()]
        total = sum(part * unit for part, unit in zip(parts, _SECONDS, strict=True))
        return super().convert(total, param, ctx)


class Word(click.Choice):  # type: ignore[type-arg]
    """One of some words, in upper or lower case, or what people write for it.

    Parameters
    ----------
    words : sequence of str
    aliases : callable, optional
        Returns the word that was meant.
    """

    def __init__(
        self, words: Sequence[str], aliases: Callable[[str], str] = lambda text: text
    ) -> None:
        super().__init__(words, case_sensitive=False)
        self._aliases = aliases

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the word."""
        return super().convert(self._aliases(str(value)), param, ctx)


def transfer(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return what ``--input-transfer`` names: words in any case, ``gamma 2.2`` as ``2.2``.

    Parameters
    ----------
    _ctx : Context
    _param : Parameter
    value : str
        As it was typed.
    """
    return value.strip().lower().removeprefix("gamma").strip()


class Jobs(ParamType):
    """A number of jobs, or ``auto`` (None)."""

    name = "n|auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number; ``auto`` stays a word until the end of parsing."""
        if value == "auto":
            return None
        if not str(value).isascii() or not str(value).isdigit() or int(value) < 1:
            self.fail(f"{value!r} is not a number of jobs: give 1 or more, or 'auto'", param, ctx)
        return int(value)


def combined(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Return one decorator for several options, in the order of the help.

    Parameters
    ----------
    decorators : callable
        Options, in order.
    """

    def apply(command: F) -> F:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


def section(title: str, *decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Return one decorator for several options that the help shows under a title.

    Parameters
    ----------
    title : str
        The title in the help.
    decorators : callable
        Options, in order.
    """

    def apply(command: F) -> F:
        before = len(getattr(command, "__click_params__", ()))
        command = combined(*decorators)(command)
        for param in vars(command)["__click_params__"][before:]:
            vars(param)["section"] = title
        return command

    return apply


def sections(params: Iterable[click.Parameter]) -> dict[str, list[click.Option]]:
    """Return a command's options by their titles in the help, in order.

    Parameters
    ----------
    params : iterable of Parameter
        All parameters of the command; arguments are left out.
    """
    titles: dict[str, list[click.Option]] = {}
    for param in params:
        if isinstance(param, click.Option):
            titles.setdefault(getattr(param, "section", "Help"), []).append(param)
    return titles


def complete_name(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the shipped profiles and files that complete what was typed.

    Files come first: click's script for bash drops the completions before them.

    Parameters
    ----------
    _ctx : Context
        Not used.
    _param : Parameter
        Not used.
    incomplete : str
        What was typed so far.
    """
    from divere_cli.profile import library

    names = [name for name in library.names() if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *map(CompletionItem, names)]


def complete_profile(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return what :func:`complete_name` does, and ``auto``.

    Parameters
    ----------
    ctx : Context
        The context of the command.
    param : Parameter
        The parameter.
    incomplete : str
        What was typed so far.
    """
    auto = [CompletionItem("auto")] if "auto".startswith(incomplete) else []
    return [*complete_name(ctx, param, incomplete), *auto]


def complete_space(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the color spaces that complete what was typed.

    Parameters
    ----------
    _ctx : Context
        Not used.
    _param : Parameter
        Not used.
    incomplete : str
        What was typed so far.
    """
    from divere_cli.profile import library

    names = library.in_role("output")
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


roll_by_option = click.option(
    "--roll-by",
    metavar="GLOB",
    help="Which scans of a folder are one roll: those whose names start with the same match of "
    "GLOB ('*_': the same text up to the first _).  [default: all of them]",
)

gray_frame_option = click.option(
    "--gray-frame",
    multiple=True,
    metavar="GLOB",
    help="Scans of a gray card: its color sets the gray of their roll.",
)

isolation_option = click.option(
    "--isolation",
    type=Word(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="always: a new process for each scan; never: threads of this process; auto: processes "
    "where the system allows it, else threads.",
)

sandbox_option = click.option(
    "--sandbox",
    type=Word(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Deny worker processes the network and every file but their scan and its positives. "
    "auto: where the system can, and the report says where it cannot; always: else stop with exit "
    "code 15.",
)

jobs_option = click.option(
    "-j",
    "--jobs",
    type=Jobs(),
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Scans graded at the same time. auto: by cores and memory.",
)

json_option = click.option("--json", "json", is_flag=True, help="Print JSON instead of text.")

logging_options = combined(
    click.option(
        "--log-file", type=click.Path(dir_okay=False), help="Append the log to this file."
    ),
    click.option(
        "--log-format",
        type=Word(["text", "json"]),
        default="text",
        show_default=True,
        help="Format of the log.",
    ),
    click.option(
        "-v", "--verbose", count=True, help="More messages, with tracebacks; -vv for all."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print errors and warnings only."),
)
