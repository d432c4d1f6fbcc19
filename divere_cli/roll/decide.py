"""Decide gains and exposure of a roll, with the reasons and the confidence.

Covers which frames are pooled, what bare film decides and what the pictures decide, and how
certain the result is. Pure functions of measurements; standard library only.

Gains are exposure in density, subtracted after the matrix: gray becomes neutral by ``u`` on
red and ``v`` on blue, and brightness is one offset on all three channels. ``density_dmax``
is not changed: the matrix would turn that into a cast.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from divere_cli.records.roll import Confidence, RollFrame, RollRecord
from divere_cli.roll import bare, exposure, films, gray_frames, pool, reasons, shadows
from divere_cli.roll.baseline import Baseline, Item, Roll
from divere_cli.roll.gray_frames import CardGray
from divere_cli.roll.measurement import FrameLooks, FrameMeasurement
from divere_cli.roll.pool import Chroma, Neutral, PooledBase

LEAST_PICTURE = 0.15  # share of a frame that must be neither bare film nor holder
LEAST_FAR, FAR_SPREADS = 0.15, 2.5  # chroma of an outlier: density, spreads of the roll
NEAR_ROLL = 0.06  # density; a frame graded alone has its gray at most this far from the roll's
# Density. Frames whose mean colors are more alike show one subject, and no gray can be found. Then
# bare film decides, and the pictures only help to identify the stock; on a light subject (snow) the
# uncertainty that remains, 0.03 to 0.04, is visible as 4 to 6 dE2000.
ONE_SUBJECT, ONE_REACH, LIGHT_SUBJECT = 0.05, 0.02, 0.3
# Density. If pictures of few subjects disagree with bare film by more, bare film gets more weight.
CONTESTED, FEW_REACH = 0.1, 0.025
# Density. If pictures of few subjects (a sky, a meadow) disagree by more with bare film, the stock
# is known from bare film alone: such rolls of skies were 0.9 to 3.7 dE2000 off.
DISPUTED = 0.18
# High: gray from the pictures is this near to gray from bare film, on ENOUGH pictures or more.
AGREES, ENOUGH = 0.04, 4
# Medium without bare film: this many pictures, this varied, and their deepest shadows (which are
# near bare film) agree with them: 1 of 13 such rolls was wrong; of those that disagree, 8 of 21.
MANY, VARIED, SHADOWS_AGREE = 10, 0.09, 0.045
# Print density. Of 515 frames on rolls of high confidence 3 % were wrong; 1 % without those that
# are hardly colored or far from the roll's exposure.
HARDLY_COLORED, FAR_EXPOSED = 0.03, 0.3
SURENESS: tuple[Confidence, ...] = ("low", "medium", "high")


def roll(roll: Roll) -> RollRecord:
    """Decide a roll; see :func:`decided`.

    Parameters
    ----------
    roll : Roll
        The frames of the roll and the settings.
    """
    return decided(roll)[0]


def decided(roll: Roll) -> tuple[RollRecord, Baseline | None]:
    """Decide a roll.

    Parameters
    ----------
    roll : Roll
        The frames of the roll and the settings.

    Returns
    -------
    RollRecord
        ``frames`` in the order of ``items``, with the gains to use.
    Baseline or None
        Gray and exposure that its pictures share; None without a picture.
    """
    base = roll.base
    density = None if base is None else base.density
    looks = [None if i.looks is None else bare.look(i.looks, density) for i in roll.items]
    pictures = sorted(_pictures(roll, looks), key=_ordered)
    common = roll.common or common_of(pictures, roll)
    fresh = None
    if roll.common is not None and len(pictures) >= ENOUGH:
        fresh = common_of(pictures, replace(roll, common=None))
    profile_gains = roll.items[0].frame.recipe.rgb_gains
    frames = tuple(
        _frame(item, look, common, roll) for item, look in zip(roll.items, looks, strict=True)
    )
    neutral = None if common is None else common.neutral
    record = RollRecord(
        name=roll.name,
        profile=roll.items[0].frame.recipe.profile,
        mode=roll.mode,
        rgb_gains=profile_gains if common is None else common.gains(),
        exposure=0.0 if common is None else round(common.exposure, 4),
        film_base=density,
        film_base_source="" if base is None else base.source,
        spread=None if neutral is None else neutral.spread,
        pixels=0 if neutral is None else neutral.pixels,
        confidence="low" if common is None else common.confidence,
        reasons=reasons.roll(roll, common, len(pictures), fresh),
        frames=frames,
        stay=roll.stay,
        gray_frames=() if common is None or common.card_gray is None else common.card_gray.names,
    )
    return record, common


def _pictures(roll: Roll, looks: Sequence[FrameMeasurement | None]) -> list[FrameMeasurement]:
    """Return the measurements of pictures; gray frames count only if there is nothing else."""
    pairs = [
        (item, look)
        for item, look in zip(roll.items, looks, strict=True)
        if item.looks is not None and look is not None
    ]
    picture_looks = [
        look
        for item, look in pairs
        if item.looks is not None and not item.gray and is_picture(item.looks, look)
    ]
    return picture_looks or [look for item, look in pairs if item.gray]


def is_picture(frame: FrameLooks, look: FrameMeasurement) -> bool:
    """Return whether a frame shows a picture, and not only one or two plain areas.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    look : FrameMeasurement
        The same under the roll's film base.
    """
    enough = look.picture_cells >= LEAST_PICTURE * look.cells
    return enough and films.is_picture(frame)


def common_of(pictures: Sequence[FrameMeasurement], roll: Roll) -> Baseline | None:
    """Return gray and exposure that pictures share; None if there is no picture.

    Parameters
    ----------
    pictures : sequence of FrameMeasurement
        What was measured of each picture.
    roll : Roll
        The frames of the roll and the settings.
    """
    if not pictures:
        return None
    rendered = _rendered(pictures)
    base = None if rendered else roll.base
    alone = None if roll.monochrome else pool.neutral(pictures)
    one_subject = not roll.monochrome and pool.variety(pictures) < ONE_SUBJECT
    varied = _varied(pictures)
    away = None
    if base is not None and alone is not None:
        away = pool.distance((alone.u, alone.v), base.card)
    shadow_gray = None
    if base is None and alone is not None and not rendered and roll.film_kind == "film":
        shadow_gray = shadows.gray(pictures)
    if shadow_gray is None or alone is None:
        neutral, (u, v) = _gray(pictures, base, alone, _reach(away, one_subject, varied))
    else:
        neutral, (u, v) = _gray_of_shadows(pictures, shadow_gray, alone, varied)
    card = None if roll.monochrome else _card_gray(roll, base, alone)
    if card is not None:
        u, v = card.u, card.v
    keys = [exposure.key(look, base) for look in pictures]
    spread = statistics.median(look.chroma_spread for look in pictures)
    common = Baseline(
        u=u,
        v=v,
        key=exposure.middle(keys),
        card=exposure.card(keys, base, pictures[0].contrast, pool.variety(pictures)),
        target=pictures[0].target,
        far=max(LEAST_FAR, FAR_SPREADS * spread) if len(pictures) > 1 else math.inf,
        share=exposure.share(keys) if roll.pull is None else roll.pull,
        texture=statistics.median(look.texture for look in pictures),
        confidence="low",
        neutral=neutral,
        one_subject=one_subject,
        away=away,
        rendered=rendered,
        span=_too_wide(roll),
        disputed=_disputed(away) and not varied and not roll.monochrome,
        card_gray=card,
        shadows=shadow_gray is not None,
    )
    return replace(common, confidence=_confidence(common, pictures, alone, roll))


def _gray(
    pictures: Sequence[FrameMeasurement],
    base: PooledBase | None,
    alone: Neutral | None,
    reach: float,
) -> tuple[Neutral | None, Chroma]:
    """Return gray from the pictures and bare film, whose gray it lies within ``reach`` of."""
    if alone is None:
        return None, (0.0, 0.0)
    if base is None:
        return alone, (alone.u, alone.v)
    neutral = pool.neutral(pictures, base.card, reach)
    assert neutral is not None  # there are mid-tones: alone was found
    return neutral, (neutral.u, neutral.v)


def _gray_of_shadows(
    pictures: Sequence[FrameMeasurement], shadow_gray: Chroma, alone: Neutral, varied: bool
) -> tuple[Neutral, Chroma]:
    """Return gray from the pictures and from their deepest shadows, ``shadow_gray``."""
    contested = pool.distance((alone.u, alone.v), shadow_gray) > CONTESTED and not varied
    reach = shadows.FEW_REACH if contested else shadows.REACH
    neutral = pool.neutral(pictures, shadow_gray, reach, absent=False)
    assert neutral is not None  # there are mid-tones: alone was found
    return neutral, (neutral.u, neutral.v)


def _reach(away: float | None, one_subject: bool, varied: bool) -> float:
    """Return how far gray may be from bare film's: less if pictures of few subjects disagree."""
    if one_subject:
        return ONE_REACH
    contested = away is not None and away > CONTESTED and not varied
    return FEW_REACH if contested else pool.BARE_REACH


