"""The grade against the reference: any preset, any value, any sort of band."""

from __future__ import annotations

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from divere_cli.color import grade
from divere_cli.errors import Internal, ProfileError
from divere_cli.profile import library, resolve
from divere_cli.records.grade import Curves, Recipe
from tests.color.recipes import (
    ENDURA,
    OUTPUTS,
    PRINT,
    Band,
    colors,
    graded,
    layout,
    recipe,
    recipes,
    stock,
    wanted,
)

SORTS = ["uint16", "uint8", "float32"]
STOCKS = sorted(library.curves())
NIKON = "9000ED"


def band(sort: str, seed: int = 1, channels: int = 3) -> Band:
    codes = colors(seed)[..., :channels]
    found: Band = {
        "uint16": codes,
        "uint8": (codes >> 8).astype(np.uint8),
        "float32": (codes / 65535.0).astype(np.float32),
    }[sort]
    return np.ascontiguousarray(found)


def error(found: Recipe, output: str, src: Band, bit_depth: Literal[8, 16] = 16) -> float:
    space = library.output_space(output)
    got = graded(found, space, src, bit_depth).astype(np.float64)
    return float(np.abs(got - wanted(found, space, src, bit_depth)).max())


ANY = {
    "found": recipes(),
    "output": st.sampled_from(OUTPUTS),
    "sort": st.sampled_from(["uint16", "uint16", "uint16", *SORTS]),
    "channels": st.sampled_from([3, 3, 3, 1]),
    "seed": st.integers(0, 2**32),
}
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(PATIENT, max_examples=100, derandomize=True)
@given(**ANY)
def test_any_preset_on_any_value_is_within_two_of_65535(
    found: Recipe, output: str, sort: str, channels: int, seed: int
) -> None:
    assert error(found, output, band(sort, seed, channels)) <= 2.0


@pytest.mark.slow
@settings(PATIENT, max_examples=3000)
@given(**ANY)
def test_three_thousand_more_random_presets_agree(
    found: Recipe, output: str, sort: str, channels: int, seed: int
) -> None:
    assert error(found, output, band(sort, seed, channels)) <= 2.0


@settings(PATIENT, max_examples=40, derandomize=True)
@given(
    found=recipes(),
    output=st.sampled_from(OUTPUTS),
    sort=st.sampled_from(SORTS),
    channels=st.sampled_from([3, 3, 1]),
)
def test_any_preset_on_any_value_is_within_one_of_255(
    found: Recipe, output: str, sort: str, channels: int
) -> None:
    assert error(found, output, band(sort, 2, channels), 8) <= 1.0


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", STOCKS)
def test_every_print_stock_in_every_output_space(name: str, output: str) -> None:
    found = recipe(source=NIKON, curves=stock(name), matrix=library.matrix("9000ed_pt400"))
    assert error(found, output, band("uint16")) <= 2.0


@pytest.mark.parametrize("name", library.names())
def test_every_shipped_profile_is_within_two_in_srgb(name: str) -> None:
    """The output space with the steepest matrix: a third of random colors is outside of it."""
    assert error(resolve.recipe(library.load(name)), "sRGB", band("uint16", 6)) <= 2.0


@settings(PATIENT, max_examples=20, derandomize=True)
@given(
    glare=st.floats(1e-4, 0.5),
    output=st.sampled_from([PRINT, "DisplayP3", "sRGB"]),
    name=st.sampled_from(["", *STOCKS]),
)
@example(glare=0.04, output="DisplayP3", name="")
def test_screen_glare_is_exact_where_it_takes_the_last_light(
    glare: float, output: str, name: str
) -> None:
    """Around the density at which nothing is left, encoded values rise steeply."""
    curves = stock(name) if name else Curves()
    found = recipe(curves=curves, density_dmax=2.5, screen_glare_compensation=glare)
    gray = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    assert error(found, output, np.ascontiguousarray(np.repeat(gray, 3, axis=2))) <= 2.0


