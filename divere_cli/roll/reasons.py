"""The reasons for decisions as sentences, for the report.

The decisions themselves are made in :mod:`divere_cli.roll.decide`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from divere_cli.roll import gray_frames
from divere_cli.roll.measurement import FrameLooks
from divere_cli.roll.pool import PROFILE, Neutral, PooledBase
from divere_cli.text import quote

if TYPE_CHECKING:
    from divere_cli.records.roll import RollRecord
    from divere_cli.roll.baseline import Baseline, Roll
    from divere_cli.roll.gray_frames import CardGray

UNMEASURED = "could not be measured"
POSITIVE = (
    "a positive (slide) among negatives, thinner than their film base: grade it with "
    "'-p reversal-neutral'"
)
SILVER = (
    "black-and-white film, decided by itself; '-p bw-ilford-mgfb-2' prints it on "
    "black-and-white paper"
)
NO_CARD = (
    "a gray frame on which no plain area was found: it is not used; the card has to fill 1 % of "
    "the frame, in its middle"
)
ONE_SUBJECT = "the pictures' colors are too similar to distinguish gray from the subject"
SHADOWS = "the deepest shadows of the pictures, which have one color, stand for bare film"
DECIDED = "gray and exposure as an earlier run decided the roll"
# Density: new pictures that differ by more from what was decided for their roll are named.
GRAY_APART, LIGHT_APART = 0.06, 0.15
FOGGED = 0.5  # density above film base of a fully exposed frame
BRIGHTER = 0.15  # density; a frame thinner than film base by this much shows no film


def roll(
    roll: Roll, common: Baseline | None, pictures: int, fresh: Baseline | None = None
) -> tuple[str, ...]:
    """Return the reasons for the decision on a roll.

    Parameters
    ----------
    roll : Roll
    common : Baseline or None
        Gray and exposure of its pictures, or of an earlier run; None without a picture.
    pictures : int
        Number of its pictures.
    fresh : Baseline, optional
        Gray and exposure of the new pictures of a decided roll alone.
    """
    profile_gains = roll.items[0].frame.recipe.rgb_gains
    silver = (SILVER,) if roll.film_kind == "black-and-white" and not roll.monochrome else ()
    if common is None:
        return (f"no picture to measure: the profile's gains {triple(profile_gains)} are kept",)
    if roll.common is not None:
        return (DECIDED, *_apart(common, fresh), *silver, *_exposure(common))
    gray = _neutral(common, roll, pictures)
    return (*gray, *_beside(roll), *silver, *_exposure(common), *_base(roll.base))


def _apart(common: Baseline, fresh: Baseline | None) -> tuple[str, ...]:
    """Return a sentence if new pictures are far from the decision."""
    if fresh is None:
        return ()
    gray = math.hypot(fresh.u - common.u, fresh.v - common.v)
    light = fresh.exposure - common.exposure
    if gray < GRAY_APART and abs(light) < LIGHT_APART:
        return ()
    return (
        f"from the new pictures alone, gray would be {gray:.2f} and exposure {light:+.2f} away "
        "from the decision",
    )


def _beside(roll: Roll) -> tuple[str, ...]:
    """Return a sentence if a film differs from the roll that was decided in its folder."""
    if roll.beside is None or roll.base is None:
        return ()
    return (
        f"another film than the roll that was decided before: its base is "
        f"{triple(roll.base.density)}, not {triple(roll.beside)}; decided by itself",
    )


def _neutral(common: Baseline, roll: Roll, pictures: int) -> tuple[str, ...]:
    counts = counted(pictures, "picture")
    if common.span:
        return (
            f"{counts} that span {common.span:.1f} density in every channel, more than negatives "
            "do: if they are slides or other positives, grade them with '-p reversal-neutral'",
        )
    if roll.film_kind == "positive":
        return (f"{counts} of positive film among negatives: not measured with them",)
    if roll.monochrome:
        return (f"black-and-white film, {counts}: gray is not measured",)
    if common.card_gray is not None:
        return _card_gray(common.card_gray, bare=roll.base is not None)
    neutral = common.neutral
    if common.rendered and neutral is not None:
        return (f"8-bit pictures of a camera, {counts}: bare film does not show their gray",)
    if common.one_subject and roll.base is not None:
        return (f"gray from bare film: {ONE_SUBJECT}",)
    if neutral is None:
        return ("no mid-tones above the film's toe: gray was not measured",)
    if common.disputed:
        return (f"gray from bare film alone: that of the few subjects is {common.away:.2f} away",)
    sentence = (
        f"gray from {neutral.pixels} low-chroma mid-tone pixels of {counts}: "
        f"{neutral.share:.0%} of their mid-tones, scatter {neutral.spread:.3f}"
    )
    if common.away is not None:
        return (f"{sentence}; gray from bare film is {common.away:.3f} away",)
    if common.shadows:
        sentence += f"; {SHADOWS}"
    if common.one_subject:
        return (f"no bare film was seen, and {ONE_SUBJECT}", sentence)
    if common.confidence == "low":
        return ("no bare film was seen that confirms the pictures' gray", sentence)
    return (sentence,)


def _card_gray(card: CardGray, *, bare: bool) -> tuple[str, ...]:
    """Return the source of a roll's gray if gray frames set it."""
    names = quoted_list(card.names)
    if len(card.names) == 1:
        sentence = f"gray from the card on the gray frame {names}"
    else:
        sentence = f"gray from the cards on the gray frames {names}, {card.apart:.3f} apart at most"
    if not card.agrees:
        sentence = (
            f"the gray frames {names} disagree by {card.apart:.3f} density: their median is used; "
            "name those in one light only, and grade pictures in other light as another roll"
        )
    sentences = [sentence]
    if card.odd > gray_frames.ODD:
        reference = "bare film" if bare else "the pictures"
        sentences.append(
            f"that is {card.odd:.2f} away from the gray of {reference}: correct for colored "
            "light, wrong if the card is not gray"
        )
    return tuple(sentences)


