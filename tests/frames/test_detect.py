"""Drawn strips of every format against their truth: edges, nothing cut, nothing unsure lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from divere_cli.frames import detect, film, picture
from divere_cli.frames.formats import named
from tests.frames import seeds
from tests.frames.scoring import area, score, within
from tests.frames.strips import PHOTOS, Spec, draw, linear, photographs

FORMATS = {
    "135": 4,
    "135-half": 5,
    "xpan": 2,
    "120-645": 3,
    "120-66": 3,
    "120-67": 2,
    "120-68": 2,
    "120-69": 2,
    "110": 3,
}


def scale(film: str) -> float:
    return 7.0 if film.startswith("120") else 11.0


@pytest.mark.parametrize("film", FORMATS)
@pytest.mark.parametrize("photos", [False, True])
def test_every_format_is_found_by_itself(film: str, photos: bool) -> None:
    if photos and not photographs():
        pytest.skip("needs the photographs")
    spec = Spec(film, FORMATS[film], seed=901, scale=scale(film), around="light")
    scan = draw(spec, None if photos else [])
    found = detect.find(scan.pixels / np.float32(65535))
    result = score(scan, found)
    assert result.missed == result.cut == result.extra == 0, result
    assert result.right >= 0.99 * result.edges
    assert found.forms == (film,)


@pytest.mark.parametrize("around", ["holder", "light", "clipped"])
@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("turn", [-1.5, 0.4, 1.5])
def test_turned_strips_in_holders_and_light(around: str, upright: bool, turn: float) -> None:
    scan = draw(Spec(count=4, seed=77, scale=9.0, around=around, upright=upright, turn=turn), [])
    found = detect.find(scan.pixels / np.float32(65535))
    result = score(scan, found)
    assert result.missed == result.cut == result.extra == result.unsure == 0, result
    assert result.right == result.edges
    way = -turn if upright else turn
    assert found.turn == pytest.approx(way, abs=0.1) or found.turn == pytest.approx(turn, abs=0.1)


HARD = [
    {"night": (1,), "blank": (3,), "thin": (2,)},
    {"overlap": (2,), "night": (4,)},
    {"leader": True, "thin": (1,)},
    {"covered": 4.6, "night": (0,)},
]


@pytest.mark.parametrize("more", HARD, ids=lambda more: "-".join(more))
def test_hard_strips_lose_nothing(more: dict[str, object]) -> None:
    scan = draw(Spec(count=5, seed=33, hard=True, turn=0.9, **more), [])  # type: ignore[arg-type]
    found = detect.find(scan.pixels / np.float32(65535), named("135"))
    result = score(scan, found)
    assert result.missed == result.cut == 0, result
    assert result.right >= 0.95 * result.edges
    assert result.unsure <= 2


def test_strips_in_a_holder_help_one_another() -> None:
    scan = draw(Spec(count=4, strips=3, seed=5, scale=8.0, base=1, turn=-0.6), [])
    result = score(scan, detect.find(scan.pixels / np.float32(65535)))
    assert (result.missed, result.cut, result.extra) == (0, 0, 0)
    assert result.right >= 0.99 * result.edges


@pytest.mark.parametrize("leader", [False, True])
def test_strips_of_different_film_bases_on_one_light(leader: bool) -> None:
    """The rims of the strips have no color in common, so each strip must show its own."""
    scan = draw(Spec("120-66", 2, strips=3, seed=4, scale=5.0, around="light", leader=leader), [])
    found = detect.find(scan.pixels / np.float32(65535))
    result = score(scan, found)
    assert len(found.layouts) == 3
    assert (result.missed, result.cut, result.extra) == (0, 0, 0)
    assert result.unsure == 0


def test_a_strip_without_a_row_of_pictures_is_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = draw(Spec("135", 3, strips=2, seed=3, scale=8.0, base=1), [])
    lower = max(truth.corners[:, 1].min() for truth in scan.truth)
    recognized = detect._piece

    def without_lower(piece: film.Piece, *rest: Any) -> Any:
        return None if piece.top + piece.area.shape[0] > lower else recognized(piece, *rest)

    monkeypatch.setattr(detect, "_piece", without_lower)
    found = detect.find(scan.pixels / np.float32(65535)).pictures
    assert [one.sure for one in found] == [True, True, True, False]
    assert found[-1].why == detect.UNREAD
    box = np.concatenate([found[-1].corners.min(axis=0), found[-1].corners.max(axis=0)])
    assert all(
        within(truth.corners, box) == pytest.approx(area(truth.corners)) for truth in scan.truth[3:]
    )


@pytest.mark.parametrize("level", [0.02, 0.5, 0.9, 1.0])
def test_a_bare_light_has_no_pictures(level: float) -> None:
    rng = np.random.default_rng(1)
    light = np.clip(level * (1 + 0.004 * rng.standard_normal((300, 450, 3))), 0, 1)
    assert detect.find(light.astype(np.float32)).pictures == ()


def test_a_picture_that_fills_the_scan_is_not_cut() -> None:
    scan = draw(Spec(count=1, seed=8, scale=10.0), [])
    corners = scan.truth[0].corners
    left, top = np.ceil(corners.min(axis=0)).astype(int) + 4
    right, bottom = np.floor(corners.max(axis=0)).astype(int) - 4
    inside = scan.pixels[top:bottom, left:right] / np.float32(65535)
    for one in detect.find(inside).pictures:
        box = np.concatenate([one.corners.min(axis=0), one.corners.max(axis=0)])
        whole = (box[2] - box[0]) * (box[3] - box[1]) / (inside.shape[0] * inside.shape[1])
        assert not one.sure or whole >= 0.98


def test_a_picture_half_in_view_is_left_alone() -> None:
    scan = draw(Spec(count=4, seed=12, partly=True), [])
    result = score(scan, detect.find(scan.pixels / np.float32(65535)))
    assert result.false == result.missed == result.cut == 0


PLACED = {
    "one edge of each is seen": (Spec("120-66", 3, scale=6.0, overlap=(2,), leader=True), 0),
    "fog and dark hide both edges": (Spec("135", 4, scale=9.0, night=(0,), leader=True), 0),
    "it fits no row": (Spec("110", 5, scale=18.0, night=(4,), blank=(2,), overlap=(4,)), 1),
    "nothing on the strip shows its place": (Spec("135", 1, scale=9.0, night=(0,)), 1),
}


@pytest.mark.parametrize("case", PLACED)
def test_neighbors_and_width_place_pictures_without_edges(case: str) -> None:
    wanted, unsure = PLACED[case]
    scan = draw(replace(wanted, hard=True, seed=1), [])
    result = score(scan, detect.find(scan.pixels / np.float32(65535), named(wanted.film)))
    assert (result.missed, result.cut, result.unsure) == (0, 0, unsure), result
    assert result.right == result.edges


@pytest.mark.skipif(not photographs(), reason="needs the photographs")
@pytest.mark.parametrize("film", ["auto", "120-645"])
def test_a_pair_that_looks_like_one_picture_of_another_format_loses_nothing(film: str) -> None:
    """Two overlapping pictures of 6x4.5 have the shape of one of 135."""
    scan = draw(
        Spec(
            "120-645",
            4,
            seed=4008,
            hard=True,
            scale=7.0,
            turn=-0.85,
            night=(0,),
            blank=(3,),
            overlap=(2,),
            leader=True,
        )
    )
    result = score(scan, detect.find(scan.pixels / np.float32(65535), named(film)))
    assert (result.missed, result.cut, result.false) == (0, 0, 0), result


@pytest.mark.skipif(not photographs(), reason="needs the photographs")
def test_exposed_film_beside_a_weak_edge_is_kept() -> None:
    scan = draw(
        Spec(
            "xpan",
            3,
            seed=4061,
            hard=True,
            scale=11.5,
            around="light",
            thin=(0,),
            overlap=(1,),
            leader=True,
        )
    )
    result = score(scan, detect.find(scan.pixels / np.float32(65535)))
    assert (result.missed, result.cut, result.false) == (0, 0, 0), result


IN_A_HOLDER = {
    "one of 6x9": Spec("120-69", 1, seed=21, scale=7.0),
    "half frames whose holes are covered": Spec("135-half", 4, seed=23, scale=9.0, covered=4.9),
    "6x9 with a night": Spec("120-69", 2, seed=26, scale=7.0, night=(0,)),
}


@pytest.mark.parametrize("case", IN_A_HOLDER)
def test_pictures_in_a_holder_are_sure_without_a_named_format(case: str) -> None:
    """Formats of nearly the same shape, with rows moved to the holder's edge, contradict none."""
    scan = draw(IN_A_HOLDER[case], [])
    result = score(scan, detect.find(scan.pixels / np.float32(65535)))
    assert (result.missed, result.cut, result.unsure) == (0, 0, 0), result
    assert result.right == result.edges


