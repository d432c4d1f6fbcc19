"""What one command line shares between its command and the last handler."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from divere_cli.text import safe


@dataclass
class Session:
    """One run of the program.

    ``answers_on_stdout`` is whether the command's result is what it prints, so
    that losing stdout is a failure; ``verbose`` whether tracebacks are shown.
    """

    verbose: int = 0
    answers_on_stdout: bool = True


def complain(message: str, word: str = "error") -> None:
    """Write one line to stderr: ``divere: error: message``, made harmless."""
    sys.stderr.write(f"divere: {word}: {safe(message)}\n")
