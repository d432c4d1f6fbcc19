"""``divere calibrate``: its color differences are those of ``divere batch``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.calibrate import find, homography, shipped_charts
from divere_cli.calibrate.color_difference import ciede2000, lab
from divere_cli.calibrate.print_model import to_d50
from divere_cli.calibrate.sample import INNER
from divere_cli.profile import library, loading, resolve
from tests.calibrate import hidden
from tests.calibrate.conftest import REAL, SCANS
from tests.calibrate.hidden import Look
from tests.cli.program import divere

CHART = shipped_charts.load("colorchecker24")


def scan(folder: Path, look: Look, name: str = "chart.tif") -> Path:
    path = folder / name
    tifffile.imwrite(path, hidden.codes(hidden.render(CHART, look)), photometric="rgb")
    return path


def calibrated(*args: str | Path) -> dict[str, Any]:
    done = divere("calibrate", *args, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def read(positive: Path, corners: list[list[float]]) -> np.ndarray:
    """CIEDE2000 of a positive's patches, read at the corners that were told."""
    picture = tifffile.imread(positive) / 65535.0
    size = np.array([picture.shape[1], picture.shape[0]])
    found = find.from_corners(np.array(corners) * size - 0.5, CHART)
    assert found is not None
    steps = np.linspace(-INNER, INNER, 25)
    inside = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    at = homography.apply(found.to_picture, find.places(CHART)[:, None] + inside)
    x, y = np.rint(at).astype(int).transpose(2, 0, 1)
    space = library.output_space("KodakEnduraPremier_gamma_2_2")
    values = np.median(picture[y, x], axis=1)
    wanted = np.array([patch.lab for patch in CHART.patches])
    return ciede2000(lab(values**space.gamma @ to_d50(space).T), wanted)


@pytest.mark.parametrize("profile", ["c41-neutral", "c41-endura-premier"])
def test_the_claim_holds_for_what_batch_writes(profile: str, tmp_path: Path) -> None:
    path = scan(tmp_path, Look(angle=20.0, tilt=(0.15, -0.1)))
    preset = tmp_path / "film.json"
    found = calibrated(path, "-p", profile, "-o", preset)
    done = divere("batch", "-p", preset, path, tmp_path / "out", "-q")
    assert done.returncode == 0, done.stderr
    off = read(tmp_path / "out" / "chart.tif", found["charts"][0]["corners"])
    assert off.mean() == pytest.approx(found["de2000"]["after"]["mean"], abs=0.3)
    assert found["de2000"]["after"]["mean"] < (2.0 if profile == "c41-neutral" else 4.4)


@pytest.mark.parametrize("ev", REAL)
def test_real_charts_by_the_command(ev: str, tmp_path: Path) -> None:
    path = SCANS / f"ultramax400_colorchecker_{ev}ev.tif"
    if not path.exists():
        pytest.skip("../shared/scans is not there")
    found = calibrated(path, "-p", "c41-neutral", "-o", tmp_path / "film.json")
    divere("batch", "-p", tmp_path / "film.json", path, tmp_path / "out", "-q")
    off = read(next((tmp_path / "out").glob("*.tif")), found["charts"][0]["corners"])
    most = {"minus2": (3.4, 4.1), "0": (3.0, 3.6), "plus2": (2.9, 3.5)}[ev]
    assert off.mean() < most[0]
    assert off.mean() == pytest.approx(found["de2000"]["after"]["mean"], abs=0.3)
    assert found["de2000"]["left_out"]["mean"] < most[1]


def test_the_documents_shape_and_two_runs_alike(tmp_path: Path) -> None:
    path = scan(tmp_path, Look(angle=190.0))
    found = calibrated(path, "-p", "c41-neutral", "-o", tmp_path / "a.json")
    again = calibrated(path, "-p", "c41-neutral", "-o", tmp_path / "b.json")
    assert found == again
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert set(found) == {"charts", "de2000", "patches", "print", "warnings"}
    assert {"scan", "corners", "unexplained"} <= set(found["charts"][0])
    for part in ("before", "after", "left_out"):
        assert set(found["de2000"][part]) == {"mean", "p90", "worst"}
    assert [patch["name"] for patch in found["patches"]] == [p.name for p in CHART.patches]
    assert set(found["patches"][0]) == {"name", "before", "after", "left_out", "used", "why"}


