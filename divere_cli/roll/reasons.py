"""Reasons in words, for the report and for whoever refines the roll by hand.

Covers sentences only; what is decided is decided in :mod:`divere_cli.roll.decide`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from divere_cli.roll.measurement import FrameMeasurement
from divere_cli.roll.pool import BASE_AGREES, BRIGHTER, PROFILE, PooledBase

if TYPE_CHECKING:
    from divere_cli.records.roll import RollRecord
    from divere_cli.roll.decide import Baseline

UNMEASURED = "could not be measured"
ONE_SUBJECT = (
    "the pictures differ too little and bare film does not bear it out: "
    "one subject may have been taken for gray"
)
FOGGED = 0.5  # density above film base of what is exposed all over


def roll(
    common: Baseline | None, base: PooledBase | None, pictures: int, kept: tuple[float, ...]
) -> tuple[str, ...]:
    """Why a roll gets what it gets."""
    return (*_neutral(common, base, pictures, kept), *_exposure(common), *_base(common, base))


def _neutral(
    common: Baseline | None, base: PooledBase | None, pictures: int, kept: tuple[float, ...]
) -> tuple[str, ...]:
    if common is None:
        return (f"no picture to measure: the profile's gains {triple(kept)} are kept",)
    if common.monochrome:
        return (f"black-and-white film, {counted(pictures, 'picture')}: no gray is looked for",)
    found = common.neutral
    if found is None:
        why = "the film base is taken for gray" if base else "no gray was looked for"
        return (f"no mid-tones above the film's toe: {why}",)
    return (
        f"gray from {found.pixels} low-chroma mid-tone pixels of {counted(pictures, 'picture')}: "
        f"{found.share:.0%} of their mid-tones, scatter {found.spread:.3f}; "
        + (
            f"the next color stands at {found.rival:.0%} of it"
            if found.rival > 0.0
            else "no other color comes near"
        ),
        *([ONE_SUBJECT] if common.one_subject else []),
    )


def _exposure(common: Baseline | None) -> tuple[str, ...]:
    if common is None:
        return ()
    return (f"exposure {common.exposure:+.3f} puts the middle picture's brightness at middle gray",)


def _base(common: Baseline | None, base: PooledBase | None) -> tuple[str, ...]:
    if base is None:
        return ("no film base was seen",)
    told = [f"film base {triple(base.density)} from {base.source}"]
    seen = base.source != PROFILE
    if seen:
        told[0] += f" on {counted(base.frames, 'frame')}"
    if seen and base.frames > 1:
        told[0] += f", {base.spread:.3f} apart at most"
    if base.frames > 1 and base.spread > BASE_AGREES:
        told.append("the frames' film bases disagree: is it one film, and one scanner setting?")
    if not base.bare:
        told.append("no bare film is visible: the thin end may be picture")
    elif common is not None and not common.monochrome:
        red, blue = base.chroma[0] - common.u, base.chroma[1] - common.v
        told.append(f"with these gains bare film prints {red:+.3f} red, {blue:+.3f} blue off gray")
    return tuple(told)


def no_picture(measurement: FrameMeasurement | None, base: PooledBase | None) -> str:
    """What a frame is that shows no picture."""
    if measurement is None:
        return "no picture: nothing of it can be measured (holder, or clipped); kept at roll values"
    seen = measurement.base
    thin = seen is not None and (base is None or sum(seen.density) - sum(base.density) < 3 * FOGGED)
    if seen is not None and seen.source == "unexposed":
        light = base is not None and sum(seen.density) < sum(base.density) - 3 * BRIGHTER
        blank = "nothing but light" if light else "a blank (bare film)"
        what = blank if thin else "exposed all over"
    else:
        what = "plain areas only (a leader, or exposed all over)"
    return f"no picture: {what}; kept at roll values"


def outlier(away: float, colored: bool, darker: float) -> str:
    """How a frame differs that is kept at roll values."""
    told = [f"its colors lie {away:.2f} from the roll's gray"] if colored else []
    if not colored:
        told.append(f"it is {abs(darker):.2f} {_darker(darker)} than the roll")
    return f"{' and '.join(told)}; kept at roll values"


def pulled(darker: float, more: float) -> str:
    """How far a frame was brought towards its roll."""
    if abs(more) < 0.0005:
        return "as bright as the roll"
    return f"{abs(darker):.2f} {_darker(darker)} than the roll; {abs(more):.3f} of it taken back"


def borrowed(away: float, far: bool) -> str:
    """Why a frame that is graded alone has its roll's neutral."""
    if far:
        return f"its colors lie {away:.2f} from the roll's gray: gray is the roll's"
    return "no gray to be sure of: gray is the roll's"


def alone(own: Baseline, sure: str) -> str:
    """What a frame that is graded alone got, and how sure that is."""
    found = own.neutral
    if own.monochrome:
        return "by its own brightness"
    if found is None:
        return "no mid-tones above the film's toe"
    return f"gray from {found.pixels} of its own pixels; {sure} confidence"


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


def _darker(darker: float) -> str:
    return "darker" if darker > 0 else "lighter"
