"""Several outputs of a run, by the public command: each recorded and up to date by itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.cli.program import divere

PROOF = "jpeg,size=64,quality=90,color-space=sRGB,name={stem}-proof"
FLOAT = "tiff,bit-depth=32,color-space=ACEScg,name={stem}-float"
RNG = np.random.default_rng(11)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b"):
        codes = RNG.integers(3000, 50000, (96, 120, 3)).astype(np.uint16)
        tifffile.imwrite(folder / f"{name}.tif", codes, photometric="rgb", resolution=(4000, 4000))
    return folder


def run(scans: Path, out: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = divere("batch", scans, out, "--auto", "off", *words)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads((out / "divere-report.json").read_text())
    return found


def made(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name[0] in "ab"}


@pytest.mark.parametrize("isolation", ["always", "never"])
def test_each_output_has_its_entry_with_its_digest(
    scans: Path, tmp_path: Path, isolation: str
) -> None:
    out = tmp_path / "out"
    report = run(scans, out, "--also", PROOF, "--also", "jxl", "--also", "dng",
                 "--isolation", isolation)  # fmt: skip
    (first, _) = report["files"]
    assert first["outputs"] == ["a.tif", "a-proof.jpg", "a.jxl", "a.dng"]
    seen = {entry["path"]: entry for entry in first["positives"]}
    assert list(seen) == first["outputs"]
    for name, entry in seen.items():
        data = (out / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["bytes"] == len(data)
    proof = seen["a-proof.jpg"]
    assert (proof["format"], proof["width"], proof["height"]) == ("jpeg", 64, 51)
    assert (proof["color_space"], proof["bit_depth"]) == ("sRGB", 8)
    assert seen["a.dng"]["format"] == "dng"
    with Image.open(out / "a-proof.jpg") as picture:
        assert picture.size == (64, 51)
    lossless = imagecodecs.jpegxl_decode((out / "a.jxl").read_bytes())
    assert np.array_equal(lossless, tifffile.imread(out / "a.tif"))


def test_an_output_is_the_same_as_that_of_a_run_of_its_own(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "both", "--also", PROOF, "--also", FLOAT)
    run(scans, tmp_path / "proof", "--format", "jpeg", "--size", "64", "--quality", "90",
        "--color-space", "sRGB")  # fmt: skip
    run(scans, tmp_path / "float", "--bit-depth", "32", "--color-space", "ACEScg")
    for stem in "ab":
        both = tmp_path / "both"
        alone = (tmp_path / "proof" / f"{stem}.jpg").read_bytes()
        assert (both / f"{stem}-proof.jpg").read_bytes() == alone
        alone = (tmp_path / "float" / f"{stem}.tif").read_bytes()
        assert (both / f"{stem}-float.tif").read_bytes() == alone


def test_only_the_output_that_is_missing_is_made_again(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(scans, out, "--also", PROOF, "--also", FLOAT)
    before = made(out)
    assert run(scans, out, "--also", PROOF, "--also", FLOAT)["summary"]["up_to_date"] == 2
    (out / "a-proof.jpg").unlink()
    report = run(scans, out, "--also", PROOF, "--also", FLOAT)
    assert (report["summary"]["ok"], report["summary"]["up_to_date"]) == (1, 1)
    after = made(out)
    assert {name for name in after if after[name] != before[name]} == {"a-proof.jpg"}
    entries = report["files"][0]["positives"]
    assert [entry["path"] for entry in entries] == ["a.tif", "a-proof.jpg", "a-float.tif"]
    assert all(entry["sha256"] for entry in entries)
    assert run(scans, out, "--also", PROOF, "--also", FLOAT)["summary"]["up_to_date"] == 2


@pytest.mark.slow
def test_an_output_that_is_new_or_changed_leaves_the_others(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(scans, out)
    first = made(out)
    run(scans, out, "--also", PROOF)
    assert made(out).items() >= first.items()
    second = made(out)
    smaller = PROOF.replace("64", "32")
    assert run(scans, out, "--also", smaller)["summary"]["ok"] == 2
    third = made(out)
    assert {name for name in third if third[name] != second[name]} == {
        "a-proof.jpg",
        "b-proof.jpg",
    }
    assert run(scans, out)["summary"]["up_to_date"] == 2  # and without any: nothing to do
    assert made(out) == third


def test_a_missing_master_is_made_again_and_the_proof_stays(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(scans, out, "--also", PROOF)
    before = made(out)
    (out / "b.tif").unlink()
    run(scans, out, "--also", PROOF)
    after = made(out)
    assert {name for name in after if after[name] != before[name]} == {"b.tif"}


def test_two_outputs_of_one_name_write_nothing(scans: Path, tmp_path: Path) -> None:
    done = divere("batch", scans, tmp_path / "out", "--also", "tiff,flat")
    assert done.returncode == 2
    assert "two outputs of 'a.tif' would both be 'a.tif'" in done.stderr
    assert "name= in --also" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_not_ours_fails_its_scan(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a-proof.jpg").write_bytes(b"mine")
    report = run(scans, out, "--also", PROOF, code=3)
    assert [file["status"] for file in report["files"]] == ["failed", "ok"]
    assert report["files"][0]["error"]["kind"] == "output_exists"
    assert (out / "a-proof.jpg").read_bytes() == b"mine"
    assert not (out / "a.tif").exists()


def test_the_plan_names_every_output(scans: Path, tmp_path: Path) -> None:
    done = divere("batch", scans, tmp_path / "out", "--dry-run", "--also", PROOF)
    assert "a-proof.jpg" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "jpeg", "--bit-depth", "16"], "a jpeg has 8 bits"),
        (["--format", "png", "--bit-depth", "32"], "a png has 8 or 16 bits"),
        (["--format", "dng", "--color-space", "sRGB"], "working space"),
        (["--format", "jxl", "--color-space", "eciRGB_v2"], "cannot describe the encoding"),
        (["--format", "png", "--quality", "3"], "--quality is for --format jpeg or jxl"),
        (["--also", "jpeg,size=big"], "not a whole number"),
        (["--also", "webp"], "There are: tiff, jpeg, png, jxl, dng"),
        (["--size", "0"], "--size"),
    ],
)
def test_invalid_outputs_are_exit_2_before_anything_is_written(
    scans: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    done = divere("batch", scans, tmp_path / "out", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_size_beyond_the_scan_is_the_scan(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "large", "--size", "4096")
    run(scans, tmp_path / "plain")
    for name in ("a.tif", "b.tif"):
        assert (tmp_path / "large" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def test_a_gray_scan_as_dng_has_one_channel(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    tifffile.imwrite(folder / "g.tif", RNG.integers(0, 60000, (60, 80)).astype(np.uint16))
    report = run(folder, tmp_path / "out", "--format", "dng")
    assert report["summary"]["ok"] == 1
    with tifffile.TiffFile(tmp_path / "out" / "g.dng") as file:
        assert file.pages[0].samplesperpixel == 1
