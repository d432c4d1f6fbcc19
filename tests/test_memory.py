"""Peak memory does not grow with the scan, and the page that says so is complete."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import memory

MEGABYTE = 1_000_000


@pytest.mark.parametrize("stored", ["strips", "zstd", "tiles", "planar"])
def test_a_16_times_larger_scan_needs_the_same(tmp_path: Path, stored: str) -> None:
    small = replace(memory.CASES[0], stored=stored, shape=(500, 1000))
    large = replace(small, shape=(8000, 1000))
    peaks = [memory.peak(case, tmp_path) for case in (small, large)]
    assert peaks[1] < peaks[0] + 12 * MEGABYTE
    assert peaks[1] < small.limit * MEGABYTE


def test_the_page_says_every_case_within_its_limit() -> None:
    page = memory.PAGE.read_text()
    for case in memory.CASES:
        (line,) = (line for line in page.splitlines() if line.startswith(f"| {case.name} |"))
        _, _, measured, limit, bound, _ = (part.strip() for part in line.split("|"))
        assert (limit, bound) == (f"{case.limit} MB", case.bound)
        assert int(measured.removesuffix(" MB")) <= case.limit


@pytest.mark.slow
@pytest.mark.parametrize("case", memory.CASES, ids=lambda case: case.name)
def test_a_case_keeps_its_limit(tmp_path: Path, case: memory.Case) -> None:
    assert memory.peak(case, tmp_path) <= case.limit * MEGABYTE
