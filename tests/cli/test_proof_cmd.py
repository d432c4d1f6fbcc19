"""``divere proof``: a sheet whose tiles are what ``divere batch`` would make."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.profile import library, resolve
from divere_cli.proof import layout, variants
from divere_cli.proof.orders import Named
from tests.cli.conftest import Scans
from tests.cli.program import divere


def smooth(path: Path, width: int = 600, height: int = 400, channels: int = 3) -> Path:
    """A negative without grain: four areas of different densities."""
    y, x = np.mgrid[0:height, 0:width]
    codes = np.empty((height, width, channels), np.uint16)
    for channel in range(channels):
        codes[..., channel] = (
            6000 + 9000 * channel + 8000 * (x > width // 2) + 5000 * (y > height // 2)
        )
    tifffile.imwrite(path, codes[..., 0] if channels == 1 else codes)
    return path


def preset(path: Path, **cc_params: object) -> Path:
    grade = {"rgb_gains": [0.1, 0.0, -0.1], **cc_params}
    document = {"version": 3, "type": "single", "base": "c41-endura-premier", "cc_params": grade}
    path.write_text(json.dumps(document))
    return path


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def test_tiles_equal_a_batch_with_the_gains_of_the_label(tmp_path: Path) -> None:
    scan, mine = smooth(tmp_path / "a.tif"), preset(tmp_path / "mine.json")
    done = divere("proof", scan, tmp_path / "sheet.png", "-p", mine, "--size", "1500")
    assert done.returncode == 0, done.stderr
    shown = picture(tmp_path / "sheet.png")
    recipe = resolve.recipe(library.load("c41-endura-premier"))
    named = Named("x", replace(recipe, rgb_gains=(0.1, 0.0, -0.1)))
    made = variants.variants("color", (named,), 0.05)
    plan = layout.fitted([v.at for v in made], 1.5, 2, 1500)
    assert shown.shape[:2] == (plan.height, plan.width)
    for variant in (made[0], made[2], made[5], made[12]):
        gains = [float(word) for word in variant.lines[1].split(",")]
        again = preset(tmp_path / "again.json", rgb_gains=gains)
        out = tmp_path / variant.lines[0].replace(" ", "-")
        options = ("--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "-q")
        batch = divere("batch", scan, out, "-p", again, *options)
        assert batch.returncode == 0, batch.stderr
        positive = picture(out / "a.png")
        left, top = plan.top_left(variant.at)
        for down in (0.25, 0.75):
            for across in (0.25, 0.75):
                tile = shown[
                    top + round(down * plan.tile_height), left + round(across * plan.tile_width)
                ]
                full = positive[round(down * 400), round(across * 600)]
                assert np.abs(tile - full).max() <= 2, variant.lines


@pytest.mark.parametrize("vary", ["color", "exposure", "contrast", "profile"])
def test_every_sheet_of_a_scan_without_a_preset(vary: str, tmp_path: Path) -> None:
    scan = smooth(tmp_path / "a.tif")
    done = divere("proof", scan, tmp_path / "sheet.jpg", "--vary", vary, "--size", "900")
    assert done.returncode == 0, done.stderr
    shown = picture(tmp_path / "sheet.jpg")
    assert max(shown.shape[:2]) == 900
    assert shown.std() > 5
    with Image.open(tmp_path / "sheet.jpg") as opened:
        assert opened.info["icc_profile"]


def test_a_strip_gets_lighter(tmp_path: Path) -> None:
    scan, mine = smooth(tmp_path / "a.tif"), preset(tmp_path / "mine.json")
    divere("proof", scan, tmp_path / "s.png", "-p", mine, "--vary", "exposure", "--size", "900")
    shown = picture(tmp_path / "s.png")
    places = [(float(i % 3), i // 3) for i in range(9)]
    plan = layout.fitted(places, 1.5, 2, 900)
    means = []
    for at in places:
        left, top = plan.top_left(at)
        means.append(shown[top : top + plan.tile_height, left : left + plan.tile_width].mean())
    assert (np.diff(means) > 0).all()


def test_one_crop_of_a_preset_by_name_or_number(tmp_path: Path) -> None:
    scan = smooth(tmp_path / "a.tif")
    crops = [
        {"metadata": {"name": name, "crop": [x, 0.0, 0.5, 1.0], "orientation": 90}}
        for name, x in (("left", 0.0), ("right", 0.5))
    ]
    document = json.loads(preset(tmp_path / "mine.json").read_text())
    (tmp_path / "mine.json").write_text(
        json.dumps({**document, "type": "contactsheet", "crops": crops})
    )
    options = ("-p", tmp_path / "mine.json", "--vary", "exposure", "--size", "600")
    sheets = {}
    for frame in ("left", "right", "2"):
        done = divere("proof", scan, tmp_path / f"{frame}.png", "--frame", frame, *options)
        assert done.returncode == 0, done.stderr
        sheets[frame] = picture(tmp_path / f"{frame}.png")
    assert (sheets["right"] == sheets["2"]).all()
    assert (sheets["left"] != sheets["right"]).any()
    done = divere("proof", scan, tmp_path / "x.png", "--frame", "middle", *options)
    assert done.returncode == 2
    assert "there are left, right, and all" in done.stderr
    done = divere("proof", scan, tmp_path / "all.png", "--frame", "all", *options[:2])
    assert done.returncode == 0, done.stderr
    assert picture(tmp_path / "all.png").std() > 5


def test_a_turned_picture_is_as_level_as_a_batch_makes_it(tmp_path: Path) -> None:
    """A dark line along the picture's upper edge is level on the sheet, too."""
    y, x = np.mgrid[0:400, 0:600]
    angle = np.deg2rad(3.0)
    down = np.sin(angle) * (x - 300) + np.cos(angle) * (y - 200)
    codes = np.where(np.abs(down) < 12, 9000, 24000).astype(np.uint16)
    scan = tmp_path / "strip.tif"
    tifffile.imwrite(scan, np.repeat(codes[..., None], 3, axis=2))
    box = {"id": "1", "name": "1", "crop": [0.1, 0.1, 0.8, 0.8], "orientation": 0}
    own = {"type": "divere-cli/1", "scans": {"strip.tif": {"turns": {"1": 3.0}}}}
    sheet = {
        "version": 3,
        "type": "contactsheet",
        "base": "c41-endura-premier",
        "metadata": {"raw_file": "strip.tif"},
        "crops": [{"metadata": box}],
    }
    (tmp_path / "divere_presets.json").write_text(
        json.dumps({"strip.tif": sheet, "divere_cli": own})
    )
    options = ("--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "--auto", "off")
    batch = divere("batch", scan, tmp_path / "out", *options)
    assert batch.returncode == 0, batch.stderr
    (positive,) = (tmp_path / "out").glob("*.png")
    done = divere("proof", scan, tmp_path / "sheet.png", "--size", "2400", "--vary", "exposure")
    assert done.returncode == 0, done.stderr
    height, width = picture(positive).shape[:2]
    sheet = picture(tmp_path / "sheet.png")
    assert _slope(picture(positive)) == pytest.approx(0.0, abs=0.002)
    recipe = resolve.recipe(library.load("c41-endura-premier"))
    made = variants.variants("exposure", (Named("x", recipe),), 0.1)
    plan = layout.fitted([v.at for v in made], width / height, 2, 2400)
    left, top = plan.top_left(next(v.at for v in made if v.center))
    tile = sheet[top : top + plan.tile_height, left : left + plan.tile_width]
    assert _slope(tile) == pytest.approx(0.0, abs=0.004)


def _slope(pixels: np.ndarray) -> float:
    """Return the slope of the dark line of a negative, the light one of its positive."""
    light = pixels.mean(axis=2)
    edge = light.shape[1] // 10
    rows = np.arange(light.shape[0])[:, None]
    weight = np.abs(light - np.median(light))[:, edge:-edge]
    places = (weight * rows).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-6)
    return float(np.polyfit(np.arange(len(places)), places, 1)[0])


