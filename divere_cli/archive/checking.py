"""Checks files against their records.

Covers the result for each file, the totals, and the notes that let an interrupted check continue.
Not covered: where records come from (``batch.verifying``).
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
    """The recorded state of a file: size and time, and the digest unless it is empty."""

    name: str
    sha256: tuple[str, ...] = ()
    size: int | None = None
    mtime_ns: int | None = None
    kept: bool = False
    source: Literal["output", "input"] = "output"


@dataclass(frozen=True, slots=True)
class Checked:
    """The result for one file, with the reason."""

    path: str
    status: Verdict
    why: str = ""
    sha256: str = ""
    bytes: int = 0
    source: Literal["output", "input"] = "output"


def judge(expected: Expected, actual: Hashed) -> Checked:
    """Compare one file with its record.

    Parameters
    ----------
    expected : Expected
        The record of the file.
    actual : Hashed
        The current file.
    """

    def result(status: Verdict, why: str = "") -> Checked:
        return Checked(expected.name, status, why, actual.sha256, actual.size, expected.source)

    if actual.missing:
        return result("missing", "is not there")
    if actual.problem:
        return result("unreadable", actual.problem)
    if expected.kept:
        return result("kept", "changed or adopted by its owner")
    if not expected.sha256:
        if (actual.size, actual.mtime_ns) == (expected.size, expected.mtime_ns):
            return result("ok", "same size and time; no SHA-256 was recorded")
        return result("changed", "another size or time; no SHA-256 was recorded")
    if all(actual.sha256 == digest for digest in expected.sha256):
        return result("ok")
    if any(actual.sha256 == digest for digest in expected.sha256):
        return result("changed", "manifest-sha256.txt is of another run: run batch with --manifest")
    return result("changed", "its content is not what was recorded")


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
    """Return whether any file differs from its record.

    Parameters
    ----------
    files : iterable of Checked
        The checked files.
    """
    return any(each.status in PROBLEMS for each in files)


def note(actual: Hashed) -> str:
    """Return a line that lets an interrupted check skip this file when it continues.

    Parameters
    ----------
    actual : Hashed
        The file as it was read.
    """
    fields = [actual.name, actual.size, actual.mtime_ns, actual.sha256]
    return json.dumps(fields, separators=(",", ":")) + "\n"


def noted(lines: Iterable[str]) -> Mapping[str, Hashed]:
    """Return the hashes that an interrupted check had read; skip lines that are no notes.

    Parameters
    ----------
    lines : iterable of str
        Lines of the notes.
    """
    hashes: dict[str, Hashed] = {}
    for line in lines:
        try:
            name, size, mtime_ns, sha256 = json.loads(line)
        except ValueError:
            continue
        if isinstance(name, str) and isinstance(sha256, str):
            hashes[name] = Hashed(name, sha256, int(size), int(mtime_ns))
    return hashes
