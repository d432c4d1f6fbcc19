"""``divere batch --flat-field``: even positives, messages, and what is graded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.cli.program import divere
from tests.develop.lights import dusty, falloff

WIDTH, HEIGHT = 240, 160


def save(path: Path, light: NDArray[Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    codes = np.round(np.clip(light, 0, 1) * 65535).astype(np.uint16)
    tifffile.imwrite(path, codes, photometric="rgb")
    return path


def film() -> NDArray[Any]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    density = 0.4 * (0.5 + 0.5 * np.sin(x / 40) * np.cos(y / 30))
    return 0.35 * 10 ** -density[..., None] * np.array([0.9, 0.5, 0.3])


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.light = falloff(WIDTH, HEIGHT, 2.0, np.random.default_rng(3))
        middle = self.light[HEIGHT // 3 : -HEIGHT // 3, WIDTH // 3 : -WIDTH // 3]
        level = np.median(middle.reshape(-1, 3), axis=0)
        save(folder / "in" / "a.tif", film() * self.light)
        save(folder / "even" / "a.tif", film() * level)
        self.flat = save(folder / "flat.tif", dusty(self.light, np.random.default_rng(4)))

    def batch(self, source: str = "in", out: str = "out", *options: object) -> Any:
        return divere(
            *("batch", self.folder / source, self.folder / out, "--isolation", "never"),
            *("--bit-depth", "8", "--format", "tiff", "--auto", "off", *options),
        )

    def lit(self, *options: object) -> Any:
        return self.batch("in", "out", "--flat-field", self.flat, *options)

    def positive(self, out: str = "out") -> NDArray[Any]:
        return np.asarray(tifffile.imread(self.folder / out / "a.tif"), float)

    def report(self, out: str = "out") -> Any:
        return json.loads((self.folder / out / "divere-report.json").read_text())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_positives_are_as_if_the_light_were_even(bench: Bench) -> None:
    assert bench.batch("even", "truth").returncode == 0
    assert bench.lit().returncode == 0
    off = np.abs(bench.positive() - bench.positive("truth"))
    assert off.mean() < 1.0
    assert off.max() <= 4
    found = bench.report()["flat_field"]
    assert found["lowest"] < 1.0 < found["highest"] < 5.0
    assert found["dust"] > 0.0
    assert bench.report()["warnings"] == []


def test_a_crop_and_a_turn_equal_the_whole(bench: Bench) -> None:
    bench.lit("-p", "c41-endura-premier")
    whole = bench.positive()
    preset = {
        "version": 3,
        "type": "single",
        "base": "c41-endura-premier",
        "metadata": {"crop": [0.25, 0.25, 0.5, 0.5], "orientation": 90},
    }
    path = bench.folder / "crop.json"
    path.write_text(json.dumps(preset))
    assert bench.batch("in", "crop", "--flat-field", bench.flat, "-p", path).returncode == 0
    expected = np.rot90(whole[HEIGHT // 4 : HEIGHT * 3 // 4, WIDTH // 4 : WIDTH * 3 // 4])
    assert np.array_equal(bench.positive("crop"), expected)


@pytest.mark.slow
def test_another_picture_of_the_light_under_the_same_name_grades_again(bench: Bench) -> None:
    bench.lit()
    first = bench.positive()
    assert "1 up to date" in bench.lit().stderr
    save(bench.flat, dusty(bench.light[:, ::-1], np.random.default_rng(5)))
    done = bench.lit()
    assert "1 ok" in done.stderr
    assert np.abs(bench.positive() - first).mean() > 2.0
    assert "1 ok" in bench.batch("in", "out").stderr  # and without it once more


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda light: np.minimum(light * 1.4, 1.0), "is clipped"),
        (lambda light: light * 0.03, "noise goes on"),
        (lambda light: light * 10 ** (-0.3 * (film()[..., :1] > 0.2)), "film, or a pattern"),
    ],
)
def test_a_doubtful_picture_of_the_light_is_warned_of(bench: Bench, fault: Any, said: str) -> None:
    save(bench.flat, fault(bench.light * 0.9))
    done = bench.lit()
    assert done.returncode == 0
    assert said in " ".join(bench.report()["warnings"])
    assert said in done.stderr


@pytest.mark.parametrize(
    ("light", "said"),
    [
        (lambda light: light * 0.004, "no light"),
        (None, "flat.tif"),
    ],
)
def test_a_picture_that_is_not_of_a_light_is_refused_first(
    bench: Bench, light: Any, said: str
) -> None:
    if light is None:
        bench.flat.write_text("no picture")
    else:
        save(bench.flat, light(bench.light))
    done = bench.lit()
    assert done.returncode == 2
    assert said in done.stderr
    assert not (bench.folder / "out" / "a.tif").exists()


def test_a_missing_file_is_a_usage_error(bench: Bench) -> None:
    bench.flat.unlink()
    done = bench.lit()
    assert done.returncode == 2
    assert "--flat-field" in done.stderr


def test_another_shape_is_named_and_far_off_refused(bench: Bench) -> None:
    save(bench.flat, dusty(bench.light[:, 10:], np.random.default_rng(4)))
    done = bench.lit()
    assert done.returncode == 0
    assert "shape" in bench.report()["files"][0]["warnings"][0]
    save(bench.flat, dusty(bench.light[:, :HEIGHT], np.random.default_rng(4)))
    done = bench.lit("--force")
    assert done.returncode == 3
    assert bench.report()["files"][0]["error"]["kind"] == "unsupported"


def test_measuring_sees_the_even_light(bench: Bench) -> None:
    bench.batch("even", "truth", "--auto", "frame")
    bench.lit("--auto", "frame")
    off = np.abs(bench.positive() - bench.positive("truth"))
    assert off.mean() < 2.0


def test_nothing_is_measured_for_a_dry_run(bench: Bench) -> None:
    done = bench.lit("--dry-run")
    assert done.returncode == 0
    assert not (bench.folder / "out").exists()


@pytest.mark.slow
def test_the_light_goes_through_the_scans_own_transfer(bench: Bench) -> None:
    """Scans and light with sRGB codes give what linear ones give."""
    bench.batch("even", "truth")
    for path in (bench.folder / "in" / "a.tif", bench.flat):
        light = tifffile.imread(path) / 65535.0
        save(path, np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))
    assert bench.lit("--input-transfer", "srgb").returncode == 0
    off = np.abs(bench.positive() - bench.positive("truth"))
    assert off.mean() < 1.0


def test_every_output_of_one_decode_has_the_even_light(bench: Bench) -> None:
    further = ("--also", "png,bit-depth=8,name={stem}-also")
    assert bench.lit(*further).returncode == 0
    also = np.asarray(Image.open(bench.folder / "out" / "a-also.png"), float)
    assert np.array_equal(also, bench.positive())
    alone = bench.positive()
    assert bench.batch("in", "alone", "--flat-field", bench.flat).returncode == 0
    assert np.array_equal(alone, bench.positive("alone"))


@pytest.mark.slow
def test_isolated_workers_make_the_same_pixels(bench: Bench) -> None:
    assert bench.lit().returncode == 0
    done = divere(
        *("batch", bench.folder / "in", bench.folder / "apart", "--isolation", "always"),
        *("--bit-depth", "8", "--auto", "off", "--flat-field", bench.flat),
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(bench.positive("apart"), bench.positive())