@pytest.mark.skipif(not photographs(), reason="needs the photographs")
@pytest.mark.parametrize("seed", [21008, 21025])
def test_a_format_that_the_strip_itself_contradicts_makes_nothing_unsure(seed: int) -> None:
    """Its pictures go over into one another (two for one of XPan), or hold gaps (135 for half)."""
    scan = draw(seeds.spec(seed, hard=True))
    result = score(scan, detect.find(scan.pixels / np.float32(65535)))
    assert (result.missed, result.cut, result.unsure) == (0, 0, 0), result
    assert result.right == result.edges


@pytest.mark.skipif(not photographs(), reason="needs the photographs")
def test_two_pictures_without_a_clear_border_are_each_kept_whole() -> None:
    """A fogged thin XPan picture looks like one of 135 and the half of another."""
    scan = draw(
        Spec(
            "xpan",
            2,
            seed=28028,
            hard=True,
            scale=11.2,
            turn=-0.4,
            around="light",
            night=(1,),
            thin=(0,),
            leader=True,
        )
    )
    result = score(scan, detect.find(scan.pixels / np.float32(65535)))
    assert (result.missed, result.cut, result.false) == (0, 0, 0), result


@pytest.mark.parametrize("lights", [False, True])
def test_a_picture_with_a_few_lights_is_kept_and_a_blank_one_is_not(lights: bool) -> None:
    scan = draw(Spec("120-66", 2, seed=31, scale=6.0, blank=(0,)), [])
    dark = scan.truth[0].corners
    left, top = dark.min(axis=0).astype(int)
    if lights:
        scan.pixels[top + 130 : top + 160, left + 100 : left + 130] //= 2
    found = detect.find(scan.pixels / np.float32(65535), named("120-66")).pictures
    boxes = [np.concatenate([one.corners.min(0), one.corners.max(0)]) for one in found]
    assert [one.sure for one in found] == [False, True][not lights :]
    assert not lights or within(dark, boxes[0]) >= 0.98 * area(dark)


