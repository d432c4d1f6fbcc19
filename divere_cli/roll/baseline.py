"""A roll that is to be decided, and the gray and exposure that its pictures share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.records.job import Frame
from divere_cli.records.roll import Confidence
from divere_cli.records.serialize import LATER
from divere_cli.roll import pool
from divere_cli.roll.bare import Group
from divere_cli.roll.films import FilmKind
from divere_cli.roll.gray_frames import CardGray
from divere_cli.roll.measurement import FrameLooks
from divere_cli.roll.pool import Neutral, PooledBase

Triple = tuple[float, float, float]
Mode = Literal["frame", "roll"]


@dataclass(frozen=True, slots=True)
class Item:
    """One frame to decide.

    ``measured`` is False if measuring failed; ``gray`` is True for a gray frame, whose card
    sets the gray of the roll.
    """

    input: str
    frame: Frame
    looks: FrameLooks | None
    measured: bool = True
    gray: bool = False

    @property
    def name(self) -> str:
        """Name of the scan, with that of the crop if it has one."""
        return f"{self.input} ({self.frame.crop_name})" if self.frame.crop_name else self.input


@dataclass(frozen=True, slots=True)
class Roll:
    """Frames of one film, and the settings for their decision.

    ``pull`` is how far frames are moved to the exposure of the roll; None: computed from the
    spread of the roll. ``common`` is the decision of an earlier run for the roll, ``stay`` are
    the scans that it was made for. ``beside`` is the film base of another, decided roll in
    the same folder.
    """

    name: str
    items: tuple[Item, ...]
    mode: Mode
    film_kind: FilmKind = "film"
    group: Group | None = None
    pull: float | None = None
    common: Baseline | None = None
    stay: tuple[str, ...] = ()
    beside: Triple | None = None

    @property
    def base(self) -> PooledBase | None:
        """The film base of the roll; None if it is unknown."""
        given_looks = [item.looks.given for item in self.items if item.looks is not None]
        return pool.base_of(self.group, [look for look in given_looks if look is not None])

    @property
    def monochrome(self) -> bool:
        """Whether the grade is black-and-white."""
        return self.items[0].frame.recipe.film.monochrome


@dataclass(frozen=True, slots=True)
class Baseline:
    """Gray and exposure that the pictures of a roll share.

    ``u`` and ``v`` are the chroma of gray, ``key`` is the roll's brightness, ``card`` that of
    an 18 % gray card, ``target`` the brightness of middle gray on the print. A frame whose
    chroma is further away than ``far`` is an outlier. ``share`` is how far frames are moved
    to the roll's exposure, ``texture`` the median texture of the pictures. ``away`` is the
    distance between gray from bare film and gray from the pictures, None if one of them is
    unknown. ``span`` is the density range of the roll if it is too wide for negatives, else 0.
    ``disputed``: pictures of few subjects disagree with bare film about gray. ``card_gray``
    is the gray of gray frames, None without any. ``shadows``: without bare film, the
    deepest shadows of the pictures helped to find gray.
    """

    u: float
    v: float
    key: float
    card: float
    target: float
    far: float
    share: float
    texture: float
    confidence: Confidence
    neutral: Neutral | None
    one_subject: bool = False
    away: float | None = None
    rendered: bool = False
    span: float = field(default=0.0, metadata=LATER)
    disputed: bool = field(default=False, metadata=LATER)
    card_gray: CardGray | None = field(default=None, metadata=LATER)
    shadows: bool = field(default=False, metadata=LATER)

    @property
    def exposure(self) -> float:
        """The offset on all three gains that puts a gray card at middle gray."""
        return self.card - (self.u + self.v) / 3.0 - self.target

    def gains(self, more: float = 0.0) -> Triple:
        """Red, green and blue gains with ``more`` exposure."""
        level = self.exposure + more
        return round(self.u + level, 4), round(level, 4), round(self.v + level, 4)
