"""State of one command line, shared by its command and the last error handler."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from divere_cli.text import safe


@dataclass
class Session:
    """One run of the program.

    ``verbose`` is whether tracebacks are shown. ``answers_on_stdout``: if the reader of stdout
    goes away, the program ends as by a signal. ``kept_elsewhere``: the result is also in a
    file, so that a full stdout is no failure. ``exit_code`` is that of the program.
    ``as_line`` formats a message if stderr is a log in another format.
    """

    verbose: int = 0
    answers_on_stdout: bool = True
    kept_elsewhere: bool = False
    exit_code: int = 0
    as_line: Callable[[str, str], str] | None = None

    def complain(self, message: str, word: str = "error") -> None:
        """Write one line to stderr, in the format of stderr."""
        if self.as_line is None:
            complain(message, word)
        else:
            sys.stderr.write(self.as_line(word, safe(message)) + "\n")


def complain(message: str, word: str = "error") -> None:
    """Write one safe line to stderr: ``divere: error: message``.

    Parameters
    ----------
    message : str
        The message; it is made safe here.
    word : str, default 'error'
        The label before it.
    """
    sys.stderr.write(f"divere: {word}: {safe(message)}\n")
