"""What a roll gets: gains, exposure, and in words why.

Covers the policy: what is a picture, who takes part in pooling, how far a frame
may leave the roll, how sure of it we are. Pure functions over measurements, on
the standard library alone.

Gains are exposure in density, subtracted after the matrix: so the neutral found
there is nulled by ``u`` on red and ``v`` on blue, and brightness is one offset
on all three. ``density_dmax`` is left alone: the matrix would turn it into a
cast.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from divere_cli.records.job import Frame
from divere_cli.records.roll import Confidence, RollFrame, RollRecord
from divere_cli.roll import pool, reasons
from divere_cli.roll.measurement import FrameMeasurement
from divere_cli.roll.pool import Neutral, PooledBase

Triple = tuple[float, float, float]
Mode = Literal["frame", "roll"]

NO_PICTURE = 0.8  # of a frame in two narrow windows of brightness
LEAST_PICTURE = 0.15  # of a frame that is neither bare film nor holder
LEAST_FAR, FAR_SPREADS = 0.15, 2.5  # chroma of an outlier: density, spreads of the roll
FAR_EXPOSURE = 0.3  # density
PULL = 0.2  # of what a frame differs from its roll in brightness is taken back
BOUND = 0.15  # density; half a stop of print exposure, the most that is taken back
STANDS = 0.5
MANY, FEW = 0.6, 0.3  # of the pictures in which gray stands
CLEAR, CLOSE = 0.8, 0.95  # of gray's height: the next color
LEAST_SHARE = 0.01  # of the mid-tones near gray
# Density. Gray that all subjects of a roll share is borne out by their difference, or by bare film
# that prints as gray; else the one subject of a roll may be what was found.
DIFFERENT, AS_GRAY = 0.035, 0.06
SURENESS: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Item:
    """One frame to decide; ``measured`` is False when its measuring failed."""

    input: str
    frame: Frame
    measurement: FrameMeasurement | None
    measured: bool = True


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the pictures of a roll have in common.

    ``key`` is the roll's brightness, ``target`` the brightness of middle gray,
    ``far`` how far an outlier's chroma lies; ``one_subject`` says that nothing
    tells gray from the color of a subject that all pictures share.
    """

    u: float
    v: float
    key: float
    target: float
    far: float
    confidence: Confidence
    neutral: Neutral | None
    monochrome: bool = False
    one_subject: bool = False

    @property
    def exposure(self) -> float:
        """The offset on all three gains that puts ``key`` at middle gray."""
        return self.key - (self.u + self.v) / 3.0 - self.target

    def gains(self, more: float = 0.0) -> Triple:
        """Red, green and blue gains with ``more`` exposure."""
        level = self.exposure + more
        return round(self.u + level, 4), round(level, 4), round(self.v + level, 4)


def roll(name: str, items: Sequence[Item], mode: Mode) -> RollRecord:
    """Decide a roll.

    Parameters
    ----------
    name : str
        What to call it.
    items : sequence of Item
        At least one; all with the same grade but for the gains.
    mode : {"frame", "roll"}
        Whether a frame may leave the roll's neutral, and how far its exposure.

    Returns
    -------
    RollRecord
        ``frames`` in the order of ``items``; their gains are to be used.
    """
    told = sorted((i.measurement for i in items if i.measurement is not None), key=_ordered)
    pictures = [m for m in told if is_picture(m)]
    recipe = items[0].frame.recipe
    found = pool.film_base([m.bare for m in told if m.bare is not None])
    common = common_of(pictures, found, monochrome=recipe.film.monochrome)
    kept = recipe.rgb_gains
    frames = tuple(_frame(item, common, mode, found) for item in items)
    return RollRecord(
        name=name,
        profile=recipe.profile,
        mode=mode,
        rgb_gains=kept if common is None else common.gains(),
        exposure=0.0 if common is None else round(common.exposure, 4),
        film_base=None if found is None else found.density,
        film_base_source="" if found is None else found.source,
        spread=None if common is None or common.neutral is None else common.neutral.spread,
        pixels=0 if common is None or common.neutral is None else common.neutral.pixels,
        confidence="low" if common is None else common.confidence,
        reasons=reasons.roll(common, found, len(pictures), kept),
        frames=frames,
    )


def is_picture(measurement: FrameMeasurement) -> bool:
    """Whether there is a picture: a blank, a leader or a holder is but one or two plain areas."""
    bare = measurement.base is not None and measurement.base.source == "unexposed"
    enough = measurement.picture_cells >= LEAST_PICTURE * measurement.cells
    return not bare and enough and measurement.plateau < NO_PICTURE


