"""A quick copy of a record is the copy that the standard library makes."""

from __future__ import annotations

import dataclasses

import pytest

from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.walked import Scan
from divere_cli.records.copies import replace
from divere_cli.records.job import Stamp
from divere_cli.records.outcome import ScanResult


@pytest.mark.parametrize(
    ("record", "changes"),
    [
        (ScanPlan(Scan("a.tif", "/in/a.tif", Stamp(1, 2))), {"action": "grade", "stale": (0, 1)}),
        (ScanResult("a.tif", width=3), {"quality": None, "notes": ("x",), "input": "b.tif"}),
        (ScanResult("a.tif", width=3), {}),
    ],
)
def test_a_copy_has_the_changes_and_all_else(
    record: ScanPlan | ScanResult, changes: dict[str, object]
) -> None:
    copy = replace(record, **changes)
    assert copy == dataclasses.replace(record, **changes)  # type: ignore[arg-type]
    assert copy is not record


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="ScanResult has no field 'colour'"):
        replace(ScanResult("a.tif"), colour=1)