def _card_gray(roll: Roll, base: PooledBase | None, alone: Neutral | None) -> CardGray | None:
    """Return the gray that a roll's gray frames set; None without any."""
    named = [(item.name, item.looks) for item in roll.items if item.gray]
    expected = base.card if base is not None else None
    if expected is None and alone is not None:
        expected = (alone.u, alone.v)
    return gray_frames.gray(named, expected, base)


def _confidence(
    common: Baseline, pictures: Sequence[FrameMeasurement], alone: Neutral | None, roll: Roll
) -> Confidence:
    """Return how certain the roll's gray is: by the kind of film, then by what agrees."""
    if roll.film_kind == "positive" or common.span:
        return "low"
    if roll.monochrome:
        return "medium"
    card = common.card_gray
    if card is not None:
        if not card.agrees:
            return "low"
        return "medium" if card.odd > gray_frames.ODD or roll.film_kind != "film" else "high"
    if roll.base is not None and not common.rendered:
        agrees = common.away is not None and common.away < AGREES and not common.one_subject
        silver = roll.film_kind == "black-and-white"
        light = common.one_subject and common.card - common.key > LIGHT_SUBJECT
        if light or common.disputed:
            return "low"
        return "high" if agrees and not silver and len(pictures) >= ENOUGH else "medium"
    gray = (0.0, 0.0) if alone is None else (alone.u, alone.v)
    agrees = pool.distance(shadows.color(pictures), gray) < SHADOWS_AGREE
    enough = len(pictures) >= MANY and _varied(pictures)
    return "medium" if enough and agrees else "low"


