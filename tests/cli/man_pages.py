"""Manual pages made from the commands themselves: a page a command, in ``docs/man``.

They lie in the repository, and a test compares them: a build that made them would need all
that divere imports, and a wheel is built by hatchling alone. The wheel installs them below
``share/man/man1``.

Not made by click-man: it escapes neither a leading dot nor a backslash, dates each page, so
that no test could compare it, and does not find commands that are loaded when asked for.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from divere_cli import __version__, errors
from divere_cli.cli.app import COMMANDS, divere

FOLDER = Path(__file__).parents[2] / "docs" / "man"


def pages() -> dict[Path, str]:
    """Return every manual page by its path."""
    context = click.Context(divere, info_name="divere", auto_envvar_prefix="DIVERE")
    return {
        FOLDER / f"{page.command_path.replace(' ', '-')}.1": _page(page)
        for page in _contexts(context)
    }


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """Return the context of a command and of all below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _contexts(click.Context(command, info_name=name, parent=context))


def _page(context: click.Context) -> str:
    name = context.command_path.replace(" ", "-")
    lines = [
        f'.TH "{name.upper()}" "1" "" "divere {__version__}" "divere"',
        ".ad l",  # names of variables are long: neither stretched lines nor broken words
        ".nh",
        ".SH NAME",
        f"{_text(name)} \\- {_text(_summary(context))}",
        ".SH SYNOPSIS",
        f"\\fB{_text(context.command_path)}\\fR "
        + _text(" ".join(context.command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(context.command.help or ""),
        *_options(context),
        *_below(context),
        *(_codes() if context.parent is None else ()),
        ".SH SEE ALSO",
        _also(context),
    ]
    return "\n".join(lines) + "\n"


def _summary(context: click.Context) -> str:
    """Return what a page is about, in one line without a full stop."""
    own = context.parent is not None and context.parent.parent is None
    whole = COMMANDS[context.info_name or ""].summary if own else context.command.help or ""
    first = inspect.cleandoc(whole).partition("\n\n")[0]
    return " ".join(first.split()).rstrip(".")


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(inspect.cleandoc(text).replace("\b\n", "").split("\n\n")):
        if number:
            yield ".PP"
        yield from (_text(line.strip()) for line in paragraph.splitlines() if line.strip())


def _options(context: click.Context) -> Iterator[str]:
    options = [each for each in context.command.params if isinstance(each, click.Option)]
    if not options:
        return
    yield ".SH OPTIONS"
    for option in options:
        names = ", ".join(f"\\fB{_text(name)}\\fR" for name in option.opts)
        names += "".join(f", \\fB{_text(name)}\\fR" for name in option.secondary_opts)
        flag = option.is_flag or option.count
        value = "" if flag else f" \\fI{_text(option.make_metavar(context))}\\fR"
        yield from (".TP", names + value, _text(" ".join(_meaning(option, context).split())))


def _meaning(option: click.Option, context: click.Context) -> str:
    variable = f"{context.auto_envvar_prefix}_{(option.name or '').upper()}"
    shown = bool(option.show_default) and option.default is not None and not option.is_flag
    default = f" [default: {option.default}]" if shown and not callable(option.default) else ""
    return f"{option.help or ''}{default} (environment: {variable})"


def _below(context: click.Context) -> Iterator[str]:
    if not isinstance(context.command, click.Group):
        return
    yield ".SH COMMANDS"
    for page in list(_contexts(context))[1:]:
        if page.parent is context:
            name = page.command_path.replace(" ", "-")
            yield from (".TP", f"\\fB{_text(name)}\\fR(1)", _text(_summary(page) + "."))


def _codes() -> Iterator[str]:
    """Return the exit codes of the program, as its errors have them."""
    yield ".SH EXIT STATUS"
    fixed = [
        (0, "every selected scan is ok, up to date, kept, a known failure or deferred"),
        (3, "the run is complete, and at least one scan failed"),
        (129, "ended in order by HUP; 130: by INT; 143: by TERM"),
    ]
    found = {
        cls.exit_code: inspect.cleandoc(cls.__doc__ or "").splitlines()[0]
        for cls in errors.RunError.__subclasses__()
    }
    for code, meaning in sorted({**found, **dict(fixed)}.items()):
        yield from (".TP", f"\\fB{code}\\fR", _text(meaning))


def _also(context: click.Context) -> str:
    if context.parent is None:
        return "The pages in the folder docs of the project."
    return f"\\fB{_text(context.parent.command_path.replace(' ', '-'))}\\fR(1)"


def _text(line: str) -> str:
    """Return one line in which nothing is a command of roff."""
    line = line.replace("``", "").replace("\\", "\\e").replace("-", "\\-")
    line = re.sub(r"[\u2018\u2019]", "'", line)
    return f"\\&{line}" if line.startswith((".", "'")) else line


def main() -> None:
    """Write all, and remove those of commands that are gone."""
    made = pages()
    FOLDER.mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    for path in set(FOLDER.glob("*.1")) - set(made):
        path.unlink()


if __name__ == "__main__":
    main()
