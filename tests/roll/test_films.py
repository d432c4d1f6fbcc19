"""Other films in a folder are separated from the roll before anything is pooled."""

from __future__ import annotations

from dataclasses import replace

from divere_cli.roll import films
from divere_cli.roll.measurement import FrameLooks, PlainColor
from tests.roll.looks import DENSITY, REBATE, frame, look

PICTURE = look((0.1, -0.2, 1000), middle=(0.1, -0.2))
SHOWS = frame(PICTURE, REBATE)
NOTHING = frame(PICTURE)
SLIDE = frame(look((-0.3, 0.0, 1000), middle=(-0.3, 0.0)), thin=(0.2, 0.25, 0.3))
SILVER = frame(
    replace(look((-0.3, 0.0, 1000), middle=(-0.3, 0.0)), gray_scatter=0.008),
    thin=(0.62, 0.63, 0.65),
)
OTHER = PlainColor((0.29, 0.66, 0.95), (2.1, 1.7, 1.5), (1,), 4)
SECOND = frame(PICTURE, OTHER, thin=(0.45, 0.9, 1.2))


def parted(*frames: FrameLooks | None) -> list[tuple[str, tuple[int, ...]]]:
    return [(part.film_kind, part.frames) for part in films.part(frames)]


def test_a_roll_is_one() -> None:
    assert parted(SHOWS, NOTHING, SHOWS, NOTHING) == [("film", (0, 1, 2, 3))]
    assert films.part([SHOWS, NOTHING, SHOWS])[0].base is not None
    assert parted(None, None) == [("film", (0, 1))]


def test_slides_are_thinner_than_the_film_s_base() -> None:
    found = films.part([SHOWS, SLIDE, SHOWS, NOTHING, SHOWS])
    assert [(part.film_kind, part.frames) for part in found] == [
        ("film", (0, 2, 3, 4)),
        ("positive", (1,)),
    ]
    assert found[0].base is not None
    assert found[0].base.density == DENSITY
    assert found[1].base is None


def test_a_folder_of_slides_spans_more_than_a_negative_can() -> None:
    slides = [
        frame(PICTURE, thin=(0.2, 0.25, 0.3), dense=(end, end, end)) for end in (1.4, 2.2, 2.5, 2.6)
    ]
    assert films.span(slides) > films.WIDE
    assert films.span([SHOWS, NOTHING, SHOWS]) < films.WIDE
    assert films.span([]) == 0.0


def test_black_and_white_film_has_no_color_and_no_mask() -> None:
    assert parted(SHOWS, SHOWS, SILVER, NOTHING) == [
        ("film", (0, 1, 3)),
        ("black-and-white", (2,)),
    ]
    assert parted(SILVER, SILVER) == [("black-and-white", (0, 1))]


def test_a_gray_day_on_color_film_has_the_mask() -> None:
    fog = frame(replace(PICTURE, gray_scatter=0.008))
    assert parted(SHOWS, SHOWS, fog, NOTHING) == [("film", (0, 1, 2, 3))]


def test_two_stocks_are_two_rolls() -> None:
    found = films.part([SHOWS, NOTHING, SHOWS, SECOND, SECOND])
    assert sorted(part.frames for part in found) == [(0, 1, 2), (3, 4)]
    assert {part.base.density for part in found if part.base} == {DENSITY, OTHER.density}


def test_two_stocks_whose_bases_lie_near_are_two_rolls() -> None:
    red, green, blue = DENSITY
    near = frame(PICTURE, replace(OTHER, density=(red - 0.018, green - 0.01, blue + 0.049)))
    assert sorted(parted(SHOWS, SHOWS, SHOWS, near, near)) == [
        ("film", (0, 1, 2)),
        ("film", (3, 4)),
    ]
    assert sorted(parted(SHOWS, near, SHOWS, near)) == [("film", (0, 2)), ("film", (1, 3))]


def test_a_dark_strip_on_many_frames_is_no_other_stock() -> None:
    gray = replace(OTHER, density=(0.34, 0.7, 0.95))
    dark = frame(PICTURE, gray)
    assert parted(SHOWS, SHOWS, SHOWS, dark, dark) == [("film", (0, 1, 2, 3, 4))]


def test_stocks_that_alternate_are_two_rolls() -> None:
    found = parted(SHOWS, SECOND, SHOWS, SECOND, SHOWS, SECOND)
    assert sorted(frames for _, frames in found) == [(0, 2, 4), (1, 3, 5)]


def test_a_second_stock_has_to_be_seen_on_two_frames() -> None:
    assert len(parted(SHOWS, SECOND, SHOWS, NOTHING, SHOWS)) == 1


def test_an_uneven_strip_among_rebates_is_no_second_stock() -> None:
    walls = [
        frame(PICTURE, replace(OTHER, density=(0.29, 0.66 + more, 0.95)), thin=(0.45, 0.9, 1.2))
        for more in (0.0, 0.034)
    ]
    assert len(parted(SHOWS, walls[0], SHOWS, walls[1], SHOWS, NOTHING)) == 1


def test_known_stocks_are_never_one_roll() -> None:
    names = {0: "Portra 400", 2: "Gold 200", 4: "Portra 400"}
    found = films.part([SHOWS] * 5, names)
    assert [(part.stock, part.frames) for part in found] == [
        ("Portra 400", (0, 1, 4)),
        ("Gold 200", (2, 3)),
    ]
    assert films.part([SHOWS] * 5, {0: "Gold 200"}) == films.part([SHOWS] * 5)


def test_an_unmeasured_frame_goes_with_the_frame_before_it() -> None:
    found = parted(SHOWS, SHOWS, None, SLIDE, None, SHOWS, SHOWS, SHOWS)
    assert found == [("film", (0, 1, 2, 5, 6, 7)), ("positive", (3, 4))]
