"""The whole repair meets its targets on simulated scans that it was not tuned on."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.image.parallel import Parallel
from divere_cli.infrared import bands as repair_bands
from divere_cli.infrared import samples
from divere_cli.infrared.find import TUNINGS
from divere_cli.infrared.placement import Placement
from divere_cli.infrared.survey import survey
from tests.infrared.running import bands, look, run
from tests.infrared.scoring import score
from tests.infrared.simulator import Film, Scan, quiet, scan

FILM = Film(height=640, width=900, specks=26, hairs=3, scratches=2)
SHIFTS = [(0.0, 0.0), (1.3, -2.2), (-2.9, 0.6)]


@pytest.fixture(scope="module")
def dusty() -> Scan:
    return scan(replace(FILM, shift=(0.7, -1.4)), 501)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("crosstalk", [0.03, 0.09])
def test_targets_are_met(shift: tuple[float, float], crosstalk: float) -> None:
    seed = 600 + SHIFTS.index(shift) * 2 + (crosstalk > 0.05)
    made = scan(replace(FILM, shift=shift, crosstalk=crosstalk), seed)
    done = run(made)
    found = score(made, done.pixels, done.mask)
    assert found.missed <= 0.02
    assert found.false <= 0.00005
    assert found.error_share <= 0.4
    assert 0.8 <= found.grain <= 1.2
    assert found.mask <= 3 * found.defects
    assert np.abs(np.subtract(done.findings.placement.shift, shift)).max() < 0.5


def test_a_half_size_page_is_enlarged() -> None:
    made = scan(replace(FILM, height=641, half=True, shift=(0.8, -0.5)), 611)
    done = run(made)
    found = score(made, done.pixels, done.mask)
    assert found.missed <= 0.02
    assert found.false <= 0.00005
    assert found.error_share <= 0.4
    assert found.mask <= 2.6 * found.defects  # the rim of dense dust stays


def test_eight_bits_are_repaired(dusty: Scan) -> None:
    made = scan(replace(FILM, bits=8, noise=0.006), 612)
    done = run(made)
    assert done.pixels.dtype == np.uint8
    assert score(made, done.pixels, done.mask).missed <= 0.02


def test_float_samples_are_repaired(dusty: Scan) -> None:
    light = (dusty.rgb / np.float32(65535)).astype(np.float32)
    as_float, as_codes = run(replace(dusty, rgb=light)), run(dusty)
    assert as_float.pixels.dtype == np.float32
    assert (as_float.mask ^ as_codes.mask).mean() < 1e-4
    both = as_float.mask & as_codes.mask
    off = np.abs(as_float.pixels[both] * 65535 - as_codes.pixels[both].astype(np.float32))
    assert np.percentile(off, 99) < 30


def test_pixels_outside_of_the_mask_stay_to_the_bit(dusty: Scan) -> None:
    done = run(dusty)
    assert np.array_equal(done.pixels[~done.mask], dusty.rgb[~done.mask])
    assert (done.pixels[done.mask] != dusty.rgb[done.mask]).any(axis=-1).mean() > 0.95


@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (32, 2), (211, 3), (640, 2)])
def test_bands_and_threads_change_no_pixel(dusty: Scan, rows: int, threads: int) -> None:
    one, other = run(dusty), run(dusty, rows=rows, threads=threads)
    assert np.array_equal(one.mask, other.mask)
    assert np.array_equal(one.pixels, other.pixels)
    assert one.result == other.result


@pytest.mark.parametrize(("kept", "stack", "threads"), [(0, 5, 1), (400_000, 64, 2)])
def test_groups_and_stacks_change_no_pixel(
    dusty: Scan, kept: int, stack: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a wide scan, of which few rows are kept."""
    one = run(dusty)
    monkeypatch.setattr(repair_bands, "KEPT_PIXELS", kept)
    monkeypatch.setattr(repair_bands, "STACK", stack)
    other = run(dusty, threads=threads)
    assert np.array_equal(one.mask, other.mask)
    assert np.array_equal(one.pixels, other.pixels)
    assert one.result == other.result


