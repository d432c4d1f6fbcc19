"""``divere batch --frames find``: a strip becomes its pictures; crops of a person win."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.cli.program import divere
from tests.frames.strips import Spec, draw


@pytest.fixture
def strip(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    scan = draw(Spec(count=4, scale=9.0, seed=3), [])
    tifffile.imwrite(folder / "strip.tif", scan.pixels, photometric="rgb")
    return folder


def batch(strip: Path, *options: object) -> Any:
    return divere("batch", strip, strip.parent / "out", "--isolation", "never", *options)


def names(strip: Path) -> list[str]:
    return sorted(p.name for p in (strip.parent / "out").glob("*.tif"))


def report(strip: Path) -> Any:
    return json.loads((strip.parent / "out" / "divere-report.json").read_text())


def test_each_frame_is_an_output_and_a_second_run_does_nothing(strip: Path) -> None:
    done = batch(strip, "--frames", "find")
    assert done.returncode == 0, done.stderr
    assert names(strip) == [f"strip-{n}.tif" for n in range(1, 5)]
    truth = draw(Spec(count=4, scale=9.0, seed=3), [])
    for name, one in zip(names(strip), truth.truth, strict=True):
        shape = np.array(tifffile.imread(strip.parent / "out" / name).shape[1::-1])
        assert np.abs(shape - np.ptp(one.corners, axis=0)).max() < 0.5 * 9.0
    again = batch(strip, "--frames", "find")
    assert "1 up to date" in again.stderr
    (strip.parent / "out" / ".divere-frames.json").unlink()
    assert "1 up to date" in batch(strip, "--frames", "find").stderr


def test_frames_are_not_searched_where_a_preset_has_crops(strip: Path) -> None:
    crops = [{"metadata": {"id": "x", "name": "mine", "crop": [0.1, 0.2, 0.3, 0.4]}}]
    entry = {"version": 3, "type": "contactsheet", "metadata": {"raw_file": "strip.tif"}}
    (strip / "divere_presets.json").write_text(json.dumps({"strip.tif": entry | {"crops": crops}}))
    assert batch(strip, "--frames", "find").returncode == 0
    assert names(strip) == ["strip-mine.tif"]


def test_measuring_sees_frames_and_neither_holder_nor_gaps(strip: Path) -> None:
    done = batch(strip, "--frames", "find", "--auto", "roll")
    assert done.returncode == 0, done.stderr
    (roll,) = report(strip)["rolls"]
    assert [frame["crop_name"] for frame in roll["frames"]] == ["1", "2", "3", "4"]


def test_a_scan_without_frames_is_graded_whole_and_says_so(strip: Path) -> None:
    light = np.full((200, 300, 3), 50000, np.uint16)
    tifffile.imwrite(strip / "light.tif", light, photometric="rgb")
    done = batch(strip, "--frames", "find")
    assert done.returncode == 0
    assert "light.tif" in names(strip)
    (entry,) = [f for f in report(strip)["files"] if f["input"] == "light.tif"]
    assert any("no frames were found" in warning for warning in entry["warnings"])


def test_a_bad_scan_fails_alone(strip: Path) -> None:
    (strip / "bad.tif").write_text("no picture")
    done = batch(strip, "--frames", "find")
    assert done.returncode == 3
    assert len(names(strip)) == 4


def test_a_dry_run_searches_no_frames(strip: Path) -> None:
    done = batch(strip, "--frames", "find", "--dry-run", "--json")
    assert done.returncode == 0
    assert not (strip.parent / "out").exists()
    assert "searched when the run begins" in done.stdout + done.stderr


def test_a_format_without_find_is_refused(strip: Path) -> None:
    assert batch(strip, "--film", "135").returncode == 2


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    scan = draw(Spec(count=3, scale=9.0, seed=3, turn=1.4), [])
    tifffile.imwrite(folder / "strip.tif", scan.pixels, photometric="rgb")
    return folder


def test_deskewed_pictures_are_level_and_part_of_what_is_up_to_date(turned: Path) -> None:
    batch(turned, "--frames", "find")
    boxes = [tifffile.imread(turned.parent / "out" / name).shape for name in names(turned)]
    done = batch(turned, "--frames", "find", "--deskew")
    assert done.returncode == 0, done.stderr
    assert "1 ok" in done.stderr
    notes = report(turned)["files"][0]["notes"]
    assert [note for note in notes if "turned level by 1.4" in note and "clockwise" in note]
    for name, box in zip(names(turned), boxes, strict=True):
        made = tifffile.imread(turned.parent / "out" / name)
        assert made.shape[0] < box[0] - 5
        assert abs(made.shape[1] / made.shape[0] - 1.5) < 0.02
    assert "1 up to date" in batch(turned, "--frames", "find", "--deskew").stderr


def test_angles_of_a_presets_file_are_corrected(turned: Path) -> None:
    presets = turned / "divere_presets.json"
    one = batch(turned, "--frames", "find", "--deskew", "--auto", "off")
    assert one.returncode == 0, one.stderr
    direct = {name: tifffile.imread(turned.parent / "out" / name) for name in names(turned)}
    told = divere("frames", turned / "strip.tif", "--deskew", "-o", presets)
    assert told.returncode == 0, told.stderr
    stored = divere("batch", turned, turned.parent / "stored", "--isolation", "never")
    assert stored.returncode == 0, stored.stderr
    for name, pixels in direct.items():
        assert (tifffile.imread(turned.parent / "stored" / name) == pixels).all()
    assert divere("frames", turned / "strip.tif", "-o", presets, "--overwrite").returncode == 0
    divere("batch", turned, turned.parent / "stored", "--isolation", "never")
    again = [tifffile.imread(turned.parent / "stored" / name).shape for name in direct]
    assert again != [pixels.shape for pixels in direct.values()]


def test_deskew_without_find_is_refused(turned: Path) -> None:
    done = batch(turned, "--deskew")
    assert done.returncode == 2
    assert "--frames find" in done.stderr


def test_each_page_of_a_file_is_searched(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    counts = (3, 2)
    with tifffile.TiffWriter(folder / "strip.tif") as file:
        for page, count in enumerate(counts):
            scan = draw(Spec(count=count, scale=9.0, seed=3 + page), [])
            file.write(scan.pixels, photometric="rgb", metadata=None)
    done = batch(folder, "--frames", "find")
    assert done.returncode == 0, done.stderr
    wanted = [f"strip-{page}-{n}.tif" for page in (1, 2) for n in range(1, counts[page - 1] + 1)]
    assert names(folder) == wanted
    assert "2 up to date" in batch(folder, "--frames", "find").stderr
    first = divere("batch", folder, tmp_path / "one", "--frames", "find", "--pages", "first")
    assert first.returncode == 0, first.stderr
    assert len(list((tmp_path / "one").glob("*.tif"))) == counts[0]
