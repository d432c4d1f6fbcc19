"""What in ``docs/grade.md`` is measured: accuracy by kind of grade, and exported tables.

``python -m tests.color.generated`` writes it; ``test_generated`` measures again
and says when the page claims more than is true.
"""

from __future__ import annotations

import functools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from divere_cli.color import export, grade
from divere_cli.profile import library
from divere_cli.records.grade import Curves, Recipe
from tests.color.exports import exported
from tests.color.recipes import PRINT, Band, colors, graded, layout, recipe, stock, wanted

PAGE = Path(__file__).parents[2] / "docs" / "grade.md"
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NEGATIVE: dict[str, Any] = {
    "source": "9000ED",
    "matrix": library.matrix("9000ed_pt400"),
    "curves": stock("Kodak Endura Premier"),
}
SIZES = (17, 33, 65)


@dataclass(frozen=True)
class Case:
    """One kind of grade to measure."""

    what: str
    found: Recipe
    output: str = PRINT
    sort: Literal["uint16", "uint8", "float32"] = "uint16"
    channels: int = 3
    bit_depth: Literal[8, 16] = 16


@dataclass(frozen=True)
class Measured:
    """How far a grade is from the reference, in code values of the positive."""

    largest: int
    equal: float
    precision: str


def cases() -> tuple[Case, ...]:
    """The rows of the page."""
    negative = recipe(**NEGATIVE)
    extreme = recipe(**{**NEGATIVE, "density_gamma": 5.0, "rgb_gains": (-3.0, 0.0, 3.0)})
    steep = recipe(curves=Curves(rgb=((0.0, 0.0), (0.7, 0.2), (0.7, 0.8), (1.0, 1.0))))
    silver = recipe("b&w_negative", source="9000ED", curves=stock("Ilford MGFB 3"))
    own = recipe(matrix=NEGATIVE["matrix"], curves=NEGATIVE["curves"])
    return (
        Case("C-41 scan to print space", negative),
        Case("the same, scan in the working space", own),
        Case("the same to Display P3", negative, "DisplayP3"),
        Case("the same to sRGB", negative, "sRGB"),
        Case("the same to ACEScg (linear)", negative, "ACEScg"),
        Case("no curve, to Display P3", recipe(source="9000ED"), "DisplayP3"),
        Case("reversal film to Display P3", recipe("color_reversal", source="9000ED"), "DisplayP3"),
        Case("screen glare 0.02", recipe(**NEGATIVE, screen_glare_compensation=0.02)),
        Case("float scan", negative, sort="float32"),
        Case("8-bit scan", negative, sort="uint8"),
        Case("8-bit positive in sRGB", negative, "sRGB", bit_depth=8),
        Case("black-and-white film, color scan", silver),
        Case("black-and-white film, gray scan", silver, channels=1),
        Case("contrast 5, gains of 3", extreme),
        Case("a curve with a vertical jump", steep),
    )


def band(case: Case) -> Band:
    """300,000 pixels: half even in code value, half even in density, and extremes."""
    codes = np.concatenate([colors(seed, 100, 1000) for seed in (1, 2, 3)])[..., : case.channels]
    if case.sort == "uint8":
        codes = (codes >> 8).astype(np.uint8)
    if case.sort == "float32":
        codes = (codes / 65535.0).astype(np.float32)
    return np.ascontiguousarray(codes)


@functools.cache
def measured(case: Case) -> Measured:
    src, space = band(case), library.output_space(case.output)
    got = graded(case.found, space, src, case.bit_depth)
    off = np.abs(got - wanted(case.found, space, src, case.bit_depth))
    made = grade.compile(case.found, space, layout(src), case.bit_depth)
    return Measured(int(off.max()), float((off == 0).mean()), made.precision)


def accuracy() -> str:
    """The table of accuracy."""
    rows = ["| grade | largest difference | equal | computed in |", "|---|---|---|---|"]
    for case in cases():
        found = measured(case)
        top = 2**case.bit_depth - 1
        rows.append(
            f"| {case.what} | {found.largest} of {top} | {found.equal:.2%} | {found.precision} |"
        )
    return "\n".join(rows) + "\n"


def exports() -> str:
    """The table of exported files."""
    rows = [
        "| file | mean difference | 99 % within | color difference, mean | at most |",
        "|---|---|---|---|---|",
    ]
    for what, found in exported_files().items():
        rows.append(
            f"| {what} | {found.mean_error:.2f} | {found.p99_error:.2f} | "
            f"{found.mean_delta_e:.2f} | {found.max_delta_e:.1f} |"
        )
    return "\n".join(rows) + "\n"


@functools.cache
def exported_files() -> dict[str, export.ExportReport]:
    """Files of the first case, to sRGB."""
    found, space = recipe(**NEGATIVE), library.output_space("sRGB")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "grade")
        clf = exported(found, space, "clf", None, f"{path}.clf")
        reports = {"CLF": clf}
        for shaper in (False, True):
            for size in SIZES:
                what = f"`.cube`, {size} points" + (", shaper" if shaper else "")
                cube = f"{path}-{size}-{shaper}.cube"
                reports[what] = exported(found, space, "cube", size, cube, shaper=shaper)
    return reports


PARTS = {"accuracy": accuracy, "exports": exports}


def page() -> str:
    """The page with its measured parts as they are now."""
    return _PART.sub(
        lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", PAGE.read_text("utf-8")
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