def test_the_preset_has_its_evidence_and_no_crop(tmp_path: Path) -> None:
    path = scan(tmp_path, Look())
    start = tmp_path / "start.json"
    start.write_text(
        json.dumps(
            {
                "version": 3,
                "type": "single",
                "base": "c41-endura-premier",
                "metadata": {"crop": [0.1, 0.1, 0.5, 0.5], "orientation": 90, "scanner": "mine"},
            }
        )
    )
    calibrated(path, "-p", start, "-o", tmp_path / "film.json")
    document = json.loads((tmp_path / "film.json").read_text())
    assert document["version"] == 3
    metadata = document["metadata"]
    assert metadata["scanner"] == "mine"
    assert "crop" not in metadata
    assert "orientation" not in metadata
    evidence = metadata["provenance"]
    assert evidence["kind"] == "divere-calibration/1"
    assert evidence["print"] == "Kodak Endura Premier"
    assert evidence["chart"]["source"]
    assert evidence["de2000"]["after"]["mean"] > 0
    loaded = resolve.recipe(loading.load(str(tmp_path / "film.json")))
    assert loaded.channel_gamma == (1.0, 1.0)
    checked = divere("profiles", "validate", tmp_path / "film.json")
    assert checked.returncode == 0, checked.stdout


def test_corners_by_hand_give_what_the_search_gives(tmp_path: Path) -> None:
    look = Look(angle=33.0, mirrored=True)
    path = scan(tmp_path, look)
    size = np.array([look.size[1], look.size[0]])
    corners = (hidden.render(CHART, look).corners + 0.5) / size
    given = [f"{x:.4f},{y:.4f}" for x, y in corners]
    found = calibrated(path, "-p", "c41-neutral")
    by_hand = calibrated(path, "-p", "c41-neutral", "--corners", *given)
    assert by_hand["charts"][0]["corners"] == pytest.approx(corners, abs=1e-3)
    assert by_hand["de2000"]["after"]["mean"] == pytest.approx(
        found["de2000"]["after"]["mean"], abs=0.3
    )


def test_corners_in_another_order_and_beside_the_chart(tmp_path: Path) -> None:
    look = Look(angle=12.0)
    path = scan(tmp_path, look)
    size = np.array([look.size[1], look.size[0]])
    corners = (hidden.render(CHART, look).corners + 0.5) / size
    given = [f"{x:.4f},{y:.4f}" for x, y in np.roll(corners, 2, axis=0)]
    done = divere("calibrate", path, "-o", tmp_path / "film.json", "--corners", *given)
    assert done.returncode == 3
    assert "the corners are in another order" in done.stderr
    assert not (tmp_path / "film.json").exists()
    beside = [f"{x:.4f},{y:.4f}" for x, y in np.add(corners, (0.05, 0.06))]
    done = divere("calibrate", path, "--corners", *beside)
    assert done.returncode == 3 or "check that the corners are on its patches" in done.stderr


@pytest.mark.parametrize("kind", ["none", "shuffled"])
def test_no_chart_is_refused_with_what_to_do(kind: str, tmp_path: Path) -> None:
    path = scan(tmp_path, hidden.hard(3, kind))
    done = divere("calibrate", path, "-o", tmp_path / "film.json", "--picture", tmp_path / "a.png")
    assert done.returncode == 3
    assert "'" + str(path) + "': unsupported: no colorchecker24 was found" in done.stderr
    assert "--corners X,Y" in done.stderr
    assert "dark skin, bluish green, black 2, white 9.5" in done.stderr
    assert not (tmp_path / "film.json").exists()
    assert not (tmp_path / "a.png").exists()


def test_a_broken_scan_beside_a_good_one(tmp_path: Path) -> None:
    good, bad = scan(tmp_path, Look()), tmp_path / "bad.tif"
    bad.write_bytes(good.read_bytes()[:20000])
    done = divere("calibrate", good, bad, tmp_path / "gone.tif", "-o", tmp_path / "film.json")
    assert done.returncode == 3
    assert "bad.tif" in done.stderr
    assert "gone.tif" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "film.json").exists()


def test_several_exposures_are_calibrated_together(tmp_path: Path) -> None:
    look = Look(angle=4.0)
    scans = [scan(tmp_path, replace(look, ev=ev), f"{ev}.tif") for ev in (1.0, -1.0, 0.0)]
    found = calibrated(*scans, "-p", "c41-neutral", "-o", tmp_path / "film.json")
    assert len(found["charts"]) == 3
    document = json.loads((tmp_path / "film.json").read_text())
    assert document["metadata"]["raw_file"] == "0.0.tif"
    assert document["cc_params"]["rgb_gains"] == found["charts"][2]["rgb_gains"]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_picture_shows_the_chart_beside_its_truth(suffix: str, tmp_path: Path) -> None:
    path = scan(tmp_path, Look(angle=15.0))
    drawn = tmp_path / f"chart{suffix}"
    calibrated(path, "-p", "c41-neutral", "--picture", drawn)
    with Image.open(drawn) as picture:
        assert picture.format == ("PNG" if suffix == ".png" else "JPEG")
        shown = np.asarray(picture.convert("RGB")).astype(int)
    assert shown.shape[0] == 584
    # the right half: columns of the chart, its yellow patch in the third row and fourth column
    left = shown.shape[1] - 12 - 840
    yellow = shown[12 + 140 * 2 + 95, left + 140 * 3 + 70]
    assert yellow[0] > 200
    assert yellow[2] < 80