def traced_peak(made: Scan, times: int) -> int:
    """Bytes that a survey and a repair have at most, of a scan repeated downward."""

    def repeated(plane: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        for n in range(times):
            for first, band in bands(plane, 64):
                yield n * len(plane) + first, band

    height, width = made.rgb.shape[:2]
    size = (height * times, width)
    tracemalloc.start()
    findings = survey(
        repeated(made.rgb), repeated(made.infrared), Placement(size, size), TUNINGS["normal"]
    )
    with Parallel() as parallel:
        repair = repair_bands.Repair(findings, TUNINGS["normal"], parallel)
        for _ in repair.bands(repeated(made.rgb), repeated(made.infrared)):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_height(dusty: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    # so few samples for each pixel as in a scan of 800 megapixels
    monkeypatch.setattr(samples, "BLOCKS", 1)
    monkeypatch.setattr(repair_bands, "KEPT_PIXELS", 100_000)
    low, high = traced_peak(dusty, 1), traced_peak(dusty, 4)
    assert high < low + 5_000_000  # squares that tell more; the scan has 14 MB more


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_clean_scan_stays_as_it_is(shift: tuple[float, float]) -> None:
    made = scan(replace(quiet(FILM), crosstalk=0.08, shift=shift), 620)
    done = run(made)
    assert not done.mask.any()
    assert done.result.share == 0
    assert done.result.biggest == (0, 0, 0)


def test_silver_film_is_recognized() -> None:
    assert look(scan(replace(FILM, silver=True), 630)).silver
    assert look(scan(replace(quiet(FILM), silver=True), 631)).silver


def test_color_film_is_not_taken_for_silver(dusty: Scan) -> None:
    assert not look(dusty).silver
    assert not look(scan(replace(quiet(FILM), crosstalk=0.09), 632)).silver


def test_a_scan_with_too_much_dust_is_recognized() -> None:
    found = look(scan(replace(FILM, covered=0.16), 640))
    assert found.too_much
    assert not found.silver


def test_the_share_is_known_before_the_repair(dusty: Scan) -> None:
    done = run(dusty)
    assert done.findings.share == pytest.approx(done.result.share, rel=0.25)
    assert not done.findings.too_much
    assert done.result.share == pytest.approx(float(done.mask.mean()))


def test_borders_of_the_film_are_not_taken_for_dust() -> None:
    made = scan(replace(quiet(FILM), bare=90, holder=130, crosstalk=0.07), 650)
    done = run(made)
    assert done.mask.mean() < 0.0005


def test_strengths_are_in_order() -> None:
    made = scan(replace(FILM, through=0.2, specks=4, noise=0.012), 660)
    low, normal, high = (run(made, strength) for strength in ("low", "normal", "high"))
    assert low.mask.sum() < normal.mask.sum() < high.mask.sum()
    scores = [score(made, one.pixels, one.mask) for one in (low, normal, high)]
    assert scores[0].missed > scores[1].missed > scores[2].missed
    assert all(one.false <= 0.00005 for one in scores)


@pytest.mark.parametrize(("height", "width"), [(2, 3), (7, 300), (300, 9), (33, 65), (257, 256)])
def test_pictures_of_odd_and_small_sizes_are_repaired(height: int, width: int) -> None:
    made = scan(replace(quiet(FILM), height=height, width=width, specks=2), 670)
    done = run(made, rows=13)
    assert done.pixels.shape == made.rgb.shape
    assert np.array_equal(done.pixels[~done.mask], made.rgb[~done.mask])


def too_big() -> Scan:
    """A scan with a place that is larger than what a fill looks at."""
    made = scan(quiet(FILM), 680)
    plane = made.infrared.copy()
    plane[200:400, 300:520] = plane[200:400, 300:520] // 3
    return replace(made, infrared=plane)


def test_a_place_too_big_to_see_around_is_left() -> None:
    made = too_big()
    done = run(made)
    middle = (slice(270, 330), slice(380, 440))
    assert np.array_equal(done.pixels[middle], made.rgb[middle])
    assert not done.mask[middle].any()


@pytest.mark.parametrize(("rows", "threads"), [(50, 2), (211, 3)])
def test_bands_and_threads_change_nothing_beside_a_place_that_is_left(
    rows: int, threads: int
) -> None:
    made = too_big()
    one, other = run(made), run(made, rows=rows, threads=threads)
    assert np.array_equal(one.mask, other.mask)
    assert np.array_equal(one.pixels, other.pixels)
    assert one.result == other.result
