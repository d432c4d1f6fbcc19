"""Several outputs of one decode: each equals the output of a separate run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image

from divere_cli.color import flat, reference
from divere_cli.develop.scan import develop
from divere_cli.image import header
from divere_cli.profile import library, resolve
from divere_cli.records.job import Encoding, Frame
from tests.develop.test_scan import P3, RECIPE, SCAN, Heard, graded, job, save, target

SRGB = library.output_space("sRGB")
ENCODINGS = (
    Encoding("tiff", 16, P3),
    Encoding("jpeg", 8, SRGB, quality=90, size=40),
    Encoding("png", 8, P3, dither=True, size=30),
    Encoding("tiff", 32, library.output_space("ACEScct"), "deflate"),
    Encoding("jxl", 16, P3, quality=100),
    Encoding("dng", 16, P3),
    Encoding("tiff", 16, P3, flat=True),
    Encoding("tiff", 32, P3, size=25),
)


def written(folder: Path, *encodings: Encoding, orientation: int = 0) -> list[bytes]:
    folder.mkdir()
    save(folder, resolution=(4000, 4000))
    first, *others = (target(folder, f"{index}.out") for index in range(len(encodings)))
    frame = Frame(first, RECIPE, (0.1, 0.0, 0.8, 1.0), orientation, also=tuple(others))
    work = job(folder, frame, encoding=encodings[0], also=encodings[1:])
    result = develop(work, Heard())
    assert [each.name for each in result.written] == [f"{n}.out" for n in range(len(encodings))]
    return [(folder / f".divere-tmp-{n}.out").read_bytes() for n in range(len(encodings))]


@pytest.mark.parametrize("orientation", [0, 90])
def test_each_output_equals_that_of_a_separate_run(tmp_path: Path, orientation: int) -> None:
    together = written(tmp_path / "all", *ENCODINGS, orientation=orientation)
    for index, encoding in enumerate(ENCODINGS):
        (alone,) = written(tmp_path / f"{index}", encoding, orientation=orientation)
        assert together[index] == alone, encoding.format


def test_size_is_the_long_edge_and_never_larger(tmp_path: Path) -> None:
    files = written(
        tmp_path / "a", *(replace(ENCODINGS[0], size=size) for size in (40, 66, 67, 5000))
    )
    for data, wanted in zip(files, [(40, 36), (66, 60), (67, 61), (67, 61)], strict=True):
        path = tmp_path / "seen"
        path.write_bytes(data)
        found = header.read(str(path))
        assert (found.width, found.height) == wanted
        assert found.resolution is not None
        assert found.resolution.x == pytest.approx(4000 * wanted[0] / 67, rel=1e-3)


def test_a_size_that_changes_nothing_changes_no_bit(tmp_path: Path) -> None:
    plain, sized = written(tmp_path / "a", ENCODINGS[0], replace(ENCODINGS[0], size=67))
    assert plain == sized


def test_the_smaller_picture_is_made_in_linear_light(tmp_path: Path) -> None:
    """A chart of single black and white pixels keeps half of the light, not half of the code."""
    rows = np.zeros((64, 64, 3), np.uint16)
    rows[::2, ::2] = rows[1::2, 1::2] = 65535
    folder = tmp_path
    save(folder, rows)
    film = replace(RECIPE.film, invert=False, density_matrix=False, rgb_gains=False,
                   density_curve=False)  # fmt: skip
    plain = replace(RECIPE, film=film, input_space=replace(P3, gamma=1.0), working_space=P3)
    frame = Frame(target(folder, "out.tif"), plain)
    develop(job(folder, frame, encoding=Encoding("tiff", 16, P3, size=16)), Heard())
    found = tifffile.imread(folder / ".divere-tmp-out.tif") / 65535
    np.testing.assert_allclose(found, 0.5 ** (1 / 2.2), atol=0.003)


def test_a_float_positive_has_the_pixels_that_16_bits_round(tmp_path: Path) -> None:
    floats, whole = written(tmp_path / "a", Encoding("tiff", 32, P3), Encoding("tiff", 16, P3))
    (tmp_path / "f.tif").write_bytes(floats)
    (tmp_path / "w.tif").write_bytes(whole)
    read = tifffile.imread(tmp_path / "f.tif")
    assert read.dtype == np.float32
    assert np.abs(read * 65535 - tifffile.imread(tmp_path / "w.tif")).max() <= 1.0


def test_a_flat_master_is_the_density_before_the_curve(tmp_path: Path) -> None:
    """Light of 10 to the minus density, in the working space; no curve, no glare."""
    save(tmp_path)
    recipe = resolve.recipe(library.load("5000ed-ultramax400"))
    frame = Frame(target(tmp_path, "out.dng"), recipe)
    develop(job(tmp_path, frame, encoding=Encoding("dng", 16, SRGB)), Heard())
    path = tmp_path / ".divere-tmp-out.dng"
    with rawpy.imread(str(path)) as raw:
        found = raw.raw_image.reshape(*SCAN.shape[:2], 4)[:, :, :3].astype(float)
    bare = replace(
        recipe, film=replace(recipe.film, density_curve=False), screen_glare_compensation=0.0
    )
    want = reference.code_values(bare, replace(recipe.working_space, gamma=1.0), SCAN)
    assert np.abs(found - want).max() <= 2
    with tifffile.TiffFile(path) as file:
        top, below = file.pages[0].tags["BaselineExposure"].value
    assert 0.2 < top / below < 6.0
    assert top / below == pytest.approx(flat.exposure(recipe), abs=1e-3)


def test_a_flat_tiff_is_in_the_space_that_was_asked_for(tmp_path: Path) -> None:
    save(tmp_path)
    recipe = resolve.recipe(library.load("5000ed-ultramax400"))
    frame = Frame(target(tmp_path, "out.tif"), recipe)
    develop(job(tmp_path, frame, encoding=Encoding("tiff", 16, P3, flat=True)), Heard())
    found = tifffile.imread(tmp_path / ".divere-tmp-out.tif")
    assert np.array_equal(found, graded(SCAN, recipe=flat.recipe(recipe)))


def test_a_reduced_output_is_read_by_other_programs(tmp_path: Path) -> None:
    (_, proof) = written(tmp_path / "a", *ENCODINGS[:2])
    (tmp_path / "p.jpg").write_bytes(proof)
    with Image.open(tmp_path / "p.jpg") as picture:
        assert picture.size == (40, 36)
        assert picture.info["icc_profile"]
