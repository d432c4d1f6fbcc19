"""Reasons in words, for the report and for whoever refines the roll by hand.

Covers sentences only; what is decided is decided in :mod:`divere_cli.roll.decide`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from divere_cli.roll.measurement import FrameLooks
from divere_cli.roll.pool import PROFILE, Neutral, PooledBase

if TYPE_CHECKING:
    from divere_cli.records.roll import RollRecord
    from divere_cli.roll.baseline import Baseline, Roll

UNMEASURED = "could not be measured"
POSITIVE = (
    "a positive (slide) among negatives, thinner than their film base: as a negative it is no "
    "picture; grade it with '-p reversal-neutral'"
)
SILVER = (
    "black-and-white film: gray and exposure of its own; '-p bw-ilford-mgfb-2' prints it on "
    "black-and-white paper"
)
ONE_SUBJECT = "the pictures' colors lie too near together to tell gray from one subject"
DECIDED = "gray and exposure as an earlier run decided the roll"
FOGGED = 0.5  # density above film base of what is exposed all over
BRIGHTER = 0.15  # density; what is that much thinner than film base is no film


def roll(asked: Roll, common: Baseline | None, pictures: int) -> tuple[str, ...]:
    """Why a roll gets what it gets."""
    kept = asked.items[0].frame.recipe.rgb_gains
    silver = (SILVER,) if asked.what == "black-and-white" and not asked.monochrome else ()
    if common is None:
        return (f"no picture to measure: the profile's gains {triple(kept)} are kept",)
    gray = (DECIDED,) if asked.common is not None else _neutral(common, asked, pictures)
    base = () if asked.common is not None else _base(asked.base)
    return (*gray, *silver, *_exposure(common), *base)


def _neutral(common: Baseline, asked: Roll, pictures: int) -> tuple[str, ...]:
    counts = counted(pictures, "picture")
    if asked.what == "positive":
        return (f"{counts} of positive film among negatives: not measured with them",)
    if asked.monochrome:
        return (f"black-and-white film, {counts}: no gray is looked for",)
    found = common.neutral
    if common.rendered and found is not None:
        return (
            f"a camera's own pictures (8 bits), {counts}: bare film says nothing of their gray",
        )
    if common.one_subject and asked.base is not None:
        return (f"gray from bare film: {ONE_SUBJECT}",)
    if found is None:
        return ("no mid-tones above the film's toe: no gray was looked for",)
    told = (
        f"gray from {found.pixels} low-chroma mid-tone pixels of {counts}: "
        f"{found.share:.0%} of their mid-tones, scatter {found.spread:.3f}"
    )
    if common.away is not None:
        return (f"{told}; bare film puts it {common.away:.3f} from the pictures' own",)
    if common.one_subject:
        return (f"no bare film was seen, and {ONE_SUBJECT}", told)
    if common.confidence == "low":
        return ("no bare film was seen to bear out the pictures' gray", told)
    return (told,)


def _exposure(common: Baseline) -> tuple[str, ...]:
    return (
        f"exposure {common.exposure:+.3f} puts a gray card at middle gray; "
        f"{common.share:.0%} of what a frame differs from the roll is taken back",
    )


def _base(base: PooledBase | None) -> tuple[str, ...]:
    if base is None:
        return ("no film base was seen",)
    told = f"film base {triple(base.density)} from {base.source}"
    if base.source != PROFILE:
        told += f" on {counted(base.frames, 'frame')}"
    if base.frames > 1:
        told += f", {base.spread:.3f} apart at most"
    return (told,)


def no_picture(frame: FrameLooks | None, base: PooledBase | None) -> str:
    """What a frame is that shows no picture."""
    if frame is None:
        return "no picture: nothing of it can be measured (holder, or clipped); kept at roll values"
    blank = next((color for color in frame.plain if color.blank), None)
    if blank is None:
        return "no picture: plain areas only (a leader, or half exposed); kept at roll values"
    above = 0.0 if base is None else sum(blank.density) / 3.0 - sum(base.density) / 3.0
    what = "a blank (bare film)"
    if above > FOGGED:
        what = "a leader, exposed all over"
    elif above < -BRIGHTER:
        what = "nothing but light"
    return f"no picture: {what}; kept at roll values"


def pulled(darker: float, more: float, away: float | None) -> str:
    """How far a frame was brought towards its roll, and that its colors lie far off."""
    far = "" if away is None else f"{_far(away)}; "
    if abs(darker) < 0.0005:
        return f"{far}as bright as the roll"
    word = "darker" if darker > 0 else "lighter"
    return f"{far}{abs(darker):.2f} {word} than the roll; {abs(more):.3f} of it taken back"


def alone(found: Neutral | None, away: float, asked: Roll) -> str:
    """What a frame that is graded alone got."""
    if asked.monochrome:
        return "by its own brightness"
    if found is None:
        return _far(away)
    return f"gray from {found.pixels} of its own pixels"


def _far(away: float) -> str:
    return f"its colors lie {away:.2f} from the roll's gray: gray is the roll's"


def note(record: RollRecord) -> str:
    """One line on the roll for each of its scans."""
    return (
        f"roll {record.name}: gains {triple(record.rgb_gains)}, "
        f"{record.confidence} confidence ({record.reasons[0]})"
    )


def triple(values: tuple[float, ...]) -> str:
    """Three densities."""
    return " ".join(f"{value:.3f}" for value in values)


def counted(n: int, what: str) -> str:
    """A number of things."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
