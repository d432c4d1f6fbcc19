"""The policy: what is a picture, who may leave the roll and how far, how sure we are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from divere_cli.profile import library, resolve
from divere_cli.records.roll import RollFrame, RollRecord
from divere_cli.roll import decide
from divere_cli.roll import reasons as words
from divere_cli.roll.decide import Item
from divere_cli.roll.measurement import ChromaMap, FrameMeasurement
from tests.roll import rolls
from tests.roll.test_pool import BASE, frame

RECIPE = resolve.recipe(library.load("c41-endura-premier"))
GRAY = (0.1, -0.2)


def picture(**changes: object) -> FrameMeasurement:
    return replace(frame((*GRAY, 1000), middle=GRAY), **changes)  # type: ignore[arg-type]


def items(*measurements: FrameMeasurement | None) -> list[Item]:
    return [
        Item(f"{index}.tif", rolls.frame(RECIPE), measurement)
        for index, measurement in enumerate(measurements)
    ]


def decided(*measurements: FrameMeasurement | None, mode: decide.Mode = "roll") -> RollRecord:
    return decide.roll("roll", items(*measurements), mode)


def last(*measurements: FrameMeasurement | None, mode: decide.Mode = "roll") -> RollFrame:
    return decided(*measurements, mode=mode).frames[-1]


# Pictures of more than one subject: their middles lie around the gray that all have.
EVEN = tuple(
    picture(chroma=(GRAY[0] + u, GRAY[1] + v))
    for u, v in ((0.0, 0.0), (0.05, 0.0), (-0.05, 0.0), (0.0, 0.05), (0.0, -0.05))
)
BLANK = picture(base=replace(BASE, source="unexposed"), plateau=1.0)
LEADER = picture(plateau=0.95)
SLIVER = picture(picture_cells=100)
RED = replace(frame((-0.4, 0.1, 1000), middle=(-0.4, 0.1)), key=1.3)


def test_gains_null_the_gray_and_put_the_roll_at_the_target() -> None:
    red, green, blue = decided(*EVEN).rgb_gains
    assert (red - green, blue - green) == pytest.approx(GRAY, abs=0.002)
    brightness = EVEN[0].key - (red + green + blue) / 3
    assert brightness == pytest.approx(EVEN[0].target, abs=2e-4)


@pytest.mark.parametrize("odd", [BLANK, LEADER, SLIVER, None])
def test_what_is_no_picture_has_roll_values_and_no_say(odd: FrameMeasurement | None) -> None:
    found = decided(*EVEN, odd)
    assert found.rgb_gains == decided(*EVEN).rgb_gains
    assert found.frames[-1].kind == "no_picture"
    assert found.frames[-1].rgb_gains == found.rgb_gains
    assert found.frames[-1].reason.startswith("no picture")


def test_a_strongly_colored_frame_is_named_and_has_roll_values() -> None:
    found = last(*EVEN, RED)
    assert found.kind == "outlier"
    assert found.rgb_gains == decided(*EVEN).rgb_gains
    assert "colors" in found.reason


@pytest.mark.parametrize("darker", [0.05, -0.1, 0.25])
def test_a_frame_is_brought_to_its_roll_within_a_bound(darker: float) -> None:
    found = last(*EVEN, *EVEN, picture(key=1.3 + darker))
    pulled = max(-decide.BOUND, min(decide.BOUND, decide.PULL * darker))
    assert found.kind == "picture"
    assert found.exposure == pytest.approx(pulled, abs=0.002)
    assert found.measured_exposure == pytest.approx(darker, abs=0.01)
    roll = decided(*EVEN).rgb_gains
    shift = [own - common for own, common in zip(found.rgb_gains, roll, strict=True)]
    assert shift == pytest.approx([pulled] * 3, abs=0.003)


def test_far_too_dark_is_named_and_left() -> None:
    found = last(*EVEN, *EVEN, picture(key=1.3 + 0.5))
    assert found.kind == "outlier"
    assert "0.50 darker" in found.reason
    assert found.exposure == 0.0


def test_no_exposure_leaves_the_bound() -> None:
    for darker in (-0.29, 0.29):
        found = last(*EVEN, *EVEN, picture(key=1.3 + darker))
        assert abs(found.exposure) <= decide.BOUND


def test_alone_each_frame_is_put_at_the_target() -> None:
    for darker in (-0.6, 0.0, 0.4):
        found = last(*EVEN, picture(key=1.3 + darker), mode="frame")
        assert 1.3 + darker - sum(found.rgb_gains) / 3 == pytest.approx(1.6, abs=2e-4)


def test_alone_a_strongly_colored_frame_has_the_gray_of_its_roll() -> None:
    found = last(*EVEN, RED, mode="frame")
    red, green, blue = found.rgb_gains
    assert found.kind == "outlier"
    assert (red - green, blue - green) == pytest.approx(GRAY, abs=0.002)


def test_a_frame_that_was_not_measured_has_roll_values_and_low_confidence() -> None:
    made = [*items(*EVEN), Item("bad.tif", rolls.frame(RECIPE), None, measured=False)]
    found = decide.roll("roll", made, "roll").frames[-1]
    assert (found.kind, found.confidence) == ("unmeasured", "low")


def test_without_any_picture_the_profile_is_kept() -> None:
    kept = replace(RECIPE, rgb_gains=(0.1, 0.2, 0.3))
    found = decide.roll("roll", [Item("a.tif", rolls.frame(kept), BLANK)], "roll")
    assert found.rgb_gains == (0.1, 0.2, 0.3)
    assert found.frames[0].rgb_gains == (0.1, 0.2, 0.3)
    assert found.confidence == "low"


def test_without_mid_tones_the_film_base_is_taken_for_gray() -> None:
    empty = ChromaMap(0, ())
    found = decided(picture(presence=empty, counts=empty))
    red, green, blue = found.rgb_gains
    assert (red - green, blue - green) == pytest.approx((0.4, -0.2), abs=2e-4)
    assert found.confidence == "low"


def test_confidence_falls_when_another_color_is_as_good() -> None:
    both = frame((0.1, -0.2, 1000), (0.1, -0.3, 995), middle=(0.1, -0.25))
    assert decided(*EVEN).confidence == "high"
    assert decided(*[both] * 5).confidence == "low"


def test_gray_that_one_subject_could_be_is_not_sure_unless_bare_film_speaks_for_it() -> None:
    alike = [picture() for _ in range(5)]
    found = decided(*alike)
    assert found.confidence == "medium"
    assert words.ONE_SUBJECT in found.reasons
    assert decided(*EVEN).confidence == "high"
    assert words.ONE_SUBJECT not in decided(*EVEN).reasons
    gray = replace(BASE, printed=(1.3 + GRAY[0], 1.3, 1.3 + GRAY[1]))
    assert decided(*(replace(m, base=gray) for m in alike)).confidence == "high"
    thin = replace(gray, source="thin end")
    assert decided(*(replace(m, base=thin) for m in alike)).confidence == "medium"


def test_alone_no_frame_is_surer_than_a_roll_of_one_subject() -> None:
    assert last(*(picture() for _ in range(5)), mode="frame").confidence == "medium"
    assert last(*EVEN, mode="frame").confidence == "high"


def test_a_frame_of_nothing_but_light_is_called_that() -> None:
    light = replace(BASE, source="unexposed", density=(0.03, 0.03, 0.03))
    assert "nothing but light" in last(*EVEN, picture(base=light, plateau=1.0)).reason


def test_confidence_falls_when_few_pictures_have_the_gray() -> None:
    colors = [frame((0.1 + i / 20, -0.2, 900), middle=(0.1 + i / 20, -0.2)) for i in range(6)]
    assert decided(*colors).confidence != "high"


def test_the_film_base_of_a_given_region_comes_before_what_was_seen() -> None:
    given = replace(BASE, source="given region", density=(0.3, 0.7, 1.0))
    frames = items(picture(), BLANK, picture(given=given))
    found = decide.roll("roll", frames, "roll")
    assert (found.film_base, found.film_base_source) == ((0.3, 0.7, 1.0), "the given region")
    assert "film base 0.300 0.700 1.000 from the given region on 1 frame" in found.reasons


def test_a_blank_is_one_wherever_its_film_base_was_looked_for() -> None:
    given = replace(BASE, source="given region")
    reasons = [last(*EVEN, blank).reason for blank in (BLANK, replace(BLANK, given=given))]
    assert reasons[0] == reasons[1]


def test_the_film_base_of_the_profile_comes_first_and_is_not_seen_on_frames() -> None:
    known = replace(BASE, source="profile", density=(0.3, 0.7, 1.0))
    found = decided(*(picture(given=known) for _ in range(3)), BLANK)
    assert (found.film_base, found.film_base_source) == ((0.3, 0.7, 1.0), "the profile")
    assert "film base 0.300 0.700 1.000 from the profile" in found.reasons


def test_presets_of_one_roll_that_know_other_film_bases_are_told_of() -> None:
    one, two = (replace(BASE, source="profile", density=(red, 0.7, 1.0)) for red in (0.3, 0.36))
    found = decided(picture(given=one), picture(given=two))
    assert any("disagree" in reason for reason in found.reasons)


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
    made = [Item(f"{n}.tif", rolls.frame(silver), m) for n, m in enumerate((*EVEN, RED))]
    found = decide.roll("roll", made, mode)
    assert len(set(found.rgb_gains)) == 1
    assert [frame.kind for frame in found.frames] == ["picture"] * 6
    assert found.confidence == "high"
    assert "black-and-white" in found.reasons[0]
