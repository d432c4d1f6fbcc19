"""Gray frames: pictures of a gray card that set the gray of their roll (``--gray-frame``).

Covers which plain area of such a frame is the card, and the result of several frames.
Standard library only. The card determines gray, but not brightness: a card may be white, and
the light on it differs from that of the pictures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from divere_cli.roll import pool
from divere_cli.roll.measurement import FrameLooks, PlainArea
from divere_cli.roll.pool import Chroma, PooledBase

APART = 0.05  # print density; gray frames that lie further apart disagree: 0.03 shows as 2 dE2000
ODD = 0.2  # print density; further from bare film or the pictures: colored light, or no gray card
TOE = 0.2  # film density above bare film; thinner areas are no exposed card
# Print density. How far a card may be from the expected gray (colored light shifts all grays); a
# large area near the expected gray is most likely the card.
LIKELY = 0.15


@dataclass(frozen=True, slots=True)
class CardGray:
    """The gray of a roll by its gray frames.

    Parameters
    ----------
    u, v : float
        Red and blue less green, print density with gains of zero.
    names : tuple of str
        The frames that it comes from.
    without : tuple of str
        Gray frames on which no plain area was found.
    apart : float
        The largest distance between two of the frames, print density.
    odd : float
        Distance from the gray of bare film, or else of the pictures; print density.
    """

    u: float
    v: float
    names: tuple[str, ...]
    without: tuple[str, ...] = ()
    apart: float = 0.0
    odd: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the gray frames agree."""
        return self.apart <= APART


def gray(
    frames: Sequence[tuple[str, FrameLooks | None]],
    expected: Chroma | None,
    base: PooledBase | None,
) -> CardGray | None:
    """Return the gray that gray frames set; None if none of them shows a plain area.

    Parameters
    ----------
    frames : sequence of (str, FrameLooks or None)
        The gray frames of a roll, by name.
    expected : tuple of float, optional
        Gray from bare film, or else from the pictures: of several plain areas of a frame,
        the card is the one near it.
    base : PooledBase, optional
        Bare film.
    """
    cards: list[tuple[str, Chroma]] = []
    without = []
    for name, looks in frames:
        area = None if looks is None else _card(looks.areas, expected, base)
        if area is None:
            without.append(name)
        else:
            cards.append((name, _chroma(area)))
    if not cards:
        return None
    chromas = [chroma for _, chroma in cards]
    u, v = (statistics.median(chroma[i] for chroma in chromas) for i in (0, 1))
    return CardGray(
        u=round(u, 4),
        v=round(v, 4),
        names=tuple(name for name, _ in cards),
        without=tuple(without),
        apart=max(
            (pool.distance(first, second) for first in chromas for second in chromas), default=0.0
        ),
        odd=0.0 if expected is None else pool.distance((u, v), expected),
    )


def _card(
    areas: Sequence[PlainArea], expected: Chroma | None, base: PooledBase | None
) -> PlainArea | None:
    if base is not None:
        areas = [area for area in areas if area.level > base.film_level + TOE]
    if not areas:
        return None

    def likely(area: PlainArea) -> float:
        if expected is None:
            return area.share
        away = pool.distance(_chroma(area), expected) / LIKELY
        return area.share * math.exp(-0.5 * away * away)

    return max(areas, key=likely)


def _chroma(area: PlainArea) -> Chroma:
    red, green, blue = area.printed
    return red - green, blue - green