def test_a_print_that_is_all_dark_is_no_less_exact() -> None:
    """Its steepest part is below what counts as dark elsewhere."""
    found = recipe(
        "b&w_negative",
        source=NIKON,
        density_dmax=1.0,
        curves=Curves(rgb=((0.0, 0.0), (1.0, 0.5))),
        screen_glare_compensation=0.001953125,
    )
    assert error(found, "Gray_Gamma_2_2", band("uint16", 0)) <= 2.0
    assert error(found, "sRGB", band("uint16", 0)) <= 2.0


def test_an_input_gamma_next_to_one_is_not_left_out() -> None:
    space = dataclasses.replace(library.space(NIKON), gamma=0.99999)
    found = recipe("color_reversal", input_space=space, density_dmax=0.0, rgb_gains=(2.0, 0, 0))
    assert error(found, "ACEScg", band("uint16")) <= 2.0


@pytest.mark.parametrize("gamma", [0.1, 0.45, 2.2, 5.0])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("output", [PRINT, ENDURA, "sRGB"])
def test_input_gamma_is_exact_for_every_sort_of_scan(gamma: float, sort: str, output: str) -> None:
    space = dataclasses.replace(library.space(NIKON), gamma=gamma)
    for contrast, dmax in ((0.5, 2.0), (1.3, 2.5)):
        found = recipe(input_space=space, density_gamma=contrast, density_dmax=dmax)
        assert error(found, output, band(sort)) <= 2.0


def test_a_curve_with_a_vertical_jump_is_exact_on_both_sides() -> None:
    found = recipe(curves=Curves(rgb=((0.0, 0.0), (0.7, 0.2), (0.7, 0.8), (1.0, 1.0))))
    gray = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    assert error(found, "DisplayP3", np.ascontiguousarray(np.repeat(gray, 3, axis=2))) <= 2.0
    made = grade.compile(found, library.space(PRINT), layout(band("uint16")), 16)
    assert made.precision == "float64"


@pytest.mark.parametrize("name", STOCKS)
@pytest.mark.parametrize("output", [PRINT, "DisplayP3"])
def test_print_stocks_run_in_float32(name: str, output: str) -> None:
    found = recipe(source=NIKON, curves=stock(name), matrix=library.matrix("9000ed_pt400"))
    made = grade.compile(found, library.space(output), layout(band("uint16")), 16)
    assert made.precision == "float32"


def test_an_extreme_grade_is_computed_in_float64() -> None:
    found = recipe(source=NIKON, density_gamma=5.0, matrix=((9, 9, 9), (9, -9, 9), (9, 9, -9)))
    made = grade.compile(found, library.space(PRINT), layout(band("uint16")), 16)
    assert made.precision == "float64"
    assert error(found, PRINT, band("uint16")) <= 1.0


@settings(PATIENT, max_examples=30, derandomize=True)
@given(
    found=recipes(),
    output=st.sampled_from(OUTPUTS),
    sort=st.sampled_from(SORTS),
    options=st.sampled_from([(16, False), (8, False), (8, True)]),
    cuts=st.lists(st.integers(0, 24), max_size=4),
    channels=st.sampled_from([3, 1]),
)
def test_the_same_pixels_however_the_picture_is_split(
    found: Recipe,
    output: str,
    sort: str,
    options: tuple[Literal[8, 16], bool],
    cuts: list[int],
    channels: int,
) -> None:
    src = band(sort, 3, channels)
    depth, dither = options
    made = grade.compile(found, library.space(output), layout(src), depth, dither)
    whole = np.empty((*src.shape[:2], made.channels), f"uint{depth}")
    made.apply(src, whole)
    parts = np.zeros_like(whole)
    ends = [0, *sorted(cuts), len(src)]
    for first, last in itertools.pairwise(ends):
        made.apply(src[first:last], parts[first:last], row=first)
    assert (parts == whole).all()


