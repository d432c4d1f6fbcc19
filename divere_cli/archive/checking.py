"""Files against what was recorded of them.

Covers the verdict on each file, the sums, and the notes by which a check that was
interrupted goes on. Not covered: where records come from (``batch.verifying``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from divere_cli.archive.hashing import Hashed

Verdict = Literal["ok", "changed", "missing", "extra", "kept", "unreadable"]
SCHEMA = "divere-verify/1"
PROBLEMS = ("missing", "changed", "extra", "unreadable")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file should be; an empty digest is not known, size and time are."""

    name: str
    sha256: tuple[str, ...] = ()
    size: int | None = None
    mtime_ns: int | None = None
    kept: bool = False
    source: Literal["output", "input"] = "output"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict on one file, and why."""

    path: str
    status: Verdict
    why: str = ""
    sha256: str = ""
    bytes: int = 0
    source: Literal["output", "input"] = "output"


def judge(expected: Expected, found: Hashed) -> Checked:
    """Compare one file with what was recorded of it.

    Parameters
    ----------
    expected : Expected
        What was recorded of the file.
    found : Hashed
        What the file is now.
    """

    def said(status: Verdict, why: str = "") -> Checked:
        return Checked(expected.name, status, why, found.sha256, found.size, expected.source)

    if found.missing:
        return said("missing", "is not there")
    if found.problem:
        return said("unreadable", found.problem)
    if expected.kept:
        return said("kept", "changed or adopted by its owner")
    if not expected.sha256:
        if (found.size, found.mtime_ns) == (expected.size, expected.mtime_ns):
            return said("ok", "same size and time; no SHA-256 was recorded")
        return said("changed", "another size or time; no SHA-256 was recorded")
    if all(found.sha256 == digest for digest in expected.sha256):
        return said("ok")
    if any(found.sha256 == digest for digest in expected.sha256):
        return said("changed", "manifest-sha256.txt is of another run: run batch with --manifest")
    return said("changed", "its content is not what was recorded")


def document(output: str, files: Iterable[Checked]) -> dict[str, Any]:
    """Return the results as JSON-ready data, those with a problem first.

    Parameters
    ----------
    output : str
        The output folder.
    files : iterable of Checked
        The checked files.
    """
    ordered = sorted(files, key=lambda each: (each.status not in PROBLEMS, each.path))
    counts = Counter(each.status for each in ordered)
    summary = {
        name: counts[name] for name in ("ok", "kept", "missing", "changed", "extra", "unreadable")
    }
    return {
        "schema": SCHEMA,
        "output": output,
        "summary": {**summary, "total": len(ordered), "bytes": sum(e.bytes for e in ordered)},
        "files": [asdict(each) for each in ordered],
    }


def has_problem(files: Iterable[Checked]) -> bool:
    """Return whether anything is not as it was recorded.

    Parameters
    ----------
    files : iterable of Checked
        The checked files.
    """
    return any(each.status in PROBLEMS for each in files)


def note(found: Hashed) -> str:
    """Return a line that lets an interrupted check skip this file when it continues.

    Parameters
    ----------
    found : Hashed
        The file as it was read.
    """
    said = [found.name, found.size, found.mtime_ns, found.sha256]
    return json.dumps(said, separators=(",", ":")) + "\n"


def noted(lines: Iterable[str]) -> Mapping[str, Hashed]:
    """Return what an interrupted check had read; lines that are no notes are skipped.

    Parameters
    ----------
    lines : iterable of str
        Lines of the notes.
    """
    found: dict[str, Hashed] = {}
    for line in lines:
        try:
            name, size, mtime_ns, sha256 = json.loads(line)
        except ValueError:
            continue
        if isinstance(name, str) and isinstance(sha256, str):
            found[name] = Hashed(name, sha256, int(size), int(mtime_ns))
    return found
