"""What affects a measurement, and what must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.color import print_stock
from divere_cli.color.density import fold
from divere_cli.color.primaries import conversion
from divere_cli.develop import source
from divere_cli.errors import Unreadable
from divere_cli.image import reader
from divere_cli.image.tiff import reader as tiff_reader
from divere_cli.profile import library, resolve
from divere_cli.roll import measure, pool, regions
from divere_cli.roll.downsample import Grid, Reduction, reduce
from divere_cli.roll.measurement import FilmBase, FrameLooks, FrameMeasurement, from_json
from tests.image import dng_files
from tests.roll import rolls
from tests.roll.rolls import Roll

FRAME = "frame-02.tif"
Codes = NDArray[np.uint16]
Floats = NDArray[np.float64]


GRAY = (0.401, -0.193)  # where it lies on the frame by its truth, about


def gray(told: FrameMeasurement) -> tuple[float, float]:
    neutral = pool.neutral([told], GRAY)
    assert neutral is not None
    return neutral.u, neutral.v


def picture_of(roll: Roll, name: str = FRAME) -> tuple[int, int, int, int]:
    x, y, width, height = next(f for f in roll.truth["frames"] if f["file"] == name)["picture"]
    return x, y, width, height


def cropped(roll: Roll) -> Codes:
    x, y, width, height = picture_of(roll)
    return np.asarray(rolls.pixels(roll.path(FRAME))[y : y + height, x : x + width])


def same(one: FrameMeasurement, other: FrameMeasurement) -> None:
    assert gray(one) == pytest.approx(gray(other), abs=0.004)
    assert one.lumas[50] == pytest.approx(other.lumas[50], abs=0.01)


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_the_height_of_bands_has_no_effect(
    roll: Roll, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = rolls.scan(roll.path(FRAME), roll.recipe).measurement
    image = rolls.pixels(roll.path(FRAME))
    cut = ((first, image[first : first + rows]) for first in range(0, len(image), rows))
    grids = reduce(cut, [Reduction((0, 0, image.shape[1], len(image)), 65535.0)])
    told = measure.examine(grids[0], roll.recipe)
    assert told == from_json(usual).frames[0]


def test_the_gains_of_the_recipe_have_no_effect(roll: Roll) -> None:
    other = replace(roll.recipe, rgb_gains=(0.3, -0.2, 0.1))
    one, two = (rolls.scan(roll.path(FRAME), r).measurement for r in (roll.recipe, other))
    assert one == two


def test_holder_rebate_and_sprocket_holes_have_no_effect(roll: Roll, tmp_path: Path) -> None:
    bare = rolls.store(tmp_path / "bare.tif", cropped(roll), roll.recipe)
    same(rolls.found(roll.path(FRAME), roll.recipe), rolls.found(bare, roll.recipe))


def test_pixels_outside_the_crop_change_no_bit(roll: Roll, tmp_path: Path) -> None:
    x, y, width, height = picture_of(roll)
    codes = rolls.pixels(roll.path(FRAME))
    tall, wide = codes.shape[:2]
    crop = (x / wide, y / tall, width / wide, height / tall)
    other = np.random.default_rng(1).integers(0, 65536, codes.shape, np.uint16)
    other[y : y + height, x : x + width] = codes[y : y + height, x : x + width]
    beside = rolls.store(tmp_path / "beside.tif", other, roll.recipe)
    one = rolls.scan(roll.path(FRAME), roll.recipe, crop).measurement
    assert rolls.scan(beside, roll.recipe, crop).measurement == one


def test_dust_has_no_effect(roll: Roll, tmp_path: Path) -> None:
    codes = cropped(roll)
    rng = np.random.default_rng(2)
    for row, column in rng.integers(3, min(codes.shape[:2]) - 3, (60, 2)):
        codes[row - 1 : row + 2, column - 2 : column + 2] //= 12
    dusty = rolls.store(tmp_path / "dusty.tif", codes, roll.recipe)
    clean = rolls.store(tmp_path / "clean.tif", cropped(roll), roll.recipe)
    same(rolls.found(dusty, roll.recipe), rolls.found(clean, roll.recipe))


def test_clipped_pixels_have_no_effect(roll: Roll, tmp_path: Path) -> None:
    codes = cropped(roll)
    rng = np.random.default_rng(3)
    for row, column in rng.integers(0, min(codes.shape[:2]) - 4, (40, 2)):
        codes[row : row + 4, column : column + 4] = 65535
    burnt = rolls.store(tmp_path / "burnt.tif", codes, roll.recipe)
    clean = rolls.store(tmp_path / "clean.tif", cropped(roll), roll.recipe)
    told = rolls.found(burnt, roll.recipe)
    assert told.excluded["clipped"] + told.excluded["outside"] > 20
    same(told, rolls.found(clean, roll.recipe))


def test_infrared_is_never_used(roll: Roll, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise AssertionError("infrared was asked for")

    readers = [v for v in vars(tiff_reader).values() if hasattr(v, "infrared")]
    assert readers
    for one in readers:
        monkeypatch.setattr(one, "infrared", refuse)
    rolls.found(roll.path(FRAME), roll.recipe)


def test_a_camera_s_file_is_measured_as_it_will_be_graded(
    roll: Roll, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mosaic = np.random.default_rng(3).integers(2000, 9000, (240, 360), dtype=np.uint16)
    path = dng_files.write(tmp_path / "scan.dng", mosaic)
    plain = rolls.found(path, roll.recipe)
    balanced = rolls.found(path, replace(roll.recipe, camera_white_balance="as_shot"))
    assert balanced.chroma != plain.chroma
    read = source.headers.read
    monkeypatch.setattr(  # as of a CR3: only the decoder knows the size
        source.headers, "read", lambda *a: replace(read(*a), width=0, height=0)
    )
    same(rolls.found(path, roll.recipe), plain)


def test_several_crops_are_measured_in_one_reading(
    roll: Roll, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    open_ = reader.open
    monkeypatch.setattr(reader, "open", lambda *a: opened.append(a) or open_(*a))
    left, right = (0.1, 0.1, 0.4, 0.8), (0.5, 0.1, 0.4, 0.8)
    asked = rolls.job(
        roll.path(FRAME),
        rolls.frame(roll.recipe, left, "left"),
        rolls.frame(roll.recipe, right, "right"),
    )
    told = from_json(measure.measure(asked, rolls.Quiet()).measurement).frames
    assert len(opened) == 1
    assert told == tuple(rolls.looks(roll.path(FRAME), roll.recipe, c) for c in (left, right))


def test_an_unreadable_scan_is_an_error_of_divere(roll: Roll) -> None:
    with pytest.raises(Unreadable):
        rolls.scan(roll.path("missing.tif"), roll.recipe)


def test_plain_areas_are_distinguished_from_pictures() -> None:
    rng = np.random.default_rng(5)
    blank = rng.normal(1.0, 0.005, 4000)
    leader = np.concatenate([blank, blank + 1.2])
    assert measure.plateau(blank) == 1.0
    assert measure.plateau(leader) > 0.99
    assert measure.plateau(rng.uniform(0.5, 1.5, 4000)) < 0.15


REGION = (0.02, 0.9, 0.3, 0.06)
BARE = (0.31, 0.52, 0.83)
INSIDE = (0.1, 0.1, 0.8, 0.7)


def with_region(roll: Roll, path: Path, density: tuple[float, ...] = BARE) -> str:
    """The frame with film of a known density in the region; clipped and black around it."""
    codes = rolls.pixels(roll.path(FRAME)).copy()
    tall, wide = codes.shape[:2]
    x, y, width, height = (round(v * n) for v, n in zip(REGION, (wide, tall) * 2, strict=True))
    codes[y - 4 : y + height + 4, : x + width + 4] = 0
    codes[y - 8 : y - 4, : x + width + 4] = 65535
    back = np.linalg.inv(conversion(roll.recipe.input_space, roll.recipe.working_space, "ratio").T)
    bare = np.round(10.0 ** -np.array(density) @ back * 65535)
    assert ((bare > 0) & (bare < 65000)).all()
    codes[y : y + height + 1, x : x + width + 1] = bare.astype(np.uint16)
    codes[y + 3 : y + 6, x + 5 : x + 9] = 300
    return rolls.store(path, codes, roll.recipe)


def in_region(path: str, roll: Roll, crop: rolls.Box = INSIDE) -> FrameLooks:
    asked = replace(rolls.job(path, rolls.frame(roll.recipe, crop)), base_region=REGION)
    told = from_json(measure.measure(asked, rolls.Quiet()).measurement).frames[0]
    assert told is not None
    return told


def given(told: FrameLooks) -> FilmBase:
    assert told.given is not None
    return told.given.base


def test_a_given_region_outside_of_the_crop_is_film_base(roll: Roll, tmp_path: Path) -> None:
    base = given(in_region(with_region(roll, tmp_path / "a.tif"), roll))
    assert base.source == "given region"
    assert base.density == pytest.approx(BARE, abs=0.01)
    linear = 10.0 ** -np.array([base.density])
    printed = fold(roll.recipe).of(linear)[0] - print_stock.offsets(roll.recipe)
    assert base.printed == pytest.approx(tuple(printed), abs=1e-4)


@pytest.mark.parametrize("name", ["reversal-neutral", "digital-neutral", "bw-reversal"])
def test_a_positive_has_no_film_base(roll: Roll, name: str) -> None:
    positive = resolve.recipe(library.load(name))
    asked = rolls.job(roll.path(FRAME), rolls.frame(positive))
    known = replace(asked, film_base=BARE, base_region=REGION)
    for job in (asked, known):
        told = from_json(measure.measure(job, rolls.Quiet()).measurement).frames[0]
        assert told is not None
        assert told.given is None
        assert told.plain == ()
        assert told.looks[0].excluded["rebate"] == 0


def test_a_film_base_in_the_preset_is_not_searched(roll: Roll, tmp_path: Path) -> None:
    path = with_region(roll, tmp_path / "a.tif")
    asked = rolls.job(path, rolls.frame(roll.recipe, INSIDE))
    known = (0.25, 0.5, 0.75)
    jobs = [replace(asked, film_base=known, base_region=region) for region in (None, REGION)]
    told = [from_json(measure.measure(job, rolls.Quiet()).measurement).frames[0] for job in jobs]
    assert told[0] == told[1]
    assert told[0] is not None
    assert (given(told[0]).density, given(told[0]).source) == (known, "profile")
    assert rolls.alone(told[0]) == told[0].given


def test_only_the_region_decides_what_its_film_base_is(roll: Roll, tmp_path: Path) -> None:
    thin, dense = (
        in_region(with_region(roll, tmp_path / f"{n}.tif", tuple(d + n for d in BARE)), roll)
        for n in (0.0, 0.1)
    )
    assert given(dense).density == pytest.approx([d + 0.1 for d in BARE], abs=0.01)
    assert dense.looks == thin.looks


def test_a_given_region_has_priority_over_a_rebate(roll: Roll, tmp_path: Path) -> None:
    told = in_region(with_region(roll, tmp_path / "a.tif"), roll, rolls.WHOLE)
    assert told.plain
    assert all(color.density != pytest.approx(BARE, abs=0.03) for color in told.plain)
    assert rolls.alone(told) == told.given
    assert given(told).density == pytest.approx(BARE, abs=0.01)


def test_a_region_where_nothing_can_be_measured_counts_as_not_given(
    roll: Roll, tmp_path: Path
) -> None:
    codes = rolls.pixels(roll.path(FRAME)).copy()
    codes[int(0.88 * len(codes)) :] = 65535
    path = rolls.store(tmp_path / "burnt.tif", codes, roll.recipe)
    assert in_region(path, roll) == rolls.looks(path, roll.recipe, INSIDE)


def test_texture_is_distinguished_from_grain() -> None:
    rng = np.random.default_rng(6)
    plain = 1.0 + rng.normal(0.0, 0.004, (40, 60))
    everywhere = np.ones(plain.shape, bool)
    assert measure.texture(plain, everywhere) < 0.01
    assert measure.texture(plain + rng.uniform(0.0, 0.5, plain.shape), everywhere) > 0.8


def test_black_and_white_film_scatters_no_more_than_its_grain() -> None:
    rng = np.random.default_rng(7)
    tones = rng.uniform(0.3, 1.5, 4000)
    silver = np.stack([tones, 1.02 * tones, 0.97 * tones], axis=1) + rng.normal(0, 0.006, (4000, 3))
    assert measure.gray_scatter(silver) < 0.012
    assert measure.gray_scatter(rng.uniform(0.3, 1.5, (4000, 3))) > 0.2


def mid_tones(roll: Roll, levels: Floats, base: float | None = None) -> int:
    """How many cells of gray film of these densities are counted as mid-tones."""
    density = np.repeat(levels.reshape(20, -1)[:, :, None], 3, axis=2)
    everywhere = np.ones(density.shape[:2], bool)
    bare = None if base is None else regions.Base(np.full(3, base), "plain", 0, 0.0)
    grid = Grid(10.0**-density, ~everywhere, 10)
    seen = measure._Frame(grid, roll.recipe, density, rendered=False).look(
        regions.Regions(everywhere, ~everywhere, ~everywhere, bare)
    )
    assert seen is not None
    return sum(sum(values) for _, values in seen.counts.rows)


def test_mid_tones_leave_out_both_ends_of_brightness(roll: Roll) -> None:
    assert mid_tones(roll, np.linspace(0.6, 1.1, 1000)) == pytest.approx(900, abs=5)


def test_tones_that_are_ends_themselves_are_mid_tones(roll: Roll) -> None:
    assert mid_tones(roll, np.repeat([0.7, 1.0], 500)) > 890


def test_the_toe_of_the_film_has_no_mid_tones(roll: Roll) -> None:
    levels = np.repeat([0.35, 0.8, 1.0], [200, 400, 400])
    assert 790 < mid_tones(roll, levels) <= 1000
    assert 690 < mid_tones(roll, levels, base=0.2) <= 800
