"""What lies in one folder beside the roll: another stock, slides, black-and-white film.

Covers parting the frames of a folder into films before anything is pooled.
Standard library only.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from divere_cli.roll import bare
from divere_cli.roll.bare import Group
from divere_cli.roll.measurement import FrameLooks, Triple

What = Literal["film", "black-and-white", "positive"]

# Density. Red and blue of silver follow green but for grain, and its three densities are alike. A
# picture of one color (fog, dusk) follows green, too, but has the mask of its film.
GRAY_SCATTER, ALIKE, GRAY_AWAY = 0.02, 0.15, 0.2
MOSTLY = 0.7  # of the pictures: the whole roll is black-and-white
# Two stocks: their bases differ by more in one channel than in another; a denser gray would not.
OTHER_STOCK = 0.03
THINNER = 0.03  # density; no film is that much thinner than its base
FLAT = 0.8  # of a frame in two narrow windows of brightness: no picture


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of one film, by their place in the folder, and the film base that they show."""

    what: What
    frames: tuple[int, ...]
    base: Group | None = None


def part(frames: Sequence[FrameLooks | None]) -> tuple[Part, ...]:
    """Part the frames of a folder, in the order of their names; the largest film comes first.

    A frame of which nothing was measured goes with the frame before it.
    """
    known = [i for i, frame in enumerate(frames) if frame is not None]
    looks = {i: frame for i, frame in enumerate(frames) if frame is not None}
    gray = [i for i in known if is_gray(looks[i])]
    pictures = [i for i in known if is_picture(looks[i])]
    if gray and len(gray) >= MOSTLY * len(pictures):
        parts = [_silver(known, looks)]
    else:
        parts = _color([i for i in known if i not in gray], gray, looks)
    return tuple(sorted(_complete(parts, len(frames)), key=lambda one: -len(one.frames)))


def is_gray(frame: FrameLooks) -> bool:
    """Whether a picture has no color but that of its film."""
    alike = max(frame.thin) - min(frame.thin) < ALIKE
    return is_picture(frame) and alike and frame.looks[-1].gray_scatter < GRAY_SCATTER


def is_picture(frame: FrameLooks) -> bool:
    """Whether a frame is more than one or two plain areas."""
    blank = any(color.blank for color in frame.plain)
    return not blank and frame.looks[0].plateau < FLAT


def _silver(known: list[int], looks: dict[int, FrameLooks]) -> Part:
    return Part("black-and-white", tuple(known), bare.find([looks[i] for i in known]))


def _color(color: list[int], gray: list[int], looks: dict[int, FrameLooks]) -> list[Part]:
    """Color film, slides among it, and the gray frames that are none of its own."""
    positives = _positives(color, looks)
    negatives = [i for i in color if i not in positives]
    own = _typical([i for i in negatives if is_picture(looks[i])], looks)
    near = [i for i in gray if own and _away(looks[i].looks[0].chroma, own) < GRAY_AWAY]
    silver = [i for i in gray if i not in near]
    parts = _stocks(sorted(negatives + near), looks)
    if silver:
        parts.append(_silver(silver, looks))
    if positives:
        parts.append(Part("positive", tuple(positives)))
    return parts


def _positives(frames: list[int], looks: dict[int, FrameLooks]) -> list[int]:
    """Frames that cannot be of the film whose base the others show."""
    first = bare.find([looks[i] for i in frames], bare.SOME)
    if first is not None:
        own = _typical([i for i in frames if is_picture(looks[i])], looks)
        out = [i for i in frames if _is_positive(looks[i], first.density, own)]
        base = bare.find([looks[i] for i in frames if i not in out])
        if base is not None and len(out) <= bare.SOME * len(frames):
            return out
    return []


def _is_positive(frame: FrameLooks, base: Triple, own: tuple[float, float] | None) -> bool:
    """Whether a picture cannot be of the film: too thin for it, or too dense and of other color."""
    if own is None or not is_picture(frame):
        return False
    other = _away(frame.looks[0].chroma, own) > GRAY_AWAY
    return bare.is_thinner(frame, base) or (other and bare.is_denser(frame, base))


def _stocks(frames: list[int], looks: dict[int, FrameLooks]) -> list[Part]:
    """Part frames into runs of one stock each."""
    base = bare.find([looks[i] for i in frames])
    place = _border(frames, looks)
    if place is None:
        return [Part("film", tuple(frames), base)] if frames else []
    return _stocks(frames[:place], looks) + _stocks(frames[place:], looks)


def _border(frames: list[int], looks: dict[int, FrameLooks]) -> int | None:
    """Where one stock ends and the next begins; None where all are one."""
    best: tuple[int, int, int] | None = None
    whole = bare.find([looks[i] for i in frames])
    for place in range(2, len(frames) - 1):
        left, right = frames[:place], frames[place:]
        one, other = bare.find([looks[i] for i in left]), bare.find([looks[i] for i in right])
        if one is None or other is None or not _differ(one, other):
            continue
        if whole is None or not (_same(whole, one) or _same(whole, other)):
            continue
        if any(bare.shows(looks[i], other.density) for i in left):
            continue
        if any(bare.shows(looks[i], one.density) for i in right):
            continue
        wrong = sum(_thinner(looks[i], one.density) for i in left)
        wrong += sum(_thinner(looks[i], other.density) for i in right)
        seen = len(one.frames) + len(other.frames)
        found = (seen, -wrong, -abs(2 * place - len(frames)))
        if best is None or found > best[:3]:
            best = found
            at = place
    return None if best is None else at


def _differ(one: Group, other: Group) -> bool:
    """Whether two film bases are those of two stocks."""
    if min(len(one.frames), len(other.frames)) < 2:
        return False
    steps = [a - b for a, b in zip(one.density, other.density, strict=True)]
    return max(map(abs, steps)) > bare.ONE_COLOR and max(steps) - min(steps) > OTHER_STOCK


def _same(one: Group, other: Group) -> bool:
    away = (abs(a - b) for a, b in zip(one.density, other.density, strict=True))
    return max(away) <= bare.ONE_COLOR


def _thinner(frame: FrameLooks, base: Triple) -> bool:
    return any(thin < own - THINNER for thin, own in zip(frame.thin, base, strict=True))


def _typical(frames: list[int], looks: dict[int, FrameLooks]) -> tuple[float, float] | None:
    """The middle of the pictures' colors."""
    found = [looks[i].looks[0].chroma for i in frames]
    if not found:
        return None
    return statistics.median(u for u, _ in found), statistics.median(v for _, v in found)


def _away(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def _complete(parts: list[Part], count: int) -> list[Part]:
    """Put frames that nothing is known of with the frame before them."""
    owner = {i: n for n, part in enumerate(parts) for i in part.frames}
    if not parts:
        return [Part("film", tuple(range(count)))]
    members: list[list[int]] = [[] for _ in parts]
    last = owner[min(owner)] if owner else 0
    for i in range(count):
        last = owner.get(i, last)
        members[last].append(i)
    return [Part(one.what, tuple(own), one.base) for one, own in zip(parts, members, strict=True)]
