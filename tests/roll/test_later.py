"""New frames in a folder with a decided roll: which join it, which are on another film."""

from __future__ import annotations

from dataclasses import replace

import pytest

from divere_cli.records.roll import Decisions
from divere_cli.roll.auto import Auto
from divere_cli.roll.measurement import FrameLooks
from tests.roll.looks import frame, look
from tests.roll.test_auto import scan
from tests.roll.test_decide import BARE, BLANK, EVEN, GRAY, picture, spread

FIRST = tuple(scan(f"a{n}.tif", one) for n, one in enumerate(EVEN))
SLIDE = frame(look((-0.4, 0.1, 1000), middle=(-0.4, 0.1)), thin=(0.12, 0.2, 0.25))
SILVER = frame(
    replace(look((-0.4, 0.1, 1000), middle=(-0.4, 0.1)), gray_scatter=0.008),
    thin=(0.62, 0.63, 0.65),
)
OTHER_BASE = replace(BARE, density=(0.29, 0.68, 0.98))
OTHER = frame(look((*GRAY, 1000), middle=GRAY), OTHER_BASE, thin=(0.5, 0.95, 1.25))


def later(*frames: FrameLooks, before: tuple[object, ...] = FIRST) -> tuple[Decisions, Decisions]:
    """Decide a roll, then the same with more frames; both decisions."""
    first = Auto("roll").decide(before)  # type: ignore[arg-type]
    frozen = {name: one.frozen for name, one in first.scans.items()}
    new = tuple(scan(f"b{n}.tif", one) for n, one in enumerate(frames))
    return first, Auto("roll").decide((*before, *new), frozen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "new", [SLIDE, SILVER, picture(), BLANK], ids=["slide", "bw", "own", "blank"]
)
def test_new_scans_never_change_finished_positives(new: FrameLooks) -> None:
    first, second = later(new)
    for name, decision in first.scans.items():
        assert second.scans[name].recipes == decision.recipes
        assert second.scans[name].frozen == decision.frozen


def test_a_frame_of_the_roll_joins_it_and_those_that_stay_are_named() -> None:
    first, second = later(picture(1.35))
    (record,) = second.rolls
    assert record.stay == tuple(one.name for one in FIRST)
    was = first.rolls[0].rgb_gains
    now = record.rgb_gains
    assert (now[0] - now[1], now[2] - now[1]) == (
        pytest.approx(was[0] - was[1], abs=2e-4),
        pytest.approx(was[2] - was[1], abs=2e-4),
    )


def test_a_slide_is_no_frame_of_the_roll() -> None:
    _, second = later(SLIDE)
    (record,) = second.rolls
    assert [one.kind for one in record.frames] == ["positive"]
    assert "reversal-neutral" in second.scans["b0.tif"].warnings[0]
    assert record.stay == ()


def test_black_and_white_is_no_frame_of_the_roll() -> None:
    _, second = later(SILVER, picture())
    assert {one.name for one in second.rolls} == {"roll 7", "roll 7 (black-and-white)"}


def test_another_stock_is_decided_by_itself_and_reported() -> None:
    _, second = later(OTHER, picture(), OTHER)
    parts = {record.stay == (): [one.input for one in record.frames] for record in second.rolls}
    assert parts == {True: ["b0.tif", "b2.tif"], False: ["b1.tif"]}
    (other,) = (record for record in second.rolls if not record.stay)
    assert any("another film than the roll" in reason for reason in other.reasons)


def test_a_second_film_that_was_decided_takes_its_own_new_frames() -> None:
    before = (*FIRST, scan("a8.tif", OTHER), scan("a9.tif", OTHER))
    first, second = later(OTHER, picture(), before=before)
    assert len(first.rolls) == len(second.rolls) == 2
    gains = {record.frames[0].input: record.rgb_gains for record in second.rolls}
    known = {record.frames[0].input: record.rgb_gains for record in first.rolls}
    assert gains["b0.tif"] == pytest.approx(known["a8.tif"], abs=2e-4)
    assert gains["b1.tif"] == pytest.approx(known["a0.tif"], abs=2e-4)


def test_black_and_white_that_was_decided_stays_decided() -> None:
    before = (*FIRST, scan("a9.tif", SILVER))
    first, second = later(SILVER, before=before)
    assert second.scans["a9.tif"].recipes == first.scans["a9.tif"].recipes
    assert second.scans["a9.tif"].notes != first.scans["a9.tif"].notes


def test_new_pictures_far_from_the_decision_are_reported() -> None:
    far = [
        replace(one, looks=tuple(replace(each, presence=moved.presence) for each in one.looks))
        for one in spread(5)
        for moved in (look((GRAY[0] + 0.12, GRAY[1], 1000), middle=GRAY),)
    ]
    _, second = later(*far)
    assert any("from the new pictures alone" in reason for reason in second.rolls[0].reasons)


@pytest.mark.parametrize(
    ("color", "joins"), [(GRAY, True), (GRAY[::-1], False)], ids=["gray subject", "black-and-white"]
)
def test_a_frame_without_color_is_compared_with_the_decided_gray(
    color: tuple[float, float], joins: bool
) -> None:
    one = replace(look((*color, 1000), middle=color), gray_scatter=0.008)
    _, second = later(frame(one, thin=(0.95, 1.0, 1.05)))
    (record,) = second.rolls
    assert record.stay == (tuple(each.name for each in FIRST) if joins else ())


def test_a_roll_of_black_and_white_that_was_decided_takes_new_frames_as_such() -> None:
    before = tuple(scan(f"a{n}.tif", SILVER) for n in range(4))
    first, second = later(SILVER, before=before)
    (record,) = second.rolls
    assert record.stay == tuple(one.name for one in before)
    assert record.rgb_gains == first.rolls[0].rgb_gains
    assert any(reason.startswith("black-and-white film") for reason in record.reasons)


def test_frames_of_one_stock_and_unnamed_ones_join_the_same_roll() -> None:
    first = Auto("roll").decide(FIRST)
    frozen = {name: one.frozen for name, one in first.scans.items()}
    new = tuple(scan(f"b{n}.tif", picture(1.0 + n / 10)) for n in range(4))
    stocks = {one.name: "A" for one in FIRST} | {"b0.tif": "A", "b2.tif": "A", "b3.tif": "B"}
    second = Auto("roll").decide((*FIRST, *new), frozen, stocks)
    parts = {record.name: [one.input for one in record.frames] for record in second.rolls}
    assert parts == {"roll 7 (A)": ["b0.tif", "b1.tif", "b2.tif"], "roll 7 (B)": ["b3.tif"]}


def test_a_roll_whose_scans_are_of_two_stocks_takes_frames_of_any() -> None:
    first = Auto("roll").decide(FIRST)
    frozen = {name: one.frozen for name, one in first.scans.items()}
    stocks = {FIRST[0].name: "A", FIRST[1].name: "B", "b0.tif": "C"}
    second = Auto("roll").decide((*FIRST, scan("b0.tif", picture())), frozen, stocks)
    (record,) = second.rolls
    assert record.stay == tuple(one.name for one in FIRST)
