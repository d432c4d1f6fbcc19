"""Pooling: exact, the same in any order, steady against odd frames."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from divere_cli.roll import pool
from divere_cli.roll.measurement import BIN, ChromaMap, FilmBase, FrameMeasurement

BASE = FilmBase((0.25, 0.6, 0.85), (2.2, 1.8, 1.6), "rebate", 100, 0.01)


def bump(u: float, v: float, height: int = 1000) -> ChromaMap:
    """A map with one round bump."""
    first_u, first_v = round(u / BIN) - 8, round(v / BIN) - 8
    place = (np.arange(17) + np.array([[first_u], [first_v]])) * BIN
    away = (place[0][:, None] - u) ** 2 + (place[1][None, :] - v) ** 2
    values = np.round(height * np.exp(-away / (2 * 0.02**2))).astype(int)
    return ChromaMap(first_u, tuple((first_v, tuple(int(n) for n in row)) for row in values))


def frame(*places: tuple[float, float, int], middle: tuple[float, float]) -> FrameMeasurement:
    """A frame on which colors are present, and the middle of its chroma."""
    cells = pool.added(bump(*place) for place in places)
    first = min(u for u, _ in cells)
    rows = []
    for u in range(first, max(u for u, _ in cells) + 1):
        filled = [v for i, v in cells if i == u]
        low = min(filled, default=0)
        high = max(filled, default=-1) + 1
        rows.append((low, tuple(cells.get((u, v), 0) for v in range(low, high))))
    found = ChromaMap(first, tuple(rows))
    return FrameMeasurement(
        cells=1000,
        picture_cells=900,
        pixels_per_cell=10,
        excluded={},
        base=BASE,
        lumas=(1.0,) * 7,
        key=1.3,
        span=0.6,
        plateau=0.2,
        chroma=middle,
        chroma_spread=0.06,
        target=1.6,
        presence=found,
        counts=found,
    )


def test_a_peak_is_placed_finer_than_its_bins() -> None:
    for u, v in ((0.1, -0.2), (0.1043, -0.1967), (-0.2871, 0.3318)):
        found = pool.neutral([frame((u, v, 1000), middle=(u, v))])
        assert found is not None
        assert (found.u, found.v) == pytest.approx((u, v), abs=0.0015)


def test_the_order_of_frames_changes_nothing() -> None:
    frames = [
        frame((0.1 + i / 500, -0.2, 1000), (0.4, 0.1 * i, 800), middle=(0.12, -0.2))
        for i in range(7)
    ]
    wanted = pool.neutral(frames)
    for seed in range(5):
        random.Random(seed).shuffle(frames)
        assert pool.neutral(frames) == wanted


def test_a_strong_color_on_one_frame_does_not_move_the_roll() -> None:
    frames = [frame((0.1, -0.2, 1000), middle=(0.1, -0.2)) for _ in range(5)]
    alone = pool.neutral(frames)
    odd = frame((-0.4, 0.3, 4000), middle=(-0.4, 0.3))
    found = pool.neutral([*frames, odd])
    assert alone is not None
    assert found is not None
    assert (found.u, found.v) == pytest.approx((alone.u, alone.v), abs=0.001)


def test_of_two_that_are_everywhere_the_middle_one_is_gray() -> None:
    found = pool.neutral([frame((0.1, -0.2, 1000), (0.1, -0.06, 1000), middle=(0.12, -0.19))])
    assert found is not None
    assert found.v == pytest.approx(-0.2, abs=0.005)
    assert 0.0 < found.rival < 0.6
    told = frame((0.1, -0.2, 1000), (0.1, -0.06, 1000), middle=(0.12, -0.19))
    other = pool.neutral([told], near=(0.1, -0.07))
    assert other is not None
    assert other.v == pytest.approx(-0.06, abs=0.005)


def test_no_mid_tones_no_gray() -> None:
    empty = replace(frame((0.0, 0.0, 10), middle=(0.0, 0.0)), presence=ChromaMap(0, ()))
    assert pool.neutral([empty]) is None
    assert pool.neutral([]) is None


def test_the_profile_is_believed_first_then_a_region_a_blank_a_rebate_and_last_a_thin_end() -> None:
    known = replace(BASE, source="profile", density=(0.1, 0.3, 0.5))
    given = replace(BASE, source="given region", density=(0.3, 0.7, 0.9))
    blank = replace(BASE, source="unexposed", density=(0.2, 0.5, 0.8))
    thin = replace(BASE, source="thin end", density=(0.4, 0.8, 1.0))
    for bases, source, red in (
        ([thin, BASE, blank, given, known], "the profile", 0.1),
        ([thin, BASE, blank, given], "the given region", 0.3),
        ([thin, BASE, blank], "unexposed film", 0.2),
        ([thin, BASE], "the rebate", 0.25),
        ([thin], "the thin end of the pictures", 0.4),
    ):
        found = pool.film_base(bases)
        assert found is not None
        assert (found.source, found.density[0]) == (source, red)
    assert pool.film_base([]) is None


def test_thin_ends_are_pooled_at_their_thinnest() -> None:
    ends = [replace(BASE, source="thin end", density=(0.3 + i / 100,) * 3) for i in range(20)]
    found = pool.film_base(ends)
    assert found is not None
    assert found.density[0] <= 0.31


def test_the_spread_says_how_far_frames_disagree() -> None:
    found = pool.film_base([BASE, replace(BASE, density=(0.25, 0.68, 0.85))])
    assert found is not None
    assert found.spread == pytest.approx(0.08)


def test_the_middle_is_deaf_to_a_few_odd_frames() -> None:
    assert pool.middle([1.0, 1.1, 0.9, 1.0, 9.0, 1.0, 1.0, -5.0]) == pytest.approx(1.0)
    assert pool.middle([3.0]) == 3.0
    assert pool.middle([1.0, 2.0]) == 1.5


def seen(source: str, more: float = 0.0) -> FilmBase:
    return replace(BASE, source=source, density=tuple(d + more for d in BASE.density))


def source(*bases: FilmBase) -> str:
    found = pool.film_base(bases)
    assert found is not None
    return found.source


def test_a_rebate_on_few_frames_is_none_where_others_have_thinner_film() -> None:
    ends = [seen("thin end", n / 50) for n in range(6)]
    assert source(seen("rebate"), *ends) == "the rebate"
    assert source(seen("rebate", 0.1), *ends) == pool.THIN_END
    assert source(*[seen("rebate", 0.1)] * 6, *ends) == "the rebate"
    assert source(seen("rebate", 0.1)) == "the rebate"


def test_a_frame_of_nothing_but_light_is_no_blank() -> None:
    rebates = [seen("rebate", n / 50) for n in range(3)]
    assert source(seen("unexposed", 0.05), *rebates) == "unexposed film"
    assert source(seen("unexposed", -0.08), *rebates) == "unexposed film"
    assert source(seen("unexposed", -0.4), *rebates) == "the rebate"
    assert source(seen("unexposed", -0.4)) == "unexposed film"


@pytest.mark.parametrize(
    ("bases", "sure"),
    [
        ([seen("rebate"), seen("rebate", 0.02)], True),
        ([seen("rebate"), seen("rebate", 0.08)], False),
        ([seen("rebate")], False),
        ([seen("unexposed")], True),
        ([seen("profile")], True),
        ([seen("thin end"), seen("thin end")], False),
    ],
)
def test_film_base_is_sure_where_bare_film_was_seen_twice_alike(
    bases: list[FilmBase], sure: bool
) -> None:
    found = pool.film_base(bases)
    assert found is not None
    assert found.sure == sure


def test_variety_is_how_far_the_frames_middles_lie_apart() -> None:
    frames = [frame((0.1, 0.1, 10), middle=(0.1 + n / 10, 0.2)) for n in range(5)]
    assert pool.variety(frames) == pytest.approx(0.1)
    assert pool.variety(frames[:1]) == 0.0
