"""Malicious scans in real workers, beside good ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.batch.request import Isolation
from divere_cli.isolation.supervisor.attempt import Attempt
from divere_cli.isolation.wire import Message
from tests.batch.lab import Lab
from tests.batch.tasks import MISBEHAVE

MARK = 54321


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("killed", "crashed"),
        ("hangs", "timeout"),
        ("lies", "output_error"),
        ("corrupt", "corrupt_input"),
    ],
)
def test_a_poisoned_scan_changes_no_other_positive(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, word: str, kind: str
) -> None:
    note_start = Attempt.note_start

    def hurried(attempt: Attempt, message: Message, now: float) -> None:
        note_start(attempt, message, now)
        assert attempt.assignment is not None
        if attempt.assignment.job.name.startswith("hangs"):  # the others have as long as they need
            attempt.deadline = now + 0.2

    monkeypatch.setattr(Attempt, "note_start", hurried)
    lab.scans("a.tif", "z.tif")
    lab.run()
    alone = lab.positives()
    lab.scan(f"{word}-b.tif")
    report = lab.run(
        task=MISBEHAVE,
        force=True,
        isolation=Isolation("always", sandbox="never"),
        open_runner=None,
        retries=0,
        jobs=2,
    )
    assert report.exit_code == 3
    assert lab.kinds(report) == {f"{word}-b.tif": kind}
    assert lab.positives() == alone
    bad = next(file for file in report.files if file.error)
    assert bad.attempts == 1
    assert bad.worker_pid > 0


def test_scans_that_take_more_than_the_budget_take_turns(lab: Lab) -> None:
    lab.scans("fat-a.tif", "fat-b.tif")
    report = lab.run(
        task=MISBEHAVE,
        isolation=Isolation("always", sandbox="never"),
        open_runner=None,
        jobs=2,
        memory_budget=400 << 20,
    )
    assert report.exit_code == 0
    assert [file.attempts for file in report.files] == [1, 2]
    assert all(file.peak_rss_bytes > 250 << 20 for file in report.files)


def bait(lab: Lab) -> Path:
    """An OME-TIFF whose description names another file for its pixels."""
    secret = lab.inputs / "secret.bin"
    tifffile.imwrite(secret, np.full((16, 16, 3), MARK, np.uint16), photometric="rgb")
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:1"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
        'Type="uint16" SizeX="16" SizeY="16" SizeC="3" SizeZ="1" SizeT="2">'
        '<Channel ID="Channel:0:0" SamplesPerPixel="3"/>'
        '<TiffData FirstT="0" IFD="0" PlaneCount="1"><UUID FileName="scan.tif">urn:uuid:1</UUID>'
        '</TiffData><TiffData FirstT="1" IFD="0" PlaneCount="1"><UUID FileName="secret.bin">'
        "urn:uuid:2</UUID></TiffData></Pixels></Image></OME>"
    )
    path = lab.inputs / "scan.tif"
    tifffile.imwrite(
        path,
        np.full((16, 16, 3), 1000, np.uint16),
        photometric="rgb",
        description=xml,
        metadata=None,
    )
    return path


def pixels(lab: Lab, task: str = "divere_cli.develop.scan:develop") -> np.typing.NDArray[np.uint16]:
    report = lab.run(task=task, reports=())
    assert report.exit_code == 0, report.files
    return tifffile.imread(lab.outputs / "scan.tif", key=0)  # type: ignore[no-any-return]


def test_a_scan_that_names_another_file_shows_only_itself(lab: Lab) -> None:
    bait(lab)
    secret = lab.inputs / "secret.bin"
    found = pixels(lab)
    assert found.shape == (16, 16, 3)
    secret.unlink()
    lab.outputs.joinpath("scan.tif").unlink()
    np.testing.assert_array_equal(pixels(lab), found)
