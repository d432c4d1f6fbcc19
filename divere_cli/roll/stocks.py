"""Separate two stocks of color film in one folder.

Covers stocks that follow each other, stocks that alternate, and stocks known by name (from
the code at the film's edge). Standard library only. Two stocks are distinguished by their
film bases, each seen on at least two frames: a denser strip of gray is not another stock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from divere_cli.roll import bare
from divere_cli.roll.bare import Group
from divere_cli.roll.measurement import FrameLooks, Triple

# Two stocks: their bases differ by more in one channel than in another; a denser gray would not.
OTHER_STOCK = 0.03
THINNER = 0.03  # density; no film is that much thinner than its base
# Stocks that alternate: their bases are as even as film is (a strip of wall differs from frame to
# frame), are seen on a share of the frames, and lie no further apart than those of two stocks do.
EVEN, SEEN, FAR = 0.016, 0.15, 0.3
CLEAR = 0.05  # density; shadows must be this much grayer to show which base a frame has

Looks = Mapping[int, FrameLooks]


def part(frames: list[int], looks: Looks) -> list[tuple[list[int], Group | None]]:
    """Divide frames into stocks, each with the film base that its frames show.

    Parameters
    ----------
    frames : list of int
        Color negatives, in the order of their names.
    looks : mapping of int to FrameLooks
        What was measured of each.
    """
    if not frames:
        return []
    base = bare.find([looks[i] for i in frames])
    border = _border(frames, looks)
    if border is not None:
        return part(frames[:border], looks) + part(frames[border:], looks)
    second_stock = None if base is None else _alternating(frames, looks, base)
    if second_stock is None:
        return [(frames, base)]
    first_stock = [i for i in frames if i not in second_stock]
    return [(first_stock, bare.find([looks[i] for i in first_stock])), *part(second_stock, looks)]


def by_name(frames: Sequence[int], names: Mapping[int, str]) -> list[tuple[str, list[int]]]:
    """Divide frames by the names of their stocks, where two or more names are known.

    A frame without a name goes with the one before it (the first ones with the first
    that has a name).

    Parameters
    ----------
    frames : sequence of int
        Numbers of the frames.
    names : Mapping[int, str]
        Name of the stock, by frame.
    """
    stock_names = [names[i] for i in frames if names.get(i)]
    if len(set(stock_names)) < 2:
        return []
    parts: dict[str, list[int]] = {}
    last = stock_names[0]
    for i in frames:
        last = names.get(i) or last
        parts.setdefault(last, []).append(i)
    return list(parts.items())


def strangers(frames: list[int], looks: Looks, base: Triple) -> list[int]:
    """Return the frames that show the base of another stock than this one.

    Parameters
    ----------
    frames : list of int
        Numbers of the frames.
    looks : Looks
        What was measured of each frame.
    base : Triple
        Densities of the film base (R, G, B).
    """
    without_base = [i for i in frames if not _shows(looks[i], base)]
    second = bare.find([looks[i] for i in without_base])
    if second is None or not differ(base, second.density):
        return []
    even = second.spread <= EVEN and _farthest(base, second.density) <= FAR
    return [i for i in without_base if _shows(looks[i], second.density)] if even else []


def differ(first: Triple, second: Triple) -> bool:
    """Return whether two film bases are those of two stocks.

    Parameters
    ----------
    first : Triple
        Densities (R, G, B).
    second : Triple
        Densities (R, G, B).
    """
    steps = [a - b for a, b in zip(first, second, strict=True)]
    return max(map(abs, steps)) > bare.ONE_COLOR and max(steps) - min(steps) > OTHER_STOCK


def _alternating(frames: list[int], looks: Looks, base: Group) -> list[int] | None:
    """Return the frames of a second stock among those of the first; None without one."""
    showing = {frames[position] for position in base.frames}
    without_base = [i for i in frames if i not in showing and not _shows(looks[i], base.density)]
    second = bare.find([looks[i] for i in without_base]) if len(without_base) > 1 else None
    if second is None or not _is_second(base, second, len(frames)):
        return None
    showing_second = {without_base[position] for position in second.frames}
    if any(_shows(looks[i], second.density) for i in showing):
        return None
    return [
        i
        for i in without_base
        if i in showing_second or _belongs(looks[i], second.density, base.density)
    ]


def _is_second(base: Group, second: Group, count: int) -> bool:
    """Return whether a film base is that of a second stock, and not a strip of wall."""
    far = _farthest(base.density, second.density)
    shown_on = min(len(base.frames), len(second.frames))
    even = max(base.spread, second.spread) <= EVEN
    return even and far <= FAR and shown_on >= max(2, SEEN * count) and _differ(base, second)


def _farthest(first: Triple, second: Triple) -> float:
    return max(abs(a - b) for a, b in zip(first, second, strict=True))


def _belongs(frame: FrameLooks, base: Triple, other_base: Triple) -> bool:
    """Return whether a frame without visible base is more likely on one stock than another."""
    if _thinner(frame, base) != _thinner(frame, other_base):
        return _thinner(frame, other_base)
    return _colored(frame, base) < _colored(frame, other_base) - CLEAR


def _colored(frame: FrameLooks, base: Triple) -> float:
    """Return how far the thinnest part of a picture is from gray above a base; density."""
    above = [thin - channel_base for thin, channel_base in zip(frame.thin, base, strict=True)]
    return max(above) - min(above)


def _border(frames: list[int], looks: Looks) -> int | None:
    """Return the index at which the second stock begins; None if there is only one stock."""
    best: tuple[int, int, int] | None = None
    common_base = bare.find([looks[i] for i in frames])
    for border in range(2, len(frames) - 1):
        before, after = frames[:border], frames[border:]
        before_base, after_base = (
            bare.find([looks[i] for i in before]),
            bare.find([looks[i] for i in after]),
        )
        if before_base is None or after_base is None or not _differ(before_base, after_base):
            continue
        if common_base is None or not (
            _same(common_base, before_base) or _same(common_base, after_base)
        ):
            continue
        if any(_shows(looks[i], after_base.density) for i in before):
            continue
        if any(_shows(looks[i], before_base.density) for i in after):
            continue
        wrong = sum(_thinner(looks[i], before_base.density) for i in before)
        wrong += sum(_thinner(looks[i], after_base.density) for i in after)
        frames_showing = len(before_base.frames) + len(after_base.frames)
        score = (frames_showing, -wrong, -abs(2 * border - len(frames)))
        if best is None or score > best[:3]:
            best = score
            best_border = border
    return None if best is None else best_border


def _differ(first: Group, second: Group) -> bool:
    """Return whether two film bases are those of two stocks."""
    return min(len(first.frames), len(second.frames)) > 1 and differ(first.density, second.density)


def _same(first: Group, second: Group) -> bool:
    away = (abs(a - b) for a, b in zip(first.density, second.density, strict=True))
    return max(away) <= bare.ONE_COLOR


def _shows(frame: FrameLooks, base: Triple) -> bool:
    """Whether this very base is seen: those of two stocks may lie 0.05 apart."""
    return bare.shows(frame, base, bare.ONE_COLOR)


def _thinner(frame: FrameLooks, base: Triple) -> bool:
    return any(
        thin < channel_base - THINNER for thin, channel_base in zip(frame.thin, base, strict=True)
    )
