"""Print lines for people: results to stdout, messages to stderr, above a live display.

Every line passes through :func:`divere_cli.text.safe`; one call prints one line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TextIO

from divere_cli.text import safe

_LONGEST = 8000  # characters of a message: a worker may send more; the report has all of it


class Screen(Protocol):
    """A live display that can print lines above itself."""

    def print_above(self, line: str) -> None:
        """Print one line to stderr, above the live display."""


class Console:
    """Prints lines; ``screen`` is the live display while there is one.

    ``as_line`` turns word and text of a message into one line of ASCII, instead of
    ``divere: word: text``.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        as_line: Callable[[str, str], str] | None = None,
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._as_line = as_line
        self.screen: Screen | None = None

    def result(self, line: str) -> None:
        """Print one line of the result."""
        self._stdout.write(safe(line) + "\n")
        self._stdout.flush()

    def message(self, word: str, text: str) -> None:
        """Print ``divere: word: text``, or ``divere: text`` where ``word`` is empty."""
        if self._as_line is not None:
            self.data(self._as_line(word, safe(text, _LONGEST)))
        else:
            self.note(f"divere: {word}: {text}" if word else f"divere: {text}")

    def data(self, line: str) -> None:
        """Print one line for programs on stderr, unchanged: it is ASCII without control codes."""
        self._stderr.write(line + "\n")
        self._stderr.flush()

    def note(self, line: str) -> None:
        """Print one line on stderr."""
        if self.screen is not None:
            self.screen.print_above(safe(line, _LONGEST))
            return
        self._stderr.write(safe(line, _LONGEST) + "\n")
        self._stderr.flush()
