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

    ``measured`` is False when its measuring failed; ``gray`` says that it was named as a
    gray frame: its card sets the gray of the roll.
    """

    input: str
    frame: Frame
    looks: FrameLooks | None
    measured: bool = True
    gray: bool = False

    @property
    def name(self) -> str:
        """Its scan, with the crop where that has a name."""
        return f"{self.input} ({self.frame.crop_name})" if self.frame.crop_name else self.input


@dataclass(frozen=True, slots=True)
class Roll:
    """Frames of one film, what they are, and how much of a frame's exposure is taken back.

    ``pull`` None: by the roll's own spread. ``common`` is what an earlier run decided, for
    scans ``stay`` too, which keep it. ``beside`` is the film base of a decided roll in the
    same folder that the frames are not of.
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
        """The film base to believe."""
        given_looks = [item.looks.given for item in self.items if item.looks is not None]
        return pool.base_of(self.group, [look for look in given_looks if look is not None])

    @property
    def monochrome(self) -> bool:
        """Whether the grade knows no color."""
        return self.items[0].frame.recipe.film.monochrome


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the pictures of a roll have in common.

    ``key`` is the roll's brightness, ``card`` that of an 18 % gray card, ``target``
    the brightness of middle gray on the print; ``far`` how far the chroma of a frame
    that is named lies, ``share`` how much of a frame's own exposure is taken back,
    ``texture`` the middle of the pictures'. ``away`` is how far bare film's gray lies
    from the pictures' own, None where one of the two is not known. ``span`` is
    the density that a roll spans which is too wide for a negative, else 0. ``disputed``
    says that pictures of few subjects say a gray that bare film does not bear out;
    ``card_gray`` is what gray frames said, None without any.
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

    @property
    def exposure(self) -> float:
        """The offset on all three gains that puts a gray card at middle gray."""
        return self.card - (self.u + self.v) / 3.0 - self.target

    def gains(self, more: float = 0.0) -> Triple:
        """Red, green and blue gains with ``more`` exposure."""
        level = self.exposure + more
        return round(self.u + level, 4), round(level, 4), round(self.v + level, 4)