def test_black_and_white_has_no_ring(tmp_path: Path) -> None:
    scan = smooth(tmp_path / "bw.tif", channels=1)
    done = divere("proof", scan, tmp_path / "s.png")
    assert done.returncode == 2
    assert "black-and-white" in done.stderr
    done = divere("proof", scan, tmp_path / "s.png", "--vary", "profile", "--size", "600")
    assert done.returncode == 0, done.stderr
    shown = picture(tmp_path / "s.png")
    assert np.abs(shown - shown[..., :1]).max() <= 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "pdf"])
def test_a_roll_on_one_sheet_with_a_scan_that_fails(
    suffix: str, scans: Scans, tmp_path: Path
) -> None:
    folder = scans("a.tif", "b.tif", "c.tif")
    smooth(folder / "d.tif")
    (folder / "bad.tif").write_bytes((folder / "d.tif").read_bytes()[:5000])
    out = tmp_path / f"roll.{suffix}"
    done = divere("proof", folder, out, "--frame", "all", "--size", "900")
    assert done.returncode == 3
    assert "bad.tif" in done.stderr
    assert "Traceback" not in done.stderr
    if suffix == "pdf":
        assert out.read_bytes().startswith(b"%PDF-")
    else:
        assert max(picture(out).shape[:2]) == 900


