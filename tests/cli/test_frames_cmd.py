"""``divere frames``: finds pictures on strips and writes a preset for each; messages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.cli.program import divere
from tests.frames.strips import Spec, draw


def strip(folder: Path, name: str = "strip.tif", **options: Any) -> Path:
    scan = draw(Spec(**({"count": 4, "scale": 9.0, "seed": 3} | options)), [])
    tifffile.imwrite(folder / name, scan.pixels, photometric="rgb")
    return folder / name


def found(*arguments: object) -> dict[str, Any]:
    done = divere("frames", *arguments, "--json", "--isolation", "never")
    assert done.returncode == 0, done.stderr
    (scan,) = json.loads(done.stdout)["scans"]
    return dict(scan)


def test_json_has_crops_in_parts_of_the_stored_picture(tmp_path: Path) -> None:
    path = strip(tmp_path)
    scan = found(path)
    truth = draw(Spec(count=4, scale=9.0, seed=3), [])
    assert scan["input"] == str(path)
    assert scan["film"] == "135"
    size = np.array(truth.pixels.shape[1::-1])
    for frame, one in zip(scan["frames"], truth.truth, strict=True):
        x, y, w, h = frame["crop"]
        box = np.array([x, y, x + w, y + h]) * np.concatenate([size, size])
        right = np.concatenate([one.corners.min(axis=0), one.corners.max(axis=0)])
        assert np.abs(box - right).max() < 0.3 * 9.0
        assert frame["sure"] is True
    assert [frame["id"] for frame in scan["frames"]] == ["1", "2", "3", "4"]


def test_a_preset_grades_each_picture_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = strip(tmp_path, turn=0.8)
    presets = tmp_path / "divere_presets.json"
    kept = {"version": 3, "type": "single", "metadata": {"raw_file": "other.tif"}, "x": 1}
    presets.write_text(json.dumps({"other.tif": kept}))
    done = divere("frames", path, "-o", presets, "--deskew", "--isolation", "never")
    assert done.returncode == 0, done.stderr
    document = json.loads(presets.read_text())
    assert document["other.tif"] == kept
    assert document["strip.tif"]["type"] == "contactsheet"
    turns = document["divere_cli"]["scans"]["strip.tif"]["turns"]
    assert set(turns) == {"1", "2", "3", "4"}
    assert all(abs(turn - 0.8) < 0.1 for turn in turns.values())
    done = divere("batch", path, tmp_path / "out", "--isolation", "never")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").glob("*.tif")) == [
        f"strip-{n}.tif" for n in range(1, 5)
    ]


def test_crops_made_by_hand_are_not_replaced(tmp_path: Path) -> None:
    path, presets = strip(tmp_path), tmp_path / "divere_presets.json"
    first = divere("frames", path, "-o", presets, "--isolation", "never")
    assert first.returncode == 0
    before = presets.read_bytes()
    again = divere("frames", path, "-o", presets, "--isolation", "never")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert presets.read_bytes() == before
    assert divere("frames", path, "-o", presets, "--overwrite").returncode == 0


def test_a_bare_light_has_no_frames_and_a_bad_scan_is_named(tmp_path: Path) -> None:
    light = np.full((300, 450, 3), 52000, np.uint16)
    tifffile.imwrite(tmp_path / "light.tif", light, photometric="rgb")
    (tmp_path / "bad.tif").write_text("no picture")
    done = divere("frames", tmp_path / "light.tif", tmp_path / "bad.tif", "--json")
    assert done.returncode == 3
    (scan,) = json.loads(done.stdout)["scans"]
    assert scan["frames"] == []
    assert "bad.tif" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_shows_what_was_found(tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"found.{suffix}"
    done = divere("frames", strip(tmp_path), "--picture", picture, "--isolation", "never")
    assert done.returncode == 0, done.stderr
    codes = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    green = (codes[..., 1] > codes[..., 0] + 90) & (codes[..., 1] > codes[..., 2] + 90)
    assert green.sum() > 1000


@pytest.mark.parametrize(
    "wrong", [("--count", "0"), ("--film", "126"), ("--picture", "found.gif"), ("-o", "x.txt")]
)
def test_invalid_values_are_refused(tmp_path: Path, wrong: tuple[str, str]) -> None:
    done = divere("frames", strip(tmp_path), *wrong)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) <= 4


def test_every_picture_of_a_file_is_searched_and_its_crops_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    scans = [draw(Spec(count=count, scale=7.0, seed=3), []) for count in (3, 2)]
    with tifffile.TiffWriter(path) as file:
        for scan in scans:
            file.write(scan.pixels, photometric="rgb")
    presets = tmp_path / "divere_presets.json"
    done = divere("frames", path, "-o", presets, "--json", "--isolation", "never")
    assert done.returncode == 0, done.stderr
    pages = json.loads(done.stdout)["scans"]
    assert [page["picture"] for page in pages] == [1, 2]
    assert [len(page["frames"]) for page in pages] == [3, 2]
    assert "its crops are not written" in done.stderr
    assert not presets.exists()
    done = divere("frames", path, "--isolation", "never")
    assert "picture 1: 135" in done.stdout
    assert "picture 2: 135" in done.stdout


def test_an_output_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "o.json")
    done = divere("frames", strip(tmp_path), "-o", tmp_path / "o.json")
    assert done.returncode == 2
    assert "o.json' cannot be read: is not a regular file" in done.stderr
