"""Decisions: which frames are pictures, what decides gray and exposure, the confidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from divere_cli.profile import library, resolve
from divere_cli.records.roll import RollFrame, RollRecord
from divere_cli.roll import decide, exposure, films, pool
from divere_cli.roll.baseline import Item, Roll
from divere_cli.roll.measurement import ChromaMap, FilmBase, FrameLooks
from tests.roll import rolls
from tests.roll.looks import DENSITY, REBATE, SPREAD, frame, look, lumas

RECIPE = resolve.recipe(library.load("c41-endura-premier"))
GRAY = (0.1, -0.2)
# Bare film whose gray card lies where the pictures' gray is.
BARE = replace(REBATE, printed=(2.317, 2.2, 2.028))
# Deep shadows that say the same.
DARK = FilmBase((0.4, 0.78, 1.04), (2.092, 2.0, 1.83), "thin end", 9, 0.0)


def picture(key: float = 1.3, *, bare: bool = True, **changes: object) -> FrameLooks:
    one = replace(look((*GRAY, 1000), middle=GRAY), lumas=lumas(key), base=DARK)
    one = replace(one, **changes)  # type: ignore[arg-type]
    return frame(one, *([BARE] if bare else []))


def spread(count: int, *, bare: bool = True) -> tuple[FrameLooks, ...]:
    """Pictures of more than one subject: their middles lie to yellow of the gray that all have."""
    places = ((0.0, 0.0), (0.12, 0.0), (-0.12, 0.0), (0.0, 0.12), (0.0, -0.12), (0.1, 0.1))
    return tuple(
        picture(bare=bare, chroma=(GRAY[0] + u, GRAY[1] + v + pool.LEAN * SPREAD))
        for u, v in (places[n % 6] for n in range(count))
    )


EVEN = spread(5)
BLANK = frame(look((*GRAY, 10), middle=GRAY), replace(BARE, blank=True))
LEADER = picture(plateau=0.95)
SLIVER = picture(picture_cells=100)
RED = frame(look((-0.4, 0.1, 1000), middle=(-0.4, 0.1)), BARE)


def items(*frames: FrameLooks | None) -> tuple[Item, ...]:
    return tuple(
        Item(f"{index}.tif", rolls.frame(RECIPE), told) for index, told in enumerate(frames)
    )


def decided(*frames: FrameLooks | None, mode: decide.Mode = "roll", **more: object) -> RollRecord:
    found = films.part(frames)[0]
    assert found.film_kind == "film"
    asked = Roll("roll", items(*frames), mode, "film", found.base)
    return decide.roll(replace(asked, **more))  # type: ignore[arg-type]


def test_a_roll_that_spans_too_much_is_low_and_says_which_profile_to_use() -> None:
    slides = [
        replace(picture(bare=False), thin=(0.2, 0.25, 0.3), dense=(end, end, end))
        for end in (2.2, 2.4, 2.5, 2.6)
    ]
    found = decided(*slides)
    assert found.confidence == "low"
    assert "'-p reversal-neutral'" in found.reasons[0]


def last(*frames: FrameLooks | None, mode: decide.Mode = "roll", **more: object) -> RollFrame:
    return decided(*frames, mode=mode, **more).frames[-1]


def test_gains_null_the_gray_and_put_a_card_at_the_target() -> None:
    for frames in (EVEN, spread(5, bare=False)):
        found = decided(*frames)
        red, green, blue = found.rgb_gains
        assert (red - green, blue - green) == pytest.approx(GRAY, abs=0.003)
        base = pool.base_of(films.part(frames)[0].base, [])
        card = exposure.card([1.3] * 5, base, 1.0, variety=0.12)
        assert card - (red + green + blue) / 3 == pytest.approx(1.6, abs=2e-4)


@pytest.mark.parametrize("odd", [BLANK, LEADER, SLIVER, None])
def test_frames_without_a_picture_get_roll_values_and_do_not_count(odd: FrameLooks | None) -> None:
    found = decided(*EVEN, odd)
    assert found.rgb_gains == decided(*EVEN).rgb_gains
    assert found.frames[-1].kind == "no_picture"
    assert found.frames[-1].rgb_gains == found.rgb_gains
    assert found.frames[-1].reason.startswith("no picture")


def test_a_strongly_colored_frame_is_named_and_has_the_gray_of_its_roll() -> None:
    found = last(*EVEN, RED)
    assert found.kind == "outlier"
    assert "colors" in found.reason
    red, green, blue = found.rgb_gains
    roll = decided(*EVEN, RED).rgb_gains
    assert (red - green, blue - green) == pytest.approx(
        (roll[0] - roll[1], roll[2] - roll[1]), abs=2e-4
    )


@pytest.mark.parametrize("darker", [0.05, -0.1, 0.25, -0.6])
def test_a_frame_is_moved_to_its_roll_by_the_share_without_a_jump(darker: float) -> None:
    found = last(*EVEN, *EVEN, picture(1.3 + darker), pull=0.4)
    assert found.exposure == pytest.approx(0.4 * darker, abs=0.002)
    assert found.measured_exposure == pytest.approx(darker, abs=0.01)
    roll = decided(*EVEN, *EVEN, picture(1.3 + darker), pull=0.4).rgb_gains
    shift = [own - common for own, common in zip(found.rgb_gains, roll, strict=True)]
    assert shift == pytest.approx([found.exposure] * 3, abs=3e-4)


def test_the_pull_of_the_command_is_used_as_given() -> None:
    odd = picture(1.5)
    assert last(*EVEN, odd, pull=0.0).exposure == 0.0
    assert last(*EVEN, odd, pull=1.0).exposure == pytest.approx(0.2, abs=0.002)


def test_alone_each_frame_is_put_at_the_target() -> None:
    for darker in (-0.6, 0.0, 0.3):
        found = last(*EVEN, picture(1.3 + darker), mode="frame")
        card = 1.3 + darker - exposure.CARD_UNDER_PICTURES
        assert card - sum(found.rgb_gains) / 3 == pytest.approx(1.6, abs=2e-4)


def test_alone_a_strongly_colored_frame_has_the_gray_of_its_roll() -> None:
    found = last(*EVEN, RED, mode="frame")
    red, green, blue = found.rgb_gains
    assert found.kind == "outlier"
    assert (red - green, blue - green) == pytest.approx(GRAY, abs=0.005)


def test_a_frame_that_was_not_measured_has_roll_values_and_low_confidence() -> None:
    made = (*items(*EVEN), Item("bad.tif", rolls.frame(RECIPE), None, measured=False))
    found = decide.roll(Roll("roll", made, "roll")).frames[-1]
    assert (found.kind, found.confidence) == ("unmeasured", "low")


def test_without_any_picture_the_profile_is_kept() -> None:
    kept = replace(RECIPE, rgb_gains=(0.1, 0.2, 0.3))
    found = decide.roll(Roll("roll", (Item("a.tif", rolls.frame(kept), BLANK),), "roll"))
    assert found.rgb_gains == (0.1, 0.2, 0.3)
    assert found.frames[0].rgb_gains == (0.1, 0.2, 0.3)
    assert found.confidence == "low"


def test_without_mid_tones_no_gray_is_looked_for() -> None:
    empty = ChromaMap(0, ())
    found = decided(picture(presence=empty, counts=empty, bare=False))
    assert len(set(found.rgb_gains)) == 1
    assert found.confidence == "low"


def test_confidence_is_high_where_bare_film_and_pictures_agree() -> None:
    assert decided(*EVEN).confidence == "high"
    assert decided(*EVEN[:3]).confidence == "medium"


def test_confidence_is_not_high_where_bare_film_disagrees() -> None:
    off = replace(BARE, printed=(2.40, 2.2, 2.028))
    away = [frame(one.looks[0], off) for one in EVEN]
    assert decided(*away).confidence == "medium"


def test_one_subject_is_never_certain_and_gets_gray_from_bare_film() -> None:
    meadow = [frame(look((-0.05, 0.0, 1000), middle=(-0.05, 0.0)), BARE)] * 5
    found = decided(*meadow)
    red, green, blue = found.rgb_gains
    assert found.confidence != "high"
    assert (red - green, blue - green) == pytest.approx(GRAY, abs=0.02)
    assert "bare film" in found.reasons[0]
    hidden = decided(*[frame(one.looks[0]) for one in meadow])
    assert hidden.confidence == "low"
    assert "no bare film" in hidden.reasons[0]


def test_a_light_subject_has_low_confidence() -> None:
    snow = [frame(replace(look((*GRAY, 1000), middle=GRAY), lumas=lumas(0.8)), BARE)] * 5
    assert decided(*snow).confidence == "low"


def test_without_bare_film_many_varied_pictures_and_their_shadows_are_medium() -> None:
    thin = FilmBase((0.4, 0.78, 1.04), (2.117, 2.0, 1.828), "thin end", 9, 0.0)
    many = [frame(replace(one.looks[0], base=thin)) for one in spread(12, bare=False)]
    assert decided(*many).confidence == "medium"
    assert decided(*many[:6]).confidence == "low"
    tinted = replace(thin, printed=(2.2, 2.0, 1.828))
    other = [frame(replace(one.looks[0], base=tinted)) for one in many]
    assert decided(*other).confidence == "low"


def test_a_meadow_without_bare_film_is_green_if_its_shadows_are_deep_and_alike() -> None:
    green = (0.1, 0.0)
    meadow = replace(look((*green, 1000), (*GRAY, 150), middle=green), base=DARK)
    found = decided(*[frame(meadow)] * 12)
    red, green_gain, blue = found.rgb_gains
    assert (red - green_gain, blue - green_gain) == pytest.approx(GRAY, abs=0.02)
    assert found.confidence == "low"
    assert any("deepest shadows" in reason for reason in found.reasons)
    colors = [replace(DARK, printed=(2.092 + 0.1 * (n % 4), 2.0, 1.83)) for n in range(12)]
    other = decided(*(frame(replace(meadow, base=color)) for color in colors))
    red, green_gain, blue = other.rgb_gains
    assert (red - green_gain, blue - green_gain) == pytest.approx(green, abs=0.02)
    assert not any("deepest shadows" in reason for reason in other.reasons)


def test_a_single_frame_without_bare_film_is_low() -> None:
    assert decided(picture(bare=False)).confidence == "low"


def test_a_frame_of_nothing_but_light_is_called_that() -> None:
    light = replace(BARE, density=(0.03, 0.03, 0.03), blank=True)
    assert "nothing but light" in last(*EVEN, frame(look((*GRAY, 9), middle=GRAY), light)).reason


def test_a_leader_is_called_that() -> None:
    dense = replace(BARE, density=(1.9, 2.3, 2.6), blank=True)
    assert "leader" in last(*EVEN, frame(look((*GRAY, 9), middle=GRAY), dense)).reason


@pytest.mark.parametrize(
    ("source", "said"), [("profile", "the profile"), ("given region", "the given region on 3")]
)
def test_a_known_film_base_has_priority_over_a_visible_one(source: str, said: str) -> None:
    base = FilmBase((0.3, 0.7, 1.0), (2.2, 2.0, 1.8), source, 9, 0.0)  # type: ignore[arg-type]
    known = picture()
    known = replace(known, given=replace(known.looks[0], base=base))
    found = decided(known, known, known, BLANK)
    assert (found.film_base, found.film_base_source) == ((0.3, 0.7, 1.0), said.partition(" on")[0])
    assert any(f"film base 0.300 0.700 1.000 from {said}" in reason for reason in found.reasons)


def test_without_visible_bare_film_no_film_base_is_reported() -> None:
    found = decided(*spread(5, bare=False))
    assert (found.film_base, found.film_base_source) == (None, "")
    assert "no film base was seen" in found.reasons
    assert decided(*EVEN).film_base == DENSITY


def test_every_number_comes_with_a_reason() -> None:
    found = decided(*EVEN, BLANK, RED)
    text = "; ".join(found.reasons)
    assert "gray from" in text
    assert "exposure" in text
    assert "film base" in text
    assert all(one.reason for one in found.frames)
    assert found.pixels > 0
    assert found.spread is not None


@pytest.mark.parametrize("mode", ["roll", "frame"])
def test_black_and_white_film_gets_exposure_only(mode: decide.Mode) -> None:
    silver = resolve.recipe(library.load("bw-ilford-mgfb-2"))
    made = tuple(Item(f"{n}.tif", rolls.frame(silver), told) for n, told in enumerate((*EVEN, RED)))
    found = decide.roll(Roll("roll", made, mode))
    assert len(set(found.rgb_gains)) == 1
    assert [frame.kind for frame in found.frames] == ["picture"] * 6
    assert found.confidence == "medium"
    assert "black-and-white" in found.reasons[0]


def test_slides_are_named_with_a_suitable_profile() -> None:
    found = decide.roll(Roll("roll", items(*EVEN), "roll", "positive"))
    assert {one.kind for one in found.frames} == {"positive"}
    assert found.confidence == "low"
    assert "reversal-neutral" in found.frames[0].reason


def test_black_and_white_film_is_named_with_a_suitable_profile() -> None:
    found = decide.roll(Roll("roll", items(*EVEN), "roll", "black-and-white"))
    assert found.confidence != "high"
    assert any("bw-ilford-mgfb-2" in reason for reason in found.reasons)