@pytest.mark.slow
def test_a_roll_of_the_users_presets_and_pages_of_a_pdf(tmp_path: Path) -> None:
    folder = tmp_path / "roll"
    folder.mkdir()
    for index in range(33):
        smooth(folder / f"{index:02}.tif", 60, 40)
    entry = json.loads(preset(tmp_path / "p.json").read_text())
    (folder / "divere_presets.json").write_text(json.dumps({"folder_default": entry}))
    done = divere("proof", folder, tmp_path / "roll.pdf", "--frame", "all", "--size", "800")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "roll.pdf").read_bytes().count(b"/Type /Page\n") == 2


def test_a_bad_scan_leaves_no_file(tmp_path: Path) -> None:
    scan = smooth(tmp_path / "a.tif")
    for name, data in (("cut.tif", scan.read_bytes()[:9000]), ("text.tif", b"no picture")):
        (tmp_path / name).write_bytes(data)
        done = divere("proof", tmp_path / name, tmp_path / "s.png")
        assert done.returncode == 3, done.stderr
        assert f"'{tmp_path / name}': " in done.stderr
        assert not (tmp_path / "s.png").exists()
    done = divere("proof", tmp_path / "gone.tif", tmp_path / "s.png")
    assert done.returncode == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "cut.tif", "text.tif"]


def test_out_that_is_the_scan_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), (90, 60, 30)).save(file, "PNG")
    scan = tmp_path / "scan.png"
    scan.write_bytes(file.getvalue())
    (tmp_path / "link.png").symlink_to(scan)
    for out in (scan, tmp_path / "link.png"):
        done = divere("proof", scan, out, "--overwrite")
        assert done.returncode == 2, done.stderr
        assert scan.read_bytes() == file.getvalue()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("s.tif",), "is not a .jpg, .png or .pdf file"),
        (("there.png",), "'there.png' exists"),
        (("no/s.png",), "the folder 'no' does not exist"),
        (("s.png", "-p", "nowhere"), "no profile is called"),
        (("s.png", "--size", "5"), "400"),
        (("s.png", "--step", "nan"), "nan"),
    ],
)
def test_invalid_options(args: tuple[str, ...], said: str, tmp_path: Path) -> None:
    smooth(tmp_path / "a.tif")
    (tmp_path / "there.png").write_bytes(b"mine")
    done = divere("proof", "a.tif", *args, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    assert not (tmp_path / "s.png").exists()


def test_a_folder_needs_frame_all(scans: Scans, tmp_path: Path) -> None:
    done = divere("proof", scans("a.tif"), tmp_path / "s.png")
    assert done.returncode == 2
    assert "--frame all" in done.stderr


def test_orientation_and_transfer_of_the_file_are_used_as_in_a_batch(tmp_path: Path) -> None:
    file = tmp_path / "camera.jpg"
    y, x = np.mgrid[0:200, 0:300]
    codes = np.stack([60 + x // 3, 60 + y // 3, 90 + (x + y) // 6], axis=-1).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = 5
    Image.fromarray(codes).save(file, quality=98, exif=exif)
    options = ("-p", "c41-portra-endura")
    done = divere("proof", file, tmp_path / "s.png", "--vary", "exposure", *options)
    assert done.returncode == 0, done.stderr
    out = ("--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "-q")
    batch = divere("batch", file, tmp_path / "out", "--auto", "auto", *options, *out)
    assert batch.returncode == 0, batch.stderr
    positive, shown = picture(tmp_path / "out" / "camera.png"), picture(tmp_path / "s.png")
    assert positive.shape[:2] == (300, 200)
    plan = layout.fitted([(float(i % 3), i // 3) for i in range(9)], 200 / 300, 2, 2400)
    left, top = plan.top_left((1.0, 1))
    for down in (0.2, 0.8):
        for across in (0.2, 0.8):
            at = (round(down * plan.tile_height), round(across * plan.tile_width))
            tile = shown[top + at[0], left + at[1]]
            full = positive[round(down * 300), round(across * 200)]
            assert np.abs(tile - full).max() <= 6