def common_of(
    pictures: Sequence[FrameMeasurement],
    base: PooledBase | None,
    near: tuple[float, float] | None = None,
    monochrome: bool = False,
) -> Baseline | None:
    """What pictures have in common; None when there is no picture.

    ``near`` is where gray is to be looked for, when that is known;
    ``monochrome`` film has no gray to look for.
    """
    if not pictures:
        return None
    if monochrome:
        key = pool.middle([m.key for m in pictures])
        return Baseline(0.0, 0.0, key, pictures[0].target, math.inf, "high", None, monochrome=True)
    neutral = pool.neutral(pictures, near)
    confidence: Confidence = "low"
    one_subject = False
    if neutral is not None:
        u, v = neutral.u, neutral.v
        confidence = _confidence(neutral, pictures)
        if near is None and not _borne_out((u, v), pictures, base):
            one_subject, confidence = True, _least(confidence, "medium")
    elif base is not None:
        u, v = base.chroma
    else:
        u = v = 0.0
    spread = statistics.median(m.chroma_spread for m in pictures)
    far = max(LEAST_FAR, FAR_SPREADS * spread)
    alike = [m for m in pictures if pool.distance(m.chroma, (u, v)) <= far] or pictures
    key = pool.middle([m.key for m in alike])
    target = pictures[0].target
    return Baseline(u, v, key, target, far, confidence, neutral, one_subject=one_subject)


def _confidence(neutral: Neutral, pictures: Sequence[FrameMeasurement]) -> Confidence:
    stands = [pool.standing(m, (neutral.u, neutral.v)) >= STANDS for m in pictures]
    support = sum(stands) / len(stands)
    if support < FEW or neutral.rival > CLOSE or neutral.share < LEAST_SHARE:
        return "low"
    return "high" if support >= MANY and neutral.rival <= CLEAR else "medium"


def _borne_out(
    gray: pool.Chroma, pictures: Sequence[FrameMeasurement], base: PooledBase | None
) -> bool:
    """Whether differing subjects or bare film speak for a gray."""
    if base is not None and base.sure and pool.distance(base.chroma, gray) <= AS_GRAY:
        return True
    return pool.variety(pictures) >= DIFFERENT


def _least(one: Confidence, other: Confidence) -> Confidence:
    return min(one, other, key=SURENESS.index)


def _frame(item: Item, common: Baseline | None, mode: Mode, base: PooledBase | None) -> RollFrame:
    """Decide one frame, from what its roll has in common."""
    crop, measured = item.frame.crop_name, item.measurement
    gains = item.frame.recipe.rgb_gains if common is None else common.gains()
    sure: Confidence = "low" if common is None else common.confidence
    plain = RollFrame(input=item.input, crop_name=crop, rgb_gains=gains, confidence=sure)
    if not item.measured:
        return replace(plain, kind="unmeasured", confidence="low", reason=reasons.UNMEASURED)
    if measured is None or not is_picture(measured):
        return replace(plain, kind="no_picture", reason=reasons.no_picture(measured, base))
    assert common is not None  # there is a picture
    own = common_of([measured], base, (common.u, common.v), common.monochrome)
    assert own is not None
    told = replace(
        plain,
        measured_exposure=round(own.key - common.key, 4),
        pixels=measured.picture_cells * measured.pixels_per_cell,
        neutral_pixels=own.neutral.pixels if own.neutral else 0,
        spread=own.neutral.spread if own.neutral else None,
    )
    away = pool.distance(measured.chroma, (common.u, common.v))
    if mode == "frame":
        return _alone(told, own, common, away)
    darker = own.key - common.key
    if away > common.far or abs(darker) > FAR_EXPOSURE:
        reason = reasons.outlier(away, away > common.far, darker)
        return replace(told, kind="outlier", reason=reason)
    more = round(max(-BOUND, min(BOUND, PULL * darker)), 4)
    return replace(
        told,
        rgb_gains=common.gains(more),
        exposure=more,
        reason=reasons.pulled(darker, more),
    )


def _alone(told: RollFrame, own: Baseline, common: Baseline, away: float) -> RollFrame:
    """A frame by itself; its neutral is the roll's where its own cannot be trusted."""
    if away > common.far or (own.confidence == "low" and common.confidence != "low"):
        far = away > common.far
        mixed = replace(common, key=own.key)
        return replace(
            told,
            kind="outlier" if far else "picture",
            rgb_gains=mixed.gains(),
            exposure=round(own.key - common.key, 4),
            reason=reasons.borrowed(away, far),
        )
    sure = _least(own.confidence, "medium") if common.one_subject else own.confidence
    return replace(
        told,
        rgb_gains=own.gains(),
        exposure=round(own.exposure - common.exposure, 4),
        confidence=sure,
        reason=reasons.alone(own, sure),
    )


def _ordered(measurement: FrameMeasurement) -> tuple[float, ...]:
    return (measurement.key, *measurement.chroma, measurement.cells)