@pytest.mark.parametrize("output", ["DisplayP3", PRINT])
def test_a_picture_larger_than_a_chunk_and_narrower_than_eight(output: str) -> None:
    found = recipe(source="Hasselblad_X5", curves=stock("Kodak Endura Premier"))
    src = np.random.default_rng(4).integers(0, 65536, (60_000, 5, 3)).astype(np.uint16)
    assert error(found, output, src) <= 2.0


def test_threads_share_one_grade() -> None:
    found = recipe(source=NIKON, curves=stock("Kodak Endura Premier"))
    src = np.concatenate([band("uint16", seed) for seed in range(8)])
    made = grade.compile(found, library.space("sRGB"), layout(src), 16)
    alone, shared = np.empty_like(src), np.empty_like(src)
    made.apply(src, alone)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda r: made.apply(src[r : r + 6], shared[r : r + 6], r), range(0, 192, 6)))
    assert (alone == shared).all()


@pytest.mark.parametrize("sort", SORTS)
def test_one_channel_is_graded_as_gray(sort: str) -> None:
    src = band(sort, 5, 1)
    found = recipe(curves=stock("Ilford MGFB 2"))
    got = graded(found, library.space("sRGB"), src)
    rgb = graded(found, library.space("sRGB"), np.repeat(src, 3, axis=2))
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722])
    assert got.shape == (*src.shape[:2], 1)
    assert np.abs(got[..., 0] - luminance).max() <= 2.0


def test_integer_gray_is_a_table_of_the_exact_values() -> None:
    src = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    found = recipe("b&w_negative", curves=stock("Ilford MGFB 3"))
    assert grade.compile(found, library.space(PRINT), layout(src), 16).precision == "table"
    assert error(found, PRINT, src) == 0.0


@pytest.mark.parametrize("film", ["b&w_negative", "b&w_reversal"])
@pytest.mark.parametrize("output", ["DisplayP3", PRINT])
def test_black_and_white_film_in_color_gives_one_channel(film: str, output: str) -> None:
    found = recipe(film, source=NIKON, curves=stock("Ilford MGFB 2"))
    src = band("uint16")
    assert graded(found, library.space(output), src).shape == (*src.shape[:2], 1)
    assert error(found, output, src) <= 2.0


def test_a_gray_output_space_makes_one_channel_of_a_color_film() -> None:
    src = band("uint16")
    assert error(recipe(), "Gray_Gamma_2_2", src) <= 2.0
    assert graded(recipe(), library.space("Gray_Gamma_2_2"), src).shape[2] == 1


def test_eight_bits_are_rounded_once() -> None:
    """Half a code value exactly, not half and a 257th of rounding to 16 bits before."""
    found = recipe(curves=stock("Kodak Endura Premier"))
    src = band("uint16")
    space = library.space(PRINT)
    exact = grade.exact.fold(found, space, one_channel=False).encoded(src.reshape(-1, 3) / 65535)
    got = graded(found, space, src, 8).reshape(-1, 3)
    assert np.abs(got - exact * 255.0).max() < 0.5 + 2e-3


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("film", ["color_negative_c41", "b&w_negative"])
def test_dither_keeps_the_mean(channels: int, film: str) -> None:
    found = recipe(film, curves=stock("Kodak Portra Endura"))
    space = library.space(PRINT)
    for code in (300, 2000, 9000):
        src = np.full((256, 512, channels), code, np.uint16)
        got = graded(found, space, src, 8, dither=True)
        exact = grade.exact.fold(found, space, one_channel=channels == 1).encoded(
            np.full((1, 3), code / 65535.0)
        )
        assert got.mean(axis=(0, 1)) == pytest.approx(exact[0] * 255.0, abs=0.01)
        assert (np.ptp(got, axis=(0, 1)) <= 1).all()


