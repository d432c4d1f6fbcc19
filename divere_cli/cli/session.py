"""What one command line shares between its command and the last handler."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from divere_cli.text import safe


@dataclass
class Session:
    """One run of the program.

    ``verbose`` is whether tracebacks are shown. ``answers_on_stdout``: somebody
    who reads stdout and goes away ends the program as a signal would.
    ``kept_elsewhere``: the result is in a file too, so that a full stdout is no
    failure. ``exit_code`` is what the program ends with. ``as_line`` makes a line of a
    message where stderr is a log of another form.
    """

    verbose: int = 0
    answers_on_stdout: bool = True
    kept_elsewhere: bool = False
    exit_code: int = 0
    as_line: Callable[[str, str], str] | None = None

    def complain(self, message: str, word: str = "error") -> None:
        """Write one line to stderr, in the form that stderr has."""
        if self.as_line is None:
            complain(message, word)
        else:
            sys.stderr.write(self.as_line(word, safe(message)) + "\n")


def complain(message: str, word: str = "error") -> None:
    """Write one line to stderr: ``divere: error: message``, made harmless.

    Parameters
    ----------
    message : str
        The message; made harmless here.
    word : str, default 'error'
        The label before it.
    """
    sys.stderr.write(f"divere: {word}: {safe(message)}\n")
