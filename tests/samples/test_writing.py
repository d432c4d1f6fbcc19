"""Samples on disk: complete, never replacing files, with true values and matching presets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from divere_cli.color import reference
from divere_cli.errors import OutputUnusable, PlanError
from divere_cli.image import header, reader
from divere_cli.profile import library, loading, resolve
from divere_cli.samples import negative, plan, strip, writing
from divere_cli.samples.plan import Wish

WISH = Wish(count=4, megapixels=0.05, roll=True, border="rebate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("samples") / "negatives"
    writing.write(plan.samples(WISH), str(made))
    return made


def pixels(path: Path) -> np.ndarray:
    with reader.open(str(path)) as scan:
        return np.concatenate([band.copy() for _, band in scan.bands()])


def test_the_folder_has_exactly_the_announced_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "divere_presets.json",
        *(f"frame-{n:02d}.tif" for n in range(1, 5)),
        "truth.json",
    ]


def test_negatives_are_linear_16_bit_with_a_profile(folder: Path) -> None:
    found = header.read(str(folder / "frame-02.tif"))
    assert (found.layout.dtype, found.channels, found.compression) == ("uint16", 3, "none")
    assert found.icc is not None
    assert found.resolution is not None


def test_the_preset_of_a_frame_prints_the_truth_of_its_patches(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    frame = next(f for f in truth["frames"] if f["kind"] == "landscape")
    preset = loading.load_folder(str(folder / "divere_presets.json")).entry(frame["file"])
    recipe = resolve.recipe(preset)
    assert recipe.rgb_gains == pytest.approx(frame["rgb_gains"])
    codes = pixels(folder / frame["file"]) / 65535
    space = library.output_space("KodakEnduraPremier_gamma_2_2")
    backwards = negative.invert(recipe)
    bare = backwards.printed(strip.base_before_curves(backwards))
    for patch in frame["patches"]:
        x, y, width, height = patch["box"]
        inside = codes[y + 1 : y + height - 1, x + 1 : x + width - 1]
        shown = (reference.encoded(recipe, space, inside) ** 2.2).mean(axis=(0, 1))
        # The darkest red of the chart's cyan is not on the film: it ends at its base.
        expected = np.maximum(patch["positive"], bare)
        np.testing.assert_allclose(np.log10(shown), np.log10(expected), atol=0.09)


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    writing.write(plan.samples(WISH), str(tmp_path / "again"))
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["frame-03.tif", "truth.json", "divere_presets.json"])
def test_nothing_is_ever_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(PlanError, match="already exists"):
        writing.write(plan.samples(WISH), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    def intrude(name: str) -> None:
        (tmp_path / "frame-02.tif").write_text("theirs")

    with pytest.raises(PlanError, match="appeared"):
        writing.write(plan.samples(Wish(count=2, megapixels=0.01)), str(tmp_path), intrude)
    assert (tmp_path / "frame-02.tif").read_text() == "theirs"
    assert not list(tmp_path.glob(".divere-tmp*"))


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnusable, match="cannot be written"):
        writing.write(plan.samples(WISH), str(tmp_path / "file" / "below"))


def test_memory_is_that_of_a_band_not_of_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    codes = writing.Film.codes

    def watched(film: writing.Film, first: int, last: int) -> np.ndarray:
        asked.append((last - first) * film.frame.width * 24)
        return codes(film, first, last)

    monkeypatch.setattr(writing.Film, "codes", watched)
    monkeypatch.setattr(writing, "BAND_BYTES", 1 << 18)
    writing.write(plan.samples(Wish(count=1, megapixels=0.3)), str(tmp_path))
    assert max(asked) <= 1 << 18
    assert len(asked) > 20