def _too_wide(roll: Roll) -> float:
    """Return the density range of a roll if it is too wide for negatives, else 0."""
    if roll.film_kind != "film":
        return 0.0
    span = films.span([item.looks for item in roll.items if item.looks is not None])
    return round(span, 2) if span > films.WIDE else 0.0


def _disputed(away: float | None) -> bool:
    """Return whether gray from the pictures is far from gray from bare film."""
    return away is not None and away > DISPUTED


def _rendered(pictures: Sequence[FrameMeasurement]) -> bool:
    """Return whether these are 8-bit pictures of a camera, with its tone curve and its matrix.

    Bare film is no measure for them: a real night street was 0.24 off gray and 0.5 too dark.
    """
    return 2 * sum(look.rendered for look in pictures) > len(pictures)


def _varied(pictures: Sequence[FrameMeasurement]) -> bool:
    return pool.variety(pictures) >= VARIED


def _least(first: Confidence, second: Confidence) -> Confidence:
    return min(first, second, key=SURENESS.index)


def _frame(
    item: Item, look: FrameMeasurement | None, common: Baseline | None, roll: Roll
) -> RollFrame:
    """Decide one frame, from gray and exposure of its roll."""
    crop = item.frame.crop_name
    gains = item.frame.recipe.rgb_gains if common is None else common.gains()
    sure: Confidence = "low" if common is None else common.confidence
    plain = RollFrame(input=item.input, crop_name=crop, rgb_gains=gains, confidence=sure)
    if not item.measured:
        return replace(plain, kind="unmeasured", confidence="low", reason=reasons.UNMEASURED)
    if item.gray and common is not None and item.looks is not None:
        return replace(plain, reason=reasons.gray_frame(item.name, common.card_gray))
    if item.looks is None or look is None or not is_picture(item.looks, look):
        plain = replace(plain, confidence=_least(sure, "medium"))
        return replace(plain, kind="no_picture", reason=reasons.no_picture(item.looks, roll.base))
    assert common is not None  # there is a picture
    frame_key = exposure.key(look, None if common.rendered else roll.base)
    away = pool.distance(look.chroma, (common.u, common.v))
    frame = replace(
        plain,
        kind="outlier" if away > common.far and not roll.monochrome else "picture",
        measured_exposure=round(frame_key - common.key, 4),
        pixels=look.picture_cells * look.pixels_per_cell,
    )
    if roll.film_kind == "positive":
        return replace(frame, kind="positive", reason=reasons.POSITIVE)
    if roll.mode == "frame":
        return _alone(frame, look, common, roll)
    darker = frame_key - common.key
    more = round(exposure.pull(darker, common.share, _texture(look, common)), 4)
    far = away if frame.kind == "outlier" else None
    return replace(
        frame,
        rgb_gains=common.gains(more),
        exposure=more,
        confidence=_least(sure, _surest(look, darker)),
        reason=reasons.pulled(darker, more, far),
    )


def _surest(look: FrameMeasurement, darker: float) -> Confidence:
    """Return the highest confidence that a frame can have, whatever its roll has.

    A frame with hardly any color shows every cast; one that is far from its roll's exposure
    is on the toe or the shoulder of the film.
    """
    plain = look.chroma_spread < HARDLY_COLORED
    return "medium" if plain or abs(darker) > FAR_EXPOSED else "high"


def _texture(look: FrameMeasurement, common: Baseline) -> float:
    return look.texture / common.texture if common.texture > 0.0 else 1.0


def _alone(frame: RollFrame, look: FrameMeasurement, common: Baseline, roll: Roll) -> RollFrame:
    """Decide a frame by itself; its gray is searched near the gray of the roll."""
    neutral = None
    if frame.kind == "picture" and not roll.monochrome:
        neutral = pool.neutral([look], (common.u, common.v), NEAR_ROLL)
    base = None if common.rendered else roll.base
    card = exposure.key(look, base) - exposure.CARD_UNDER_PICTURES
    frame_baseline = replace(common, card=card)
    if neutral is not None:
        frame_baseline = replace(frame_baseline, u=neutral.u, v=neutral.v)
    return replace(
        frame,
        rgb_gains=frame_baseline.gains(),
        exposure=round(frame_baseline.exposure - common.exposure, 4),
        confidence=_least(common.confidence, "medium"),
        neutral_pixels=0 if neutral is None else neutral.pixels,
        spread=None if neutral is None else neutral.spread,
        reason=reasons.alone(neutral, pool.distance(look.chroma, (common.u, common.v)), roll),
    )


def _ordered(look: FrameMeasurement) -> tuple[float, ...]:
    return (look.lumas[50], *look.chroma, look.cells)
