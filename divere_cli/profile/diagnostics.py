"""Problems and warnings of a strict reader, each with its JSON path.

Covers collecting and wording problems (the file cannot be used) and warnings (it can be used, but
not all of it). Not covered: what counts as a problem; the kinds and the checks decide that.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SHOWN_VALUE = 60
KEPT = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason not to use a file.

    ``structural`` problems are those that the published JSON Schema sees too;
    the others need more than one value, or the library, to be found.
    """

    path: str
    message: str
    structural: bool = True

    def __str__(self) -> str:
        return f"{self.path} {self.message}"


@dataclass(slots=True)
class Findings:
    """All problems and warnings of one file. Beyond ``KEPT`` of each they are only counted."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    uncounted: int = 0


@dataclass(slots=True)
class Place:
    """The position of a reader in the document: a root, a path below it, and its findings.

    ``renames`` maps paths of the current schema to the paths in the file.
    """

    findings: Findings
    root: str = "$"
    below: str = ""
    renames: Mapping[str, str] = field(default_factory=dict)

    def key(self, name: str) -> Place:
        """Return the position of a member of this object."""
        return Place(self.findings, self.root, self.below + step(name), self.renames)

    def item(self, index: int) -> Place:
        """Return the position of an item of this list."""
        return Place(self.findings, self.root, f"{self.below}[{index}]", self.renames)

    @property
    def path(self) -> str:
        """The JSON path in the file, such as ``$.cc_params.rgb_gains[1]``."""
        return located({"": self.root, **self.renames}, self.below)

    def refuse(self, value: object, allowed: str, *, structural: bool = True) -> None:
        """Report that ``value`` is not allowed here, and which values are."""
        self.problem(f"is {show(value)}; allowed: {allowed}", structural=structural)

    def problem(self, message: str, *, structural: bool = True) -> None:
        """Report a problem; the message follows the path."""
        if len(self.findings.problems) < KEPT:
            self.findings.problems.append(Problem(self.path, message, structural))
        else:  # the paths of very many would take seconds
            self.findings.uncounted += 1

    def warn(self, message: str) -> None:
        """Report a warning; the message follows the path."""
        if len(self.findings.warnings) < KEPT:
            self.findings.warnings.append(f"{self.path} {message}")

    def unknown(self, names: list[str], allowed: Iterable[str] = ()) -> None:
        """Report keys that nothing reads, each with the most similar known key."""
        there = list(allowed)
        for name in names[:KEPT]:
            close = difflib.get_close_matches(name[:SHOWN_VALUE], there, n=1)
            suggestion = f"; did you mean {close[0]!r}?" if close else ""
            self.key(name).warn(f"is not a key that divere knows; it has no effect{suggestion}")


def step(name: str) -> str:
    """Return one step of a JSON path: ``.name``, or ``["a name"]`` if it is no identifier.

    Parameters
    ----------
    name : str
        The key.
    """
    if name.isidentifier() and name.isascii():
        return f".{name}"
    short = name if len(name) <= SHOWN_VALUE else name[: SHOWN_VALUE - 3] + "..."
    return f"[{json.dumps(short, ensure_ascii=_harmful(short))}]"


def show(value: object) -> str:
    """Return a value as JSON, cut to a readable length.

    Parameters
    ----------
    value : object
        The value.
    """
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list) and len(value) > 9:
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=True) if not isinstance(value, str) else _quoted(value)
    return text if len(text) <= SHOWN_VALUE else text[: SHOWN_VALUE - 3] + "..."


def _quoted(value: str) -> str:
    return json.dumps(value[:SHOWN_VALUE], ensure_ascii=_harmful(value))


def _harmful(text: str) -> bool:
    return not text.isprintable()


def located(paths: Mapping[str, str], path: str) -> str:
    """Convert a path in a preset to the path in its file.

    ``paths`` maps paths below a preset's root to those of the file; the longest
    that holds ``path`` counts.

    Parameters
    ----------
    paths : Mapping[str, str]
        Paths in the file by paths in the preset; the longest that fits counts.
    path : str
        The path in the preset.
    """
    best = max((prefix for prefix in paths if _holds(prefix, path)), key=len, default="")
    return paths.get(best, "$") + path[len(best) :]


def _holds(prefix: str, path: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", ".", "[")
