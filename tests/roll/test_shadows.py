"""Gray from the deepest shadows where no bare film shows: when it counts, and what it changes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from divere_cli.roll import shadows
from divere_cli.roll.measurement import FilmBase, FrameMeasurement
from tests.roll.looks import look, lumas

GREEN, GRAY = (0.1, -0.2), (0.14, -0.36)
DEPTH = 0.7


def picture(
    index: int, u: float = GRAY[0], v: float = GRAY[1], depth: float = DEPTH
) -> FrameMeasurement:
    """A picture of green; its deepest shadows say that a gray card has the chroma (u, v)."""
    green = 1.3 + depth
    printed = (green + u - shadows.CARD[0], green, green + v - shadows.CARD[1])
    level = sum(printed) / 3.0
    thin = FilmBase((0.4 + index / 1000, 0.78, 1.04), printed, "thin end", 9, 0.0)
    return replace(
        look((*GREEN, 1000), (*GRAY, 20), middle=GREEN), base=thin, lumas=lumas(level - depth)
    )


def test_shadows_of_one_color_show_gray_in_any_order() -> None:
    pictures = [picture(index) for index in range(12)]
    random.Random(1).shuffle(pictures)
    assert shadows.gray(pictures) == pytest.approx(GRAY)
    assert shadows.depth(pictures) == pytest.approx(DEPTH)


def test_half_of_the_frames_need_deep_shadows_of_one_color() -> None:
    some = [picture(index) for index in range(6)]
    colored = [picture(50 + index, u=0.4, v=0.2) for index in range(6)]
    assert shadows.gray([*some, *colored]) == pytest.approx(GRAY)
    mixed = [picture(index, u=0.06 * (index % 4)) for index in range(12)]
    assert shadows.gray(mixed) is None


@pytest.mark.parametrize(
    ("frames", "depth", "counts"),
    [(12, 0.3, False), (12, 0.4, True), (1, 0.5, False), (1, 0.65, True), (3, 0.5, False)],
)
def test_shadows_have_to_be_deep_and_deeper_where_few_frames_agree(
    frames: int, depth: float, counts: bool
) -> None:
    pictures = [picture(index, depth=depth) for index in range(frames)]
    assert (shadows.gray(pictures) is not None) == counts
