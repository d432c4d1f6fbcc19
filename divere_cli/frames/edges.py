"""A picture's edges to a tenth of a millimeter, and which of them can be seen.

Covers the search near where the row of pictures expects an edge, the place where the
lines that step there cross half way, and what stands for an edge that cannot be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from divere_cli.frames.columns import Row
from divere_cli.frames.film import Picture
from divere_cli.frames.formats import Format
from divere_cli.frames.rows import peak
from divere_cli.frames.steps import Profile, Steps

REACH = 0.9  # mm
LEAST = 0.22  # share of lines
CROSSING = 0.35  # mm on each side
WIDTH_SHARE, WIDTH_MM = 0.02, 0.25
CLEAR = 0.5  # share of lines at both edges of a picture that shows the width alone
DOUBTFUL = 0.6  # of the stronger edge's share: from there on either may be the wrong one
LEAST_FILLED = 0.1
BESIDE, BLUR, LEAST_GAP = 1.5, 0.35, 0.3  # mm beside a picture; of its edge; of a gap that shows
BARE_GAP = 0.25  # share of lines that may be exposed in a gap
CLEAR_SIDE, CLEAR_OTHER = 0.6, 0.8  # shares of lines from which on an edge is beyond doubt


@dataclass(frozen=True)
class Side:
    """An edge: where it was expected or seen, cells; the share of lines that step there."""

    at: float
    share: float
    seen: bool


@dataclass(frozen=True)
class Span:
    """A picture along the strip; ``why`` says what is not sure of it."""

    left: Side
    right: Side
    filled: float
    sure: bool
    why: str = ""

    @property
    def width(self) -> float:
        return self.right.at - self.left.at


@dataclass(frozen=True)
class Lines:
    """Blocks across the strip, and their steps along it."""

    values: Picture
    weight: Picture
    steps: Steps
    filled: Profile


def spans(row: Row, lines: Lines, scale: float, form: Format, template: float | None) -> list[Span]:
    """Refine the pictures of a row.

    Parameters
    ----------
    row : Row
        The row, with about where its pictures begin.
    lines : Lines
        The lines that are read for edges.
    scale : float
        Cells per millimeter.
    form : Format
        The film format.
    template : float or None
        Width of this roll's pictures in cells, where other strips have shown it.
    """
    found = [_seen(start, row.width, lines, scale, form.vary) for start in row.starts]
    wide = _template(found, row.width, form, scale)
    width = wide if wide is not None else template
    known = width is not None
    settled = [
        _settled(one, width if width is not None else row.width, known, scale, form)
        for one in found
    ]
    return _bare_beside(settled, lines, scale)


def _seen(start: float, width: float, lines: Lines, scale: float, vary: float) -> Span:
    left = side(lines.steps.rise, lines, start, scale, rising=True)
    right = side(lines.steps.fall, lines, start + width, scale, rising=False)
    if not right.seen:  # the row allows for cameras whose pictures are longer or shorter
        reach = REACH + vary * width / scale
        right = side(lines.steps.fall, lines, start + width, scale, rising=False, reach=reach)
    low, high = max(0, round(left.at)), min(len(lines.filled), round(right.at))
    filled = float(lines.filled[low:high].mean()) if high > low else 0.0
    return Span(left, right, filled, True)


def side(
    profile: Profile, lines: Lines, at: float, scale: float, *, rising: bool, reach: float = REACH
) -> Side:
    """Return the edge near a position.

    Parameters
    ----------
    profile : Profile
        Steps along the strip.
    lines : Lines
        The lines that are read for the edge.
    at : float
        Position in cells.
    scale : float
        Cells per millimeter.
    rising : bool
        Whether the step goes up.
    reach : float, default REACH
        How far to look, in cells.
    """
    found = peak(profile, at, reach * scale, LEAST)
    if found is None:
        return Side(at, 0.0, False)
    share = float(profile[min(round(found), len(profile) - 1)])
    return Side(crossing(lines.values, lines.weight, found, scale, rising=rising), share, True)


def crossing(values: Picture, weight: Picture, at: float, scale: float, *, rising: bool) -> float:
    """Return where lines that step near a position cross half of the step.

    Parameters
    ----------
    values : Picture
        Values of the lines, shape (lines, cells).
    weight : Picture
        Their weights, same shape.
    at : float
        Position in cells; borders of cells count from 0.
    scale : float
        Cells per millimeter.
    rising : bool
        Whether the step goes up.
    """
    reach = max(2, round(CROSSING * scale))
    middle = round(at)
    low, high = middle - reach, middle + reach
    if low < 0 or high > values.shape[1]:
        return at
    part = values[:, low:high] if rising else values[:, low:high][:, ::-1]
    seen = weight[:, low:high] if rising else weight[:, low:high][:, ::-1]
    ends = max(1, reach // 2)
    first, last = part[:, :ends].mean(axis=1), part[:, -ends:].mean(axis=1)
    use = (seen.min(axis=1) > 0.4) & (last - first > 0.014) & (first < 0.06)
    if not use.any():
        return at
    curve = part[use].mean(axis=0)
    half = 0.5 * (float(first[use].mean()) + float(last[use].mean()))
    over = np.flatnonzero((curve[1:] >= half) & (curve[:-1] < half))
    if not len(over):
        return at
    index = int(over[np.argmin(np.abs(over + 1 - reach))])
    rise = float(curve[index + 1] - curve[index])
    # A cell's value stands at its middle.
    place = index + 0.5 + (half - float(curve[index])) / max(rise, 1e-6)
    return low + place if rising else high - place


def _bare_beside(found: list[Span], lines: Lines, scale: float) -> list[Span]:
    """Withdraw what was believed of pictures that exposed film lies beside.

    Bare film surrounds a picture. Where exposed film goes on beyond an edge that was not
    clearly seen, the picture may go on, too.
    """
    made: list[Span] = []
    for index, one in enumerate(found):
        before = found[index - 1].right.at if index else one.left.at - BESIDE * scale
        after = (
            found[index + 1].left.at if index + 1 < len(found) else one.right.at + BESIDE * scale
        )
        doubtful = (
            _exposed(lines, before, one.left.at, scale) and not _clear(one.left, one.right),
            _exposed(lines, one.right.at, after, scale) and not _clear(one.right, one.left),
        )
        if one.sure and any(doubtful):
            side_ = "left" if doubtful[0] else "right"
            why = f"exposed film lies beside its {side_} edge, which is not clearly seen"
            one = replace(one, sure=False, why=why)
        made.append(one)
    return made


def _clear(side_: Side, other: Side) -> bool:
    """Return whether a side's place is beyond doubt: by its own step, or by the other's."""
    return side_.share >= CLEAR_SIDE or other.share >= CLEAR_OTHER


def _exposed(lines: Lines, first: float, last: float, scale: float) -> bool:
    """Return whether the film between two pictures is exposed."""
    low = max(0, round(first + BLUR * scale))
    high = min(len(lines.filled), round(last - BLUR * scale))
    if high - low < max(2.0, LEAST_GAP * scale):
        return False
    return float(lines.filled[low:high].mean()) > BARE_GAP


def _template(found: list[Span], nominal: float, form: Format, scale: float) -> float | None:
    """The width of pictures that are seen on both sides."""
    widths = [
        one.width
        for one in found
        if one.left.seen and one.right.seen and abs(one.width / nominal - 1) < form.vary + 0.02
    ]
    if len(widths) == 1:
        clear = [
            o for o in found if min(o.left.share, o.right.share) >= CLEAR and o.width == widths[0]
        ]
        return widths[0] if clear else None
    return float(np.median(widths)) if widths else None


def _settled(one: Span, width: float, known: bool, scale: float, form: Format) -> Span:
    """Decide what a picture's sides are, and whether they are sure."""
    left, right = one.left, one.right
    tolerance = WIDTH_SHARE * width + WIDTH_MM * scale
    if not known:
        tolerance = max(tolerance, (form.vary + 0.01) * width)
    if one.filled < LEAST_FILLED:
        return replace(one, sure=False, why="hardly anything on it")
    if left.seen and right.seen:
        if abs(one.width - width) <= tolerance:
            return one
        # One of the two is an edge within the picture; where both stand alike, either may be.
        weak, strong = sorted((left.share, right.share))
        known = known and weak <= DOUBTFUL * strong
        if left.share >= right.share:
            right = Side(left.at + width, 0.0, False)
        else:
            left = Side(right.at - width, 0.0, False)
        why = "its edges do not fit its width"
        return replace(one, left=left, right=right, sure=known, why="" if known else why)
    if not left.seen and not right.seen:
        return replace(one, sure=False, why="neither its left nor its right edge can be seen")
    if left.seen:
        right = Side(left.at + width, 0.0, False)
    else:
        left = Side(right.at - width, 0.0, False)
    missing = "right" if left.seen else "left"
    why = "" if known else f"its {missing} edge cannot be seen, and no picture shows the width"
    return replace(one, left=left, right=right, sure=known, why=why)
