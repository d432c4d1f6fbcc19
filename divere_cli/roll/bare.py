"""Find the film base of a roll: the one plain color that all of its frames agree with.

Covers how bare film differs from light beside the film, from a strip of wall and from
slides among negatives. Standard library only. On a single frame, the rebate cannot be
distinguished from a strip of sky; but if a second frame has the same color, and no picture
is thinner, it must be bare film.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from divere_cli.roll.measurement import FrameLooks, FrameMeasurement, PlainColor, Triple

ONE_COLOR = 0.035  # density; plain colors of one group
THINNER = 0.05  # density; a color is no film base if a picture is thinner by this much
FEW, SOME = 0.1, 0.3  # share of frames that may be thinner; SOME before slides are sorted out
LIGHT = 0.15  # density; light beside the film is never denser, except on a frame without film
BESIDE = 0.2  # density; light is thinner than the thin ends of the pictures by this much
SHARE_OF_SIDES = 0.5  # of the sides with light also show a denser color: the film's own base
HALF_LIGHT = 1 / 3  # of the best color's sides; with fewer, lines are half light and half film
NEAR = 0.05  # density; a color of a frame this near to the roll's base is that base
# Density, mean of the channels. A denser color is hardly bare film (a scanner would use an eighth
# of its range), but land below skies with equal exposure, which a quarter of the frames may show.
DENSE, DENSE_SHARE = 0.9, 0.25

# Density. A picture that is thinner than the film base is a slide or on another film; hardly any
# negative is denser in red by OVER.
UNDER, OVER = 0.06, 1.75


@dataclass(frozen=True, slots=True)
class Group:
    """One plain color of several frames: ``frame_sides`` holds (frame, side)."""

    density: Triple
    printed: Triple
    frames: frozenset[int]
    frame_sides: frozenset[tuple[int, int]]
    blank: bool
    spread: float
    blanks_only: bool = False

    @property
    def level(self) -> float:
        """Mean of the channels."""
        return sum(self.density) / 3.0


def find(frames: Sequence[FrameLooks], few: float = FEW) -> Group | None:
    """Return the film base that frames show; None if it cannot be determined.

    Parameters
    ----------
    frames : sequence of FrameLooks
        Frames of one film, without positives.
    few : float
        Share of frames that may have a thinner picture.
    """
    everything = grouped(frames)
    groups = [group for group in everything if _able(group, frames, few)]
    while groups:
        first, rivals = groups[0], groups[1:]
        if first.blanks_only:
            rivals = [group for group in everything if group.level > first.level and _lines(group)]
        if not _light(first, rivals, frames):
            return first
        most = max(len(group.frame_sides) for group in rivals)
        groups = [group for group in groups[1:] if len(group.frame_sides) >= HALF_LIGHT * most]
    return None


def grouped(frames: Sequence[FrameLooks]) -> list[Group]:
    """Return the plain colors of all frames, equal ones joined, the thinnest first.

    Parameters
    ----------
    frames : sequence of FrameLooks
        What was measured of each frame.
    """
    colors = [(color, i) for i, frame in enumerate(frames) for color in frame.plain]
    groups: list[list[tuple[PlainColor, int]]] = []
    for color, i in sorted(colors, key=lambda pair: (sum(pair[0].density), pair[0].density)):
        for group in groups:
            if _apart(color.density, _middle([c.density for c, _ in group])) <= ONE_COLOR:
                group.append((color, i))
                break
        else:
            groups.append([(color, i)])
    return sorted(map(_group, groups), key=lambda group: group.level)


def is_thinner(frame: FrameLooks, base: Triple) -> bool:
    """Return whether a frame is thinner than a film with that base can be.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    base : Triple
        Densities of the film base (R, G, B).
    """
    return any(
        thin < channel_base - UNDER for thin, channel_base in zip(frame.thin, base, strict=True)
    )


def is_denser(frame: FrameLooks, base: Triple) -> bool:
    """Return whether a frame is denser than almost any negative.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    base : Triple
        Densities of the film base (R, G, B).
    """
    return frame.dense[0] > base[0] + OVER


def look(frame: FrameLooks, base: Triple | None) -> FrameMeasurement:
    """Return what was measured of a frame under its roll's film base.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    base : Triple or None
        Densities of the film base (R, G, B); None where it is not known.
    """
    if frame.given is not None:
        return frame.given
    if base is None or frame.looks[0].rendered:
        return frame.looks[0]
    away = [_apart(color.density, base) for color in frame.plain]
    if away and min(away) <= NEAR:
        return frame.looks[1 + away.index(min(away))]
    light = [
        i
        for i, color in enumerate(frame.plain)
        if all(c < b - NEAR for c, b in zip(color.density, base, strict=True))
    ]
    return frame.looks[1 + light[0]] if light else frame.looks[0]


def shows(frame: FrameLooks, base: Triple, within: float = NEAR) -> bool:
    """Return whether bare film of that density is seen on a frame.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    base : Triple
        Densities of the film base (R, G, B).
    within : float
        How far a color of the frame may lie from it, density.
    """
    return any(_apart(color.density, base) <= within for color in frame.plain)


def _able(group: Group, frames: Sequence[FrameLooks], few: float) -> bool:
    """Return whether a color can be film base: seen twice, and hardly any picture is thinner."""
    alone = len(frames) == 1 and len({side for _, side in group.frame_sides}) > 1
    if len(group.frames) < 2 and not alone and not group.blank:
        return False
    if group.level > DENSE and len(group.frames) < DENSE_SHARE * len(frames):
        return False
    thinner = sum(frame.thin_end < group.level - THINNER for frame in frames)
    return thinner <= few * len(frames)


def _lines(group: Group) -> bool:
    """Return whether a color is seen along at least two sides."""
    return len(group.frame_sides) > 1


def _light(first: Group, rivals: Sequence[Group], frames: Sequence[FrameLooks]) -> bool:
    """Return whether a color is light: beside the film, or on a frame without film."""
    ends = sorted(frame.thin_end for frame in frames)
    thin = ends[int(0.1 * (len(ends) - 1))]
    clear = first.level < LIGHT or first.blanks_only
    if not clear or thin <= first.level + BESIDE:
        return False
    return any(
        len(group.frame_sides) >= SHARE_OF_SIDES * len(first.frame_sides) for group in rivals
    )


def _group(members: list[tuple[PlainColor, int]]) -> Group:
    colors = [color for color, _ in members]
    density = _middle([color.density for color in colors])
    return Group(
        density=density,
        printed=_middle([color.printed for color in colors]),
        frames=frozenset(i for _, i in members),
        frame_sides=frozenset((i, side) for color, i in members for side in color.sides),
        blank=any(color.blank for color in colors),
        blanks_only=all(color.blank for color in colors),
        spread=round(max(_apart(color.density, density) for color in colors), 5),
    )


def _middle(colors: Sequence[Triple]) -> Triple:
    red, green, blue = (statistics.median(color[i] for color in colors) for i in range(3))
    return red, green, blue


def _apart(first: Triple, second: Triple) -> float:
    return max(abs(a - b) for a, b in zip(first, second, strict=True))