def test_dither_is_the_same_in_every_run_and_no_option_of_sixteen_bits() -> None:
    found, space, src = recipe(), library.space("sRGB"), band("uint16")
    assert (graded(found, space, src, 8, dither=True) == graded(
        found, space, src, 8, dither=True)).all()  # fmt: skip
    assert (graded(found, space, src, 8, dither=True) != graded(found, space, src, 8)).any()
    assert (graded(found, space, src, dither=True) == graded(found, space, src)).all()


def test_nan_in_float_samples_counts_as_no_light() -> None:
    src = np.zeros((1, 6, 3), np.float32)
    src[0, 0] = np.nan
    src[0, 1, 1] = np.nan
    src[0, 2] = np.inf
    src[0, 3, 2] = -np.inf
    src[0, 4] = (-0.1, 0.3, 1.7)
    for found in (recipe(source=NIKON), recipe("color_reversal", source=NIKON)):
        for output in (PRINT, "sRGB"):
            assert error(found, output, src) <= 2.0


def test_nothing_to_do_is_done() -> None:
    made = grade.compile(recipe(), library.space(PRINT), layout(band("uint16")), 16)
    empty = np.empty((0, 7, 3), np.uint16)
    made.apply(empty, empty.copy())


@pytest.mark.parametrize(
    ("src", "out"),
    [
        (np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.uint16)),
        (np.zeros((2, 3, 3), np.uint16), np.zeros((2, 3, 3), np.uint8)),
        (np.zeros((2, 3, 1), np.uint16), np.zeros((2, 3, 3), np.uint16)),
        (np.zeros((2, 3, 3), np.uint16), np.zeros((2, 3, 1), np.uint16)),
        (np.zeros((2, 3, 3), np.uint16), np.zeros((3, 3, 3), np.uint16)),
        (np.zeros((2, 6, 3), np.uint16)[:, ::2], np.zeros((2, 3, 3), np.uint16)),
    ],
)
def test_a_band_that_does_not_fit_is_refused(src: Band, out: Band) -> None:
    made = grade.compile(recipe(), library.space(PRINT), layout(band("uint16")), 16)
    with pytest.raises(Internal, match="does not fit"):
        made.apply(src, out)


@pytest.mark.parametrize("figures", [{"density_gamma": 0.0}, {"density_gamma": -1.0}])
def test_contrast_of_zero_is_refused(figures: dict[str, float]) -> None:
    with pytest.raises(ProfileError, match="density_gamma"):
        grade.compile(recipe(**figures), library.space(PRINT), layout(band("uint16")), 16)


def test_an_input_gamma_of_zero_is_refused() -> None:
    space = dataclasses.replace(library.space(ENDURA), gamma=0.0)
    with pytest.raises(ProfileError, match="gamma"):
        grade.compile(recipe(input_space=space), library.space(PRINT), layout(band("uint16")), 16)


@settings(PATIENT, max_examples=40, derandomize=True)
@given(**ANY)
def test_float_positives_are_what_16_bits_round(
    found: Recipe, output: str, sort: str, channels: int, seed: int
) -> None:
    src, space = band(sort, seed, channels), library.output_space(output)
    floats = graded(found, space, src, 32)
    assert floats.dtype == np.float32
    assert 0.0 <= floats.min() <= floats.max() <= 1.0
    whole = graded(found, space, src, 16).astype(np.float64)
    assert np.abs(floats * 65535.0 - whole).max() <= 2.0


def test_float_positives_keep_what_16_bits_cannot_hold() -> None:
    """Two codes of a scan that are one code of a positive stay two values."""
    src = np.array([[[6000, 6000, 6000], [6001, 6001, 6001]]], np.uint16)
    found = recipe(source=NIKON, density_gamma=0.2)
    space = library.output_space(PRINT)
    assert len(np.unique(graded(found, space, src, 16))) < len(
        np.unique(graded(found, space, src, 32))
    )