def gray_frame(name: str, card: CardGray | None) -> str:
    """Return the effect of a gray frame on its roll.

    Parameters
    ----------
    name : str
        Name of the frame.
    card : CardGray or None
        Its gray; None where none was found.
    """
    if card is None or name in card.without:
        return NO_CARD
    return "a gray frame: its card sets the gray of the roll"


def _exposure(common: Baseline) -> tuple[str, ...]:
    return (
        f"exposure {common.exposure:+.3f} puts a gray card at middle gray; "
        f"{common.share:.0%} of each frame's difference from the roll is corrected",
    )


def _base(base: PooledBase | None) -> tuple[str, ...]:
    if base is None:
        return ("no film base was seen",)
    sentence = f"film base {triple(base.density)} from {base.source}"
    if base.source != PROFILE:
        sentence += f" on {counted(base.frames, 'frame')}"
    if base.frames > 1:
        sentence += f", {base.spread:.3f} apart at most"
    return (sentence,)


def no_picture(frame: FrameLooks | None, base: PooledBase | None) -> str:
    """Return why a frame shows no picture.

    Parameters
    ----------
    frame : FrameLooks or None
        What was measured of the frame.
    base : PooledBase or None
        The film base of the roll, where it is known.
    """
    if frame is None:
        return "no picture: nothing can be measured (holder, or clipped); it gets the roll's values"
    blank = next((color for color in frame.plain if color.blank), None)
    if blank is None:
        return "no picture: only plain areas (a leader, or half exposed); it gets the roll's values"
    above = 0.0 if base is None else sum(blank.density) / 3.0 - sum(base.density) / 3.0
    kind = "a blank (bare film)"
    if above > FOGGED:
        kind = "a leader, fully exposed"
    elif above < -BRIGHTER:
        kind = "nothing but light"
    return f"no picture: {kind}; it gets the roll's values"


def pulled(darker: float, more: float, away: float | None) -> str:
    """Return how far a frame was moved to its roll, and whether its colors are far off.

    Parameters
    ----------
    darker : float
        How much darker than the roll it is, print density.
    more : float
        How much of this is corrected.
    away : float or None
        Distance of its colors from the roll's; None if they are near.
    """
    far = "" if away is None else f"{_far(away)}; "
    if abs(darker) < 0.0005:
        return f"{far}as bright as the roll"
    word = "darker" if darker > 0 else "lighter"
    return f"{far}{abs(darker):.2f} {word} than the roll; {abs(more):.3f} of it corrected"


def alone(neutral: Neutral | None, away: float, roll: Roll) -> str:
    """Return the source of gray for a frame that is graded by itself.

    Parameters
    ----------
    neutral : Neutral or None
        Its gray; None if none was found.
    away : float
        Distance of its colors from the roll's.
    roll : Roll
        The frames of the roll and the settings.
    """
    if roll.monochrome:
        return "exposure by its own brightness"
    if neutral is None:
        return _far(away)
    return f"gray from {neutral.pixels} of its own pixels"


def _far(away: float) -> str:
    return f"its colors are {away:.2f} away from the roll's gray, which is used"


def note(record: RollRecord) -> str:
    """Return one line about the roll for each of its scans.

    Parameters
    ----------
    record : RollRecord
        The decided roll.
    """
    return (
        f"roll {record.name}: gains {triple(record.rgb_gains)}, "
        f"{record.confidence} confidence ({record.reasons[0]})"
    )


def quoted_list(names: Sequence[str], most: int = 5) -> str:
    """Return names in quotes, up to a number; further ones are counted.

    Parameters
    ----------
    names : sequence of str
        The names.
    most : int, default 5
        Largest number of names that are written out.
    """
    listed = ", ".join(quote(name) for name in names[:most])
    more = len(names) - most
    return f"{listed} and {more} more" if more > 0 else listed


def triple(values: tuple[float, ...]) -> str:
    """Return three densities as text.

    Parameters
    ----------
    values : tuple of float
        The densities.
    """
    return " ".join(f"{value:.3f}" for value in values)


def counted(n: int, noun: str) -> str:
    """Return a number of things as text.

    Parameters
    ----------
    n : int
        The number.
    noun : str
        The thing, singular.
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
