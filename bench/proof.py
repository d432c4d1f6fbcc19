"""Sheets of one scan beside one isolated grade of it, and a calibration by one chart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import roll
from bench.timing import Row, divere, medians

REPEATS = 5


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Whole commands, start to end, in turn with one another."""
    megapixels = 1.0 if quick else 24.0
    scan = sorted(roll.negatives(scratch, 1, megapixels).glob("*.tif"))[0]
    output, sheet = scratch / "one-positive", scratch / "sheet.jpg"
    profile = ("-p", roll.PROFILE)
    base = ("proof", scan, sheet, "--overwrite", *profile)
    taken = medians(
        {
            "grade": lambda: divere(
                "batch", scan, output, *profile, "--isolation", "always", "--force", "--overwrite"
            ),
            "ring": lambda: divere(*base),
            "profiles": lambda: divere(*base, "--vary", "profile"),
            "chart": lambda: divere("calibrate", scan, *profile),
        },
        2 if quick else REPEATS,
    )
    most = taken["grade"] + 1.0
    for name, what in (("ring", "13 tiles of color"), ("profiles", "29 profiles, each measured")):
        yield Row(
            f"proof: {what}, {megapixels:g} megapixels",
            "25 tiles: one isolated grade and 1 s",
            f"{taken[name]:.2f} s",
            taken[name] <= most,
            f"one isolated grade {taken['grade']:.2f} s",
        )
    yield Row(
        f"calibrate: one chart on {megapixels:g} megapixels, found and fitted",
        "under 5 s",
        f"{taken['chart']:.2f} s",
        taken["chart"] < 5.0,
    )