REAL = sorted((PHOTOS.parents[1] / "scans").glob("*.jpg"))


@pytest.mark.skipif(not REAL, reason="needs the real scans")
@pytest.mark.parametrize(
    ("name", "held"),
    [
        # left, top, right and bottom of the picture, in parts of the scan, read off by eye
        ("bw_sprockets_yellow_light.jpg", (0.188, 0.13, 0.876, 0.824)),
        ("c41_camera_scan.jpg", (0.079, 0.056, 0.938, 0.911)),
    ],
)
def test_real_scans_are_not_cut(name: str, held: tuple[float, ...]) -> None:
    path = next(path for path in REAL if path.name == name)
    codes = np.asarray(Image.open(path).convert("RGB"), np.float32) / np.float32(255)
    light = picture.coarser(np.asarray(linear(codes.astype(np.float64)), np.float32), 4)
    light = picture.coarser(light, picture.fitting(light))
    size = np.array([light.shape[1], light.shape[0]])
    wanted = np.array(held).reshape(2, 2) * size
    corners = wanted[[0, 1, 1, 0], 0], wanted[[0, 0, 1, 1], 1]
    parts = [
        within(np.stack(corners, axis=1), np.concatenate([one.corners.min(0), one.corners.max(0)]))
        for one in detect.find(light).pictures
    ]
    assert max(parts) >= 0.98 * float(np.prod(wanted[1] - wanted[0]))
