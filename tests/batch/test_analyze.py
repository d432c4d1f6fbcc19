"""``batch.analyze``: measures all scans, reports those that fail, writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.batch.analyze import Analysis, analyze
from divere_cli.batch.request import BatchRequest, Bounds, Inputs, Isolation, Outputs
from divere_cli.errors import InputMissing
from divere_cli.profile import library
from divere_cli.profile.select import Selector
from divere_cli.records.events import Event, ScanStarted
from divere_cli.records.job import Encoding
from divere_cli.roll.auto import TASK
from divere_cli.roll.measurement import from_json
from divere_cli.samples import plan, writing


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    writing.write(plan.samples(plan.Wish(count=2, megapixels=0.02)), str(folder))
    (folder / "text.tif").write_text("not a picture at all")
    return folder


def analyzed(folder: Path, events: list[Event]) -> Analysis:
    encoding = Encoding("tiff", 16, library.output_space("sRGB"))
    request = BatchRequest(
        inputs=Inputs((str(folder),)),
        outputs=Outputs("", encoding),
        chooser=Selector("c41-endura-premier"),
        bounds=Bounds(jobs=2),
        isolation=Isolation("never"),
    )
    return analyze(request, TASK, events.append)


def test_good_scans_are_measured_and_bad_ones_named(scans: Path) -> None:
    events: list[Event] = []
    found = analyzed(scans, events)
    assert [one.name for one in found.measured] == ["frame-01.tif", "frame-02.tif"]
    assert all(from_json(one.measurement).frames[0] for one in found.measured)
    assert list(found.problems) == ["text.tif"]
    assert found.signal is None
    assert sum(isinstance(event, ScanStarted) for event in events) == 2


def test_nothing_is_written(scans: Path) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in scans.iterdir())
    analyzed(scans, [])
    assert sorted((path.name, path.stat().st_mtime_ns) for path in scans.iterdir()) == before


def test_a_scan_that_fails_while_it_is_measured_is_named_and_has_no_measurement(
    scans: Path,
) -> None:
    whole = (scans / "frame-02.tif").read_bytes()
    (scans / "frame-02.tif").write_bytes(whole[: len(whole) // 2])
    found = analyzed(scans, [])
    assert "frame-02.tif" in found.problems
    told = {one.name: bool(one.measurement) for one in found.measured}
    assert told.get("frame-01.tif") is True
    assert not told.get("frame-02.tif", False)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        analyzed(tmp_path / "missing", [])
