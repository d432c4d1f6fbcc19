"""Files of several pictures, raw files with their JPEG, and a camera's .fff, by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from divere_cli.cli.app import run
from tests.image import made

PRESET = {
    "version": 3,
    "type": "single",
    "metadata": {"film_type": "color_negative_c41"},
    "idt": {"name": "KodakEnduraPremier", "gamma": 1.0},
    "cc_params": {"density_gamma": 0.5, "density_dmax": 0.81, "rgb_gains": [0, 0, 0]},
}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "p.json").write_text(json.dumps(PRESET))
    return tmp_path / "in"


def put(scans: Path, name: str, file: str) -> None:
    data, _ = next(each for each in made.MADE if each.file == file).build()
    (scans / name).write_bytes(data)


def batch(scans: Path, *options: str, code: int = 0) -> dict[str, Any]:
    """Run a batch; gives its report."""
    folder = scans.parent
    words = [
        str(scans),
        str(folder / "out"),
        "-p",
        str(folder / "p.json"),
        "--isolation",
        "never",
        "--auto",
        "off",
    ]
    assert run(["batch", *words, *options]) == code
    report: dict[str, Any] = json.loads((folder / "out/divere-report.json").read_text())
    return report


def positives(scans: Path) -> list[str]:
    return sorted(path.name for path in (scans.parent / "out").glob("*.tif"))


def test_every_picture_of_a_file_is_graded_as_if_it_were_alone(scans: Path) -> None:
    put(scans, "strip.tif", "three.tif")
    for index in range(3):
        tifffile.imwrite(
            scans / f"alone-{index}.tif", made.rgb(64, 96, seed=index + 1), photometric="rgb"
        )
    files = {each["input"]: each for each in batch(scans)["files"]}
    assert files["strip.tif"]["pages"] == {"picture": 1, "pictures": 3, "pages": 3}
    assert files["strip.tif#2"]["outputs"] == ["strip-2.tif"]
    for index in range(3):
        one = tifffile.imread(scans.parent / f"out/strip-{index + 1}.tif")
        np.testing.assert_array_equal(one, tifffile.imread(scans.parent / f"out/alone-{index}.tif"))


def test_a_second_run_finds_every_picture_up_to_date(scans: Path) -> None:
    put(scans, "strip.tif", "three.tif")
    batch(scans)
    assert {each["status"] for each in batch(scans)["files"]} == {"up_to_date"}


def test_the_first_picture_alone_reports_the_others(scans: Path) -> None:
    put(scans, "strip.tif", "three.tif")
    (file,) = batch(scans, "--pages", "first")["files"]
    assert positives(scans) == ["strip.tif"]
    assert "2 further pictures of the file are left out" in file["warnings"][0]


def test_a_picture_that_cannot_be_read_fails_alone(scans: Path) -> None:
    signed = made.page(made.rgb(64, 96), more={254: (4, [2]), 339: (3, [2, 2, 2])})
    (scans / "strip.tif").write_bytes(made.tiff(made.page(made.rgb(64, 96)), signed))
    files = {each["input"]: each for each in batch(scans, code=3)["files"]}
    assert files["strip.tif"]["status"] == "ok"
    assert files["strip.tif#2"]["error"]["kind"] == "unsupported"


def test_pages_have_a_field_of_their_own_in_names(scans: Path) -> None:
    put(scans, "strip.tif", "mixed.tif")
    batch(scans, "--name", "{page}-of-{stem}")
    assert positives(scans) == ["1-of-strip.tif", "2-of-strip.tif"]


def test_infrared_beside_a_gray_picture_goes_into_its_sidecar(scans: Path) -> None:
    put(scans, "scan.tif", "hdrig.tif")
    batch(scans, "--ir", "sidecar")
    assert positives(scans) == ["scan-ir.tif", "scan.tif"]
    want = made.rgb(64, 96, seed=2)[:, :, 1]
    np.testing.assert_array_equal(tifffile.imread(scans.parent / "out/scan-ir.tif"), want)


def test_a_sample_of_unknown_meaning_is_infrared_if_requested(scans: Path) -> None:
    four = np.dstack([made.rgb(), made.gray(seed=2)])
    (scans / "scan.tif").write_bytes(made.tiff(made.page(four, photometric=2)))
    batch(scans)
    assert positives(scans) == ["scan.tif"]
    (scans.parent / "out/scan.tif").unlink()
    batch(scans, "--ir", "sidecar")
    assert positives(scans) == ["scan-ir.tif", "scan.tif"]


@pytest.mark.parametrize("suffix", ["JPG", "jpeg"])
def test_the_jpeg_of_a_raw_file_is_left_out_with_a_warning(
    scans: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    put(scans, "DSC_1.DNG", "black.dng")
    (scans / f"DSC_1.{suffix}").write_bytes(b"no picture at all")
    (file,) = batch(scans)["files"]
    assert file["input"] == "DSC_1.DNG"
    assert f"'DSC_1.{suffix}' is left out" in capfd.readouterr().err


def test_both_of_a_pair_are_graded_if_requested(scans: Path) -> None:
    put(scans, "DSC_1.DNG", "black.dng")
    (scans / "DSC_1.JPG").write_bytes(made.by_pillow(made.bits(made.rgb(), 8), "JPEG"))
    batch(scans, "--pairs", "both")
    assert positives(scans) == ["DSC_1-JPG.tif", "DSC_1.tif"]


def test_a_tiff_and_a_jpeg_of_one_name_are_no_pair(scans: Path) -> None:
    put(scans, "a.tif", "three.tif")
    (scans / "a.JPG").write_bytes(made.by_pillow(made.bits(made.rgb(), 8), "JPEG"))
    files = batch(scans)["files"]
    assert len(files) == 4


@pytest.mark.parametrize("dng", [True, False])
def test_a_camera_s_fff_has_no_flextight_profile(
    tmp_path: Path, dng: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    about: dict[int, made.Values] = {271: (2, "Hasselblad"), 33421: (3, [2, 2])}
    about[33422] = (1, [0, 1, 1, 2])
    mosaic = made.page(made.gray(), photometric=32803, more=about | (made.DNG if dng else {}))
    (tmp_path / "B0001.fff").write_bytes(made.tiff(mosaic))
    run(["inspect", str(tmp_path / "B0001.fff")])
    shown = capfd.readouterr()
    assert "B0001" in shown.out + shown.err
    assert "imacon" not in (shown.out + shown.err).lower()