def test_input_space_of_a_scanner(tmp_path: Path) -> None:
    scene = hidden.render(CHART, Look(angle=10.0))
    light = np.clip(scene.light * 0.7, 0.0, 1.0)
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, np.rint(light * 65535).astype(np.uint16), photometric="rgb")
    found = calibrated(path, "--target", "input", "-o", tmp_path / "scanner.json")
    document = json.loads((tmp_path / "scanner.json").read_text())
    assert document["metadata"]["provenance"]["kind"] == "divere-input/1"
    assert document["idt"]["primitives"]
    assert found["de2000"]["after"]["mean"] < 0.5 < found["de2000"]["before"]["mean"]
    refused = divere("calibrate", path)
    assert refused.returncode == 3
    assert "is a positive" in refused.stderr


def test_charts_that_ship() -> None:
    done = divere("calibrate", "--list-charts")
    assert done.returncode == 0
    for name in ("colorchecker24:", "colorchecker-sg:", "colorchecker-passport:", "kodak-q13:"):
        assert name in done.stdout
    assert "X-Rite" in done.stdout


def test_a_reference_file_of_the_charts_own(tmp_path: Path) -> None:
    path, reference = scan(tmp_path, Look()), tmp_path / "mine.txt"
    shipped = library.folder() / "charts" / "colorchecker24.txt"
    reference.write_bytes(shipped.read_bytes())
    found = calibrated(path, "-p", "c41-neutral", "--chart", reference)
    assert found == calibrated(path, "-p", "c41-neutral")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--chart", "nowhere"), "there is no chart 'nowhere'"),
        (("--corners", "0,0", "1,0", "1,1", "x"), "is not a position"),
        (("-p", "bw-neutral"), "b&w"),
        (("--picture", "a.gif"), "is not a .jpg or .png file"),
        (("-o", "chart.tif"), "would overwrite"),
        (("-o", "there.json"), "'there.json' exists"),
        (("-o", "no/where.json"), "the folder 'no' does not exist"),
        (("--target", "input", "-p", "c41-neutral"), "is not a plain positive"),
    ],
)
def test_invalid_options_are_refused_before_any_work(
    args: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    scan(tmp_path, Look(size=(240, 350)))
    (tmp_path / "there.json").write_text("{}")
    done = divere("calibrate", "chart.tif", *args, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert (tmp_path / "there.json").read_text() == "{}"
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("mode", [pytest.param("frame", marks=pytest.mark.slow), "roll"])
def test_a_roll_keeps_the_gray_of_a_calibrated_preset_and_moves_its_exposure(
    mode: str, tmp_path: Path
) -> None:
    look = Look(angle=15.0, warmth=0.1)
    path = scan(tmp_path, look)
    calibrated(path, "-p", "c41-neutral", "-o", tmp_path / "film.json")
    roll = tmp_path / "roll"
    roll.mkdir()
    for seed, ev in enumerate((-1.0, 0.0, 1.0)):
        scan(roll, replace(look, ev=ev, seed=seed, warmth=-0.2), f"{seed}.tif")
    done = divere("analyze", roll, "-p", tmp_path / "film.json", "--auto", mode, "--json")
    assert done.returncode == 0, done.stderr
    own = json.loads((tmp_path / "film.json").read_text())["cc_params"]["rgb_gains"]
    frames = [frame for one in json.loads(done.stdout)["rolls"] for frame in one["frames"]]
    assert len(frames) == 3
    for frame in frames:
        moved = np.subtract(frame["rgb_gains"], own)
        assert np.ptp(moved) < 1e-4
    assert "calibrated on a chart" in done.stdout
    plain = json.loads((tmp_path / "film.json").read_text())
    del plain["metadata"]["provenance"]
    (tmp_path / "plain.json").write_text(json.dumps(plain))
    done = divere("analyze", roll, "-p", tmp_path / "plain.json", "--auto", mode, "--json")
    other = json.loads(done.stdout)["rolls"][0]["frames"][0]["rgb_gains"]
    assert np.ptp(np.subtract(other, own)) > 0.01
