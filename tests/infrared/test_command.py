"""Runs of ``divere batch --ir repair`` give the positives, masks and notes that they should."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from divere_cli.cli import app
from tests.infrared.simulator import Film, Scan, quiet, scan

FILM = Film(height=420, width=560, specks=14, hairs=2, scratches=1, shift=(1.2, -0.6))
# a preset of one's own, so that nothing is measured
OPTIONS = ("--isolation", "never", "-q", "--auto", "off")


@pytest.fixture(scope="module")
def dusty() -> Scan:
    return scan(FILM, 900)


def hdri(path: Path, made: Scan, **options: Any) -> None:
    with tifffile.TiffWriter(path) as file:
        for page, kind in ((made.rgb, "rgb"), (made.infrared[..., 0], "minisblack")):
            file.write(page, photometric=kind, software="SilverFast 8.8", metadata=None, **options)


def rgbi(path: Path, made: Scan, **options: Any) -> None:
    samples = np.concatenate([made.rgb, made.infrared], axis=-1)
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=[0], metadata=None, **options)


def batch(folder: Path, name: str, *options: str) -> tuple[Path, dict[str, dict[str, Any]]]:
    out = folder.parent / name
    report = folder.parent / f"{name}-report.json"
    code = app.run(["batch", str(folder), str(out), *OPTIONS, "--report", str(report), *options])
    assert code == 0
    return out, {file["input"]: file for file in json.loads(report.read_text())["files"]}


def positive(path: Path) -> NDArray[Any]:
    return np.asarray(tifffile.imread(path))


def mask_of(path: Path) -> NDArray[np.bool_]:
    return np.asarray(Image.open(path)) > 0


def test_repaired_positives_equal_the_others_outside_of_the_mask(
    tmp_path: Path, dusty: Scan
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "page.tif", dusty)
    rgbi(scans / "channel.tif", dusty, compression="zlib", rowsperstrip=37)
    plain, _ = batch(scans, "plain")
    fixed, files = batch(scans, "fixed", "--ir", "repair", "--ir-mask")
    masks = [mask_of(fixed / f"{name}-ir-mask.png") for name in ("page", "channel")]
    assert np.array_equal(masks[0], masks[1])
    assert 0.01 < masks[0].mean() < 0.08
    for name in ("page", "channel"):
        one, other = positive(plain / f"{name}.tif"), positive(fixed / f"{name}.tif")
        assert np.array_equal(one[~masks[0]], other[~masks[0]])
        assert (one != other).any(axis=-1)[masks[0]].mean() > 0.9
        report = files[f"{name}.tif"]
        assert report["repaired"] == pytest.approx(masks[0].mean())
        assert report["repair"]["shift"] == pytest.approx(FILM.shift, abs=0.4)
        assert any("was repaired by infrared" in note for note in report["notes"])


def test_the_repair_comes_close_to_the_scan_without_dust(tmp_path: Path, dusty: Scan) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "dusty.tif", dusty)
    hdri(scans / "clean.tif", replace(dusty, rgb=dusty.clean))
    out, _ = batch(scans, "out")
    fixed, _ = batch(scans, "fixed", "--ir", "repair", "--include", "dusty.tif")
    clean, before = (positive(out / f"{name}.tif").astype(float) for name in ("clean", "dusty"))
    after = positive(fixed / "dusty.tif").astype(float)
    where = dusty.defects > 0.06
    assert np.abs(after - clean)[where].mean() < 0.3 * np.abs(before - clean)[where].mean()


def test_crops_and_isolation_and_threads_give_the_same(tmp_path: Path, dusty: Scan) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "a.tif", dusty)
    whole, _ = batch(scans, "whole", "--ir", "repair")
    apart, _ = batch(scans, "apart", "--ir", "repair", "--isolation", "always", "-j", "1")
    assert np.array_equal(positive(whole / "a.tif"), positive(apart / "a.tif"))
    preset = {
        "version": 3,
        "type": "contactsheet",
        "metadata": {"raw_file": "a.tif"},
        "idt": {"name": "ACEScg", "gamma": 1.0},
        "cc_params": {},
        "crops": [{"metadata": {"id": "x", "crop": [0.2, 0.3, 0.5, 0.4]}}],
        "active_crop_id": None,
    }
    full = {**preset, "type": "single", "metadata": {"raw_file": "a.tif"}}
    del full["crops"], full["active_crop_id"]
    names = []
    for name, content in (("sheet", preset), ("full", full)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        options = ("-p", str(tmp_path / f"{name}.json"), "--ir", "repair")
        names.append(batch(scans, name, *options)[0])
    (cut,) = names[0].glob("*.tif")
    part = positive(names[1] / "a.tif")[126:294, 112:392]
    assert np.array_equal(positive(cut), part)


def test_scans_that_cannot_be_repaired_are_unchanged_and_named_with_the_reason(
    tmp_path: Path,
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "silver.tif", scan(replace(FILM, silver=True), 901))
    hdri(scans / "covered.tif", scan(replace(FILM, covered=0.16), 902))
    hdri(scans / "clean.tif", scan(quiet(FILM), 903))
    tifffile.imwrite(scans / "none.tif", scan(quiet(FILM), 904).rgb, photometric="rgb")
    plain, _ = batch(scans, "plain")
    fixed, files = batch(scans, "fixed", "--ir", "repair", "--ir-mask")
    for name in ("silver", "covered", "clean", "none"):
        one, other = positive(plain / f"{name}.tif"), positive(fixed / f"{name}.tif")
        assert np.array_equal(one, other)
    assert "silver" in " ".join(files["silver.tif"]["warnings"])
    assert "more than 8%" in " ".join(files["covered.tif"]["warnings"])
    assert "repaired" not in files["silver.tif"]
    assert files["clean.tif"]["repaired"] == 0
    assert "no infrared channel: nothing was repaired" in files["none.tif"]["notes"]
    assert not mask_of(fixed / "silver-ir-mask.png").any()
    assert not (fixed / "none-ir-mask.png").exists()


def test_a_second_run_does_nothing_and_another_strength_grades_again(
    tmp_path: Path, dusty: Scan
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "a.tif", dusty)
    batch(scans, "out", "--ir", "repair")
    _, again = batch(scans, "out", "--ir", "repair")
    assert again["a.tif"]["status"] == "up_to_date"
    _, stronger = batch(scans, "out", "--ir", "repair", "--ir-strength", "high")
    assert stronger["a.tif"]["status"] == "ok"
    _, masked = batch(scans, "out", "--ir", "repair", "--ir-strength", "high", "--ir-mask")
    assert masked["a.tif"]["outputs"] == ["a.tif", "a-ir-mask.png"]


def test_the_html_report_shows_a_mask_of_the_repair(tmp_path: Path, dusty: Scan) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "a.tif", dusty)
    page = tmp_path / "report.html"
    batch(scans, "out", "--ir", "repair", "--report", str(page))
    assert "repaired</span>" in page.read_text()


@pytest.mark.parametrize("option", [("--ir-mask",), ("--ir-strength", "high")])
def test_options_of_the_repair_are_refused_without_it(
    tmp_path: Path, option: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["batch", str(tmp_path), str(tmp_path / "out"), *option]) == 2
    assert "is for --ir repair" in capfd.readouterr().err


def test_a_half_size_page_of_silverfast_is_infrared(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    hdri(scans / "half.tif", scan(replace(FILM, half=True), 905))
    fixed, files = batch(scans, "fixed", "--ir", "repair", "--ir-mask")
    assert files["half.tif"]["repaired"] > 0.01
    assert mask_of(fixed / "half-ir-mask.png").shape == (420, 560)
    beside, _ = batch(scans, "beside", "--ir", "sidecar")
    assert positive(beside / "half-ir.tif").shape == (210, 280)


def lit(made: Scan) -> tuple[Scan, NDArray[np.uint16]]:
    """A scan under a light that falls off to one side, and the light without film."""
    across = np.linspace(1.0, 0.6, made.rgb.shape[1], dtype=np.float32)[:, np.newaxis]
    rgb = np.rint(made.rgb * across).astype(np.uint16)
    light = np.broadcast_to(across * 40000, made.rgb.shape).astype(np.uint16)
    return replace(made, rgb=rgb), light


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        (),
        pytest.param(("--frames", "find"), marks=pytest.mark.slow),
        pytest.param(("--auto", "roll"), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_repair_goes_with_a_flat_field_and_more_outputs(
    tmp_path: Path, dusty: Scan, options: tuple[str, ...]
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    made, light = lit(dusty)
    hdri(scans / "a.tif", made)
    tifffile.imwrite(tmp_path / "light.tif", light, photometric="rgb")
    options = (
        "--flat-field", str(tmp_path / "light.tif"), "--also", "tiff,size=200,name={stem}-small",
        *options,
    )  # fmt: skip
    plain, _ = batch(scans, "plain", *options)
    fixed, files = batch(scans, "fixed", *options, "--ir", "repair", "--ir-mask")
    apart, _ = batch(scans, "apart", *options, "--ir", "repair", "--isolation", "always")
    names = sorted(path.name for path in fixed.glob("*.tif"))
    assert len(names) == 2
    for name in names:
        assert np.array_equal(positive(fixed / name), positive(apart / name))
        assert (positive(fixed / name) != positive(plain / name)).any()
    mask = mask_of(fixed / "a-ir-mask.png")
    assert files["a.tif"]["repaired"] == pytest.approx(mask.mean())
    if "--auto" not in options:  # the same grade: beside the places nothing is different
        whole = next(name for name in names if "small" not in name)
        one, other = positive(plain / whole), positive(fixed / whole)
        assert np.array_equal(one[~mask], other[~mask])
