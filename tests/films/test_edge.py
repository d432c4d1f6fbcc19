"""Reading the DX edge code of simulated strips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.films import edge
from divere_cli.films.edge import Code, FilmEdge
from divere_cli.films.perforations import bright, likely, rows
from tests.films import tries
from tests.films.simulator import Strip, picture

pytest.importorskip("zxingcpp")

STRIP = Strip(long=58.0, tall=10.0)
WHOLE = FilmEdge("115-4", ("12", "12A", "13"), False)


@pytest.mark.parametrize("scale", [22.0, 40.0, pytest.param(110.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tilt", [-1.5, 0.0, 1.2])
def test_codes_are_read_at_any_scale_and_tilt(scale: float, tilt: float) -> None:
    strip = replace(STRIP, scale=scale, tilt=tilt, long=52.0 if scale > 100 else 58.0)
    result = edge.read(picture(strip, 7))
    assert result is not None
    assert result.dx == "115-4"
    assert set(result.frames) <= set(WHOLE.frames)
    assert len(result.frames) >= 2


@pytest.mark.parametrize(
    "change",
    [
        {"flipped": True}, {"upright": True}, {"upright": True, "flipped": True},
        {"slide": True}, {"holder": True}, {"around": 0.2}, {"grain": 0.07}, {"flare": 0.08},
    ],
    ids=str,
)  # fmt: skip
def test_codes_are_read_in_every_orientation_and_look(change: dict[str, object]) -> None:
    assert edge.read(picture(replace(STRIP, **change), 8)) == WHOLE  # type: ignore[arg-type]


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("slide", [False, True])
def test_mirrored_scans_are_detected(flipped: bool, slide: bool) -> None:
    strip = replace(STRIP, mirrored=True, flipped=flipped, slide=slide)
    result = edge.read(picture(strip, 9))
    assert result is not None
    assert (result.dx, result.mirrored) == ("115-4", True)
    assert set(result.frames) <= set(WHOLE.frames)


def test_codes_without_frame_numbers_give_the_stock() -> None:
    result = edge.read(picture(replace(STRIP, first=None), 10))
    assert result == FilmEdge("115-4", (), False)


@pytest.mark.parametrize("long", [16.0, 26.0])
def test_a_single_code_gives_no_result(long: float) -> None:
    assert edge.read(picture(replace(STRIP, long=long), 11)) is None


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("upright", [False, True])
def test_pictures_are_numbered_by_their_positions(
    flipped: bool, mirrored: bool, upright: bool
) -> None:
    strip = replace(STRIP, flipped=flipped, mirrored=mirrored, upright=upright, tilt=0.6)
    result = edge.read(picture(strip, 7))
    assert result is not None
    assert result.numbering is not None
    for number, place in ((12, 19.0), (12, 25.0), (13, 57.0)):  # 12 and 12A begin at 3 and 22 mm
        along = place / strip.long
        if flipped is not mirrored:
            along = 1 - along
        x, y = (0.5, 1 - along) if upright else (along, 0.5)
        assert result.numbering.frame(x, y) == str(number)


def test_a_scan_without_codes_gives_no_result() -> None:
    random = np.random.default_rng(12)
    for shape in ((300, 400), (5, 5), (1, 900)):
        assert edge.read(random.integers(0, 255, shape).astype(np.uint8)) is None
    assert edge.read(picture(replace(STRIP, codes=False), 12)) is None


@pytest.mark.slow
def test_no_result_is_wrong() -> None:
    random = np.random.default_rng(13)
    results = 0
    for seed in range(60):
        strip = Strip(
            dx=(int(random.integers(1, 128)), int(random.integers(0, 16))),
            first=int(random.integers(0, 70)) if random.random() < 0.8 else None,
            start=float(random.uniform(0, 19)),
            long=float(random.uniform(30, 60)),
            tall=float(random.uniform(7, 10)),
            around=float(random.choice([0.2, 2])),
            scale=float(random.uniform(20, 32)),
            tilt=float(random.uniform(-1.5, 1.5)),
            holder=bool(random.random() < 0.3),
            slide=bool(random.random() < 0.3),
            codes=bool(random.random() < 0.7),
            flipped=bool(random.random() < 0.5),
            mirrored=bool(random.random() < 0.3),
            grain=float(random.uniform(0.01, 0.1)),
            flare=float(random.uniform(0, 0.1)),
        )
        result = edge.read(picture(strip, seed))
        if result is not None:
            results += 1
            assert strip.codes
            assert result.dx == f"{strip.dx[0]}-{strip.dx[1]}"
            assert result.mirrored == strip.mirrored
    assert results >= 15


@pytest.mark.parametrize("seed", range(12))
def test_quick_check_misses_no_perforations(seed: int) -> None:
    random = np.random.default_rng(700 + seed)
    strip = replace(
        STRIP,
        long=float(random.uniform(30, 120)),
        tall=float(random.uniform(7, 26)),
        scale=float(random.uniform(18, 40)),
        tilt=float(random.uniform(-1.5, 1.5)),
        slide=bool(random.random() < 0.3),
        grain=float(random.uniform(0.01, 0.15)),
        flare=float(random.uniform(0, 0.15)),
    )
    gray = picture(strip, seed)
    mask, step = bright(gray)
    assert rows(mask, step)
    assert likely(gray)


def test_quick_check_rejects_stripes_and_grain() -> None:
    random = np.random.default_rng(701)
    assert not likely(random.integers(0, 255, (600, 900)).astype(np.uint8))
    fence = np.zeros((600, 900), np.uint8)
    fence[:, ::2] = 200
    assert not likely(fence)


def test_perforations_give_scale_and_tilt() -> None:
    (row,) = rows(*bright(picture(replace(STRIP, scale=36.0, tilt=0.8), 14)))
    assert row.scale == pytest.approx(36.0, rel=0.004)
    assert abs(np.rad2deg(np.arctan(row.slope))) == pytest.approx(0.8, abs=0.05)


def code(place: float, half: int | None = None, dx: str = "1-2", mirrored: bool = False) -> Code:
    return Code(dx, half, place, mirrored)


def test_codes_are_combined_if_two_agree() -> None:
    pair = [code(9.0, 24), code(28.1, 25)]
    assert edge.combine(pair) == FilmEdge("1-2", ("12", "12A"), False)
    assert edge.combine([code(9.0, 24), code(9.05, 24)]) is None
    assert edge.combine([code(9.0, 24), code(28.1, 24)]) is None
    assert edge.combine([code(9.0, 24), code(28.1, 25, dx="1-3")]) is None
    assert edge.combine([code(9.0, 24), code(22.0, 25)]) is None
    assert edge.combine([*pair, code(47.0, 60, dx="9-9")]) is not None
    assert edge.combine([*pair, code(47.0, 60, dx="9-9"), code(60.0, 1, dx="8-8")]) is None
    backwards = [code(9.0, 25, mirrored=True), code(28.0, 24, mirrored=True)]
    assert edge.combine(backwards) == FilmEdge("1-2", ("12", "12A"), True)
    plain = [code(9.0), code(47.0)]
    assert edge.combine(plain) == FilmEdge("1-2", (), False)
    assert edge.combine([*plain, code(30.0, dx="9-9")]) is None


@pytest.mark.slow
@pytest.mark.parametrize("scales", [(20.0, 34.0), (20.0, 110.0)])
def test_figures_meet_the_targets(scales: tuple[float, float]) -> None:
    for sums in tries.run(range(100_000, 100_120), *scales).values():
        assert sums.wrong == ()
        assert sums.whole > 80
        assert sums.read >= 0.95 * sums.whole
