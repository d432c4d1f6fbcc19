"""Many small files: what a fresh process for each costs, and what one bad file costs the others."""

from __future__ import annotations

import json
import resource
import shutil
import statistics
from pathlib import Path

import imagecodecs
import numpy as np

from bench.timing import Row, divere, times

SHAPE = (480, 640, 3)  # 0.3 megapixels


def negatives(scratch: Path, count: int) -> Path:
    """A folder of ``count`` small JPEG negatives; made once."""
    folder = scratch / f"small-{count}"
    if not folder.exists():
        folder.mkdir()
        random = np.random.default_rng(1)
        base = np.linspace(40, 200, SHAPE[1])[None, :, None] * np.array([1.0, 0.7, 0.5])
        for number in range(min(count, 8)):
            noisy = base + random.normal(0, 6, SHAPE)
            data = imagecodecs.jpeg8_encode(noisy.clip(0, 255).astype(np.uint8), level=90)
            (folder / f"{number:04}.jpg").write_bytes(data)
        for number in range(8, count):
            shutil.copyfile(folder / f"{number % 8:04}.jpg", folder / f"{number:04}.jpg")
    return folder


def rows(scratch: Path, *, quick: bool) -> list[Row]:
    """Files a second with both isolations; a bad file among them."""
    count, repeats = (40, 1) if quick else (1000, 3)
    source = negatives(scratch, count)
    bad = scratch / "one-bad"
    shutil.copytree(source, bad)
    (bad / f"{count // 2:04}.jpg").write_bytes(b"not a picture")

    notes = {}

    def batch(folder: Path, isolation: str, expect: int = 0) -> None:
        words = ("--format", "jpeg", "--isolation", isolation, "-q")
        before = _children()
        divere("batch", folder, scratch / "out", *words, expect=expect)
        notes[isolation] = cpu_note(scratch / "out", isolation, (_children() - before) / count)

    def clear() -> None:
        shutil.rmtree(scratch / "out", ignore_errors=True)

    works = {
        "always": lambda: batch(source, "always"),
        "never": lambda: batch(source, "never"),
        "one bad": lambda: batch(bad, "always", expect=3),
    }
    every = times(works, repeats, before=clear)
    taken = {name: statistics.median(values) for name, values in every.items()}
    clear()
    shutil.rmtree(bad)
    rates = {name: count / value for name, value in taken.items()}
    ratio = taken["one bad"] / taken["always"]
    noise = max(every["always"]) / min(every["always"])
    return [
        Row(
            f"{count} JPEGs of 0.3 megapixels, isolation `{name}`",
            f"{target} files a second",
            f"{rates[name]:.0f} files a second",
            rates[name] >= target,
            notes[name],
        )
        for name, target in (("always", 60), ("never", 100))
    ] + [
        Row(
            f"an error in 1 of {count} files",
            "costs nothing to the others",
            f"{ratio:.2f} of the time without it",
            ratio <= noise,
            f"the slowest run without it takes {noise:.2f} of the fastest",
        )
    ]


def _children() -> float:
    """CPU seconds of what this process started and what that waited for itself."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_note(out: Path, isolation: str, program: float) -> str:
    """Where the CPU time of a file goes, by the last run."""
    if isolation == "never":
        return f"CPU time a file: {program * 1000:.1f} ms, all of it in one process"
    files = json.loads((out / "divere-report.json").read_text())["files"]
    worker = statistics.median(file["cpu_seconds"] for file in files)
    return (
        f"CPU time a file: {worker * 1000:.1f} ms in its process, {program * 1000:.1f} ms in the "
        "program; its fork and its end come on top"
    )
