"""Gray frames (``--gray-frame``): which area is the card, its effect, and the messages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from divere_cli.roll import gray_frames, pool
from divere_cli.roll.auto import Auto
from divere_cli.roll.folder import Folder
from divere_cli.roll.measurement import FrameLooks, PlainArea
from divere_cli.samples import negative, plan
from divere_cli.samples.plan import Wish
from tests.cli.program import divere
from tests.roll import rolls
from tests.roll.looks import DENSITY, frame, look
from tests.roll.rolls import Roll
from tests.roll.test_auto import scan
from tests.roll.test_decide import BARE, EVEN, GRAY, items, picture

CARD = "card.tif"


def area(u: float, v: float, share: float = 0.1, level: float = 1.2) -> PlainArea:
    return PlainArea((level, level, level), (1.3 + u, 1.3, 1.3 + v), share)


def gray_frame(*areas: PlainArea) -> FrameLooks:
    return replace(picture(), areas=areas)


def chosen(*areas: PlainArea, expected: tuple[float, float] | None = None) -> tuple[float, float]:
    found = gray_frames.gray([(CARD, gray_frame(*areas))], expected, None)
    assert found is not None
    return found.u, found.v


def test_the_largest_area_is_the_card_where_nothing_else_is_known() -> None:
    assert chosen(area(0.1, 0.0, 0.05), area(0.4, 0.3, 0.2)) == pytest.approx((0.4, 0.3))


def test_of_several_areas_the_card_is_the_one_near_what_is_expected() -> None:
    wall = area(0.5, 0.3, 0.3)
    card = area(0.1, -0.2, 0.02)
    assert chosen(wall, card, expected=(0.12, -0.18)) == pytest.approx((0.1, -0.2))


def test_bare_film_is_no_card() -> None:
    (looks,) = (picture(),)
    base = pool.base_of(None, [replace(looks.looks[1], base=looks.looks[1].base)])
    assert base is not None
    thin = replace(area(0.1, -0.2), density=DENSITY)
    assert gray_frames.gray([(CARD, gray_frame(thin))], None, base) is None


def decided(*cards: FrameLooks, **more: object) -> tuple[object, Auto]:
    scans = [scan(f"{n}.tif", one) for n, one in enumerate(EVEN)]
    scans += [scan(f"card{n}.tif", one) for n, one in enumerate(cards)]
    asked = Auto("roll", gray_frames=("card*",), **more)  # type: ignore[arg-type]
    return asked.decide(tuple(scans)), asked


def test_the_card_sets_the_gray_of_its_roll_but_not_the_exposure() -> None:
    plain = Auto("roll").decide(tuple(scan(f"{n}.tif", one) for n, one in enumerate(EVEN)))
    found, _ = decided(gray_frame(area(0.05, -0.1)))
    (record,) = found.rolls  # type: ignore[attr-defined]
    red, green, blue = record.rgb_gains
    assert (red - green, blue - green) == pytest.approx((0.05, -0.1))
    assert record.gray_frames == ("card0.tif",)
    assert record.confidence == "high"
    assert "gray frame 'card0.tif'" in record.reasons[0]
    shift = sum(plain.rolls[0].rgb_gains) - sum(record.rgb_gains)
    assert shift == pytest.approx(0.0, abs=2e-3)


def test_gray_frames_that_disagree_are_named_and_the_roll_is_low() -> None:
    found, _ = decided(gray_frame(area(0.05, -0.1)), gray_frame(area(0.2, -0.3)))
    (record,) = found.rolls  # type: ignore[attr-defined]
    assert record.confidence == "low"
    assert "'card0.tif', 'card1.tif' disagree by 0.250" in record.reasons[0]


def test_a_card_far_from_bare_film_is_used_and_reported() -> None:
    found, _ = decided(gray_frame(area(GRAY[0] + 0.4, GRAY[1])))
    (record,) = found.rolls  # type: ignore[attr-defined]
    assert record.confidence == "medium"
    assert "0.40 away from the gray of bare film" in record.reasons[1]


def test_a_gray_frame_without_a_plain_area_is_not_used() -> None:
    found, _ = decided(gray_frame())
    (record,) = found.rolls  # type: ignore[attr-defined]
    assert record.gray_frames == ()
    assert "no plain area was found" in found.scans["card0.tif"].warnings[0]  # type: ignore[attr-defined]


def test_a_card_that_fills_its_frame_is_no_film_base() -> None:
    full = replace(
        gray_frame(area(0.05, -0.1, 1.0)),
        plain=(replace(BARE, density=(1.0, 1.4, 1.6), blank=True),),
    )
    found, _ = decided(full)
    (record,) = found.rolls  # type: ignore[attr-defined]
    assert record.film_base == BARE.density


def test_a_glob_that_matches_nothing_gives_a_warning() -> None:
    scans = tuple(scan(f"{n}.tif", one) for n, one in enumerate(EVEN))
    found = Auto("roll", gray_frames=("gray*",)).decide(scans)
    assert "--gray-frame 'gray*' matches no scan" in found.warnings[0]


def test_only_gray_frames_are_searched_for_plain_areas() -> None:
    asked = Auto("roll", gray_frames=("card*", "day 1/9.tif"))
    assert asked.parameters("day 2/card.tif")
    assert asked.parameters("day 1/9.tif")
    assert not asked.parameters("9.tif")
    assert items(*EVEN)[0].gray is False


@pytest.fixture
def carded(roll: Roll, tmp_path: Path) -> Path:
    """Three frames without their truth, and a frame of a gray card under warm light."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("frame-02.tif", "frame-03.tif", "frame-04.tif"):
        (folder / name).hardlink_to(roll.path(name))
    made = plan.samples(Wish(count=9, megapixels=0.3, seed=1, roll=True, border="holder"))
    backwards = negative.invert(made.recipe)
    before = backwards.before_curves(np.array([0.18])) + np.array([0.06, 0.0, -0.08])
    color = np.round(backwards.scan(backwards.film(before[None, :]))[0] * 65535)
    codes = rolls.pixels(roll.path("frame-02.tif"))
    height, width, _ = codes.shape
    codes[height // 3 : height // 3 * 2, width // 3 : width // 3 * 2] = color.astype(np.uint16)
    rolls.store(folder / CARD, codes, made.recipe)
    return folder


def test_a_batch_grades_by_its_gray_frame(carded: Path, roll: Roll, tmp_path: Path) -> None:
    truth = roll.truth["rgb_gains"]
    done = divere("batch", carded, tmp_path / "out", "--auto", "roll", "--gray-frame", "card*")
    assert done.returncode == 0, done.stderr
    assert "gray frame" in done.stderr + done.stdout
    (record,) = json.loads((tmp_path / "out" / "divere-report.json").read_text())["rolls"]
    red, green, blue = record["rgb_gains"]
    assert red - green == pytest.approx(truth[0] - truth[1] + 0.06, abs=0.015)
    assert blue - green == pytest.approx(truth[2] - truth[1] - 0.08, abs=0.015)
    assert record["gray_frames"] == [CARD]


@pytest.mark.parametrize("words", [["--auto", "off"], ["--from", "x.json"]])
def test_a_gray_frame_without_measuring_is_a_usage_error(
    words: list[str], carded: Path, tmp_path: Path
) -> None:
    Path(tmp_path / "x.json").write_text("{}")
    asked = [str(tmp_path / word) if word == "x.json" else word for word in words]
    done = divere("batch", carded, tmp_path / "out", "--gray-frame", "card*", *asked)
    assert done.returncode == 2
    assert "--gray-frame" in done.stderr


@pytest.mark.parametrize("blank_first", [True, False])
def test_a_blank_color_of_a_card_is_removed_with_its_measurement(blank_first: bool) -> None:
    colored = look((-0.4, 0.1, 1000), middle=(-0.4, 0.1))
    silver = replace(colored, gray_scatter=0.008)
    card = frame(colored, thin=(0.62, 0.63, 0.65))
    blank = replace(BARE, density=(1.0, 1.4, 1.6), blank=True)
    colors, looks = (blank, BARE), (colored, silver)
    if not blank_first:
        colors, looks = colors[::-1], looks[::-1]
    card = replace(card, plain=colors, looks=(colored, *looks))
    items_ = [*items(*EVEN), replace(items(card)[0], input=CARD, gray=True)]
    parts = [roll.film_kind for roll, _ in Folder("roll 7", items_).rolls("roll", None, {})]
    assert parts == ["film", "black-and-white"]
