"""What a user waits for before anything is graded."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

from bench.small import negatives
from bench.timing import DIVERE, Row, divere, medians


def rows(scratch: Path, *, quick: bool) -> list[Row]:
    """`--help`, `--version` and a folder that is up to date."""
    repeats = 3 if quick else 15
    works = {
        word: (lambda word=word: subprocess.run([DIVERE, word], capture_output=True, check=True))
        for word in ("--help", "--version")
    }
    bare = {"python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)}
    taken = medians({**works, **bare}, repeats)
    found = [
        Row(
            f"`divere {word}`",
            "at most 120 ms",
            f"{taken[word] * 1000:.0f} ms",
            taken[word] <= 0.120,
            f"an empty Python takes {taken['python -c pass'] * 1000:.0f} ms",
        )
        for word in works
    ]
    found.append(_beside_python(repeats))
    count = 20 if quick else 1000
    source, out = negatives(scratch, count), scratch / "up-to-date"
    divere("batch", source, out, "--format", "jpeg", "-q")
    again = medians(
        {"again": lambda: divere("batch", source, out, "--format", "jpeg", "-q")}, repeats
    )["again"]
    shutil.rmtree(out)
    found.append(
        Row(
            f"`divere batch` on an up-to-date folder of {count} scans",
            "at most 1 s",
            f"{again:.2f} s",
            again <= 1.0,
        )
    )
    return found


def _beside_python(repeats: int) -> Row:
    """Compare the CPU time of `--help` with that of an empty Python, in turn."""
    works = {
        "help": lambda: subprocess.run([DIVERE, "--help"], capture_output=True, check=True),
        "python": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        "click": lambda: subprocess.run([sys.executable, "-c", "import click"], check=True),
    }
    taken = medians(works, repeats, clock=_children_cpu)
    ratio, click = (taken[name] / taken["python"] for name in ("help", "click"))
    return Row(
        "`divere --help` against `python -c pass`, CPU",
        "at most 4.5 times",
        f"{ratio:.1f} times",
        ratio <= 4.5,
        f"`import click` alone: {click:.1f} times",
    )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
