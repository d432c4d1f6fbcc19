"""Locate the edges of pictures to a tenth of a millimeter, and decide which are visible.

Covers the search near the expected position of an edge, the position where the stepping
lines cross half of the step, and the substitute for an edge that is not visible.
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
CLEAR = 0.5  # share of lines at both edges of a single picture that defines the width
FAINT = 0.5  # share of lines below which an edge beside a clear one may lie within the picture
MARGIN = 0.25  # mm added where an edge is placed by the width of the format: cameras differ
NEITHER = "neither its left nor its right edge can be seen"
DOUBTFUL = 0.6  # ratio to the stronger edge above which either one may be wrong
LEAST_FILLED = 0.1
# mm: looked at beside a picture; blur of an edge; least visible gap
BESIDE, BLUR, LEAST_GAP = 1.5, 0.35, 0.3
BARE_GAP = 0.25  # share of lines that may be exposed in a gap
CLEAR_SIDE, CLEAR_OTHER = 0.6, 0.8  # shares of lines from which on an edge is beyond doubt


@dataclass(frozen=True)
class Side:
    """An edge: its expected or visible position in cells; the share of lines that step there."""

    at: float
    share: float
    visible: bool


@dataclass(frozen=True)
class Span:
    """A picture along the strip; ``why`` is the reason if it is not sure.

    ``assumed`` is whether one edge is placed by the width of other pictures or of the format,
    ``nominal`` whether it is by that of the format. ``exposed`` are the first and the last exposed
    column of a picture that is not sure.
    """

    left: Side
    right: Side
    filled: float
    sure: bool
    why: str = ""
    assumed: bool = False
    nominal: bool = False
    exposed: tuple[float, float] | None = None

    @property
    def width(self) -> float:
        return self.right.at - self.left.at


@dataclass(frozen=True)
class Width:
    """The width of a strip's pictures, all in cells.

    ``margin`` is added where an edge is placed by it. ``usable`` is whether an edge may be placed
    by it; ``nominal`` whether it is that of the format, and not measured.
    """

    cells: float
    margin: float
    tolerance: float
    usable: bool
    nominal: bool = False


@dataclass(frozen=True)
class Lines:
    """Blocks across the strip, and their steps along it."""

    values: Picture
    weight: Picture
    steps: Steps
    filled: Profile


def spans(
    row: Row,
    lines: Lines,
    scale: float,
    form: Format,
    template: float | None,
    nominal: bool = False,
) -> list[Span]:
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
    nominal : bool, default False
        Whether the scale is certain, so that the width of the format may be used where no
        picture shows its own.
    """
    refined = [_located(start, row.width, lines, scale, form.vary) for start in row.starts]
    measured = _template(refined, row.width, form, scale)
    if measured is None:
        measured = template
    if measured is not None:
        width = Width(measured, 0.0, WIDTH_SHARE * measured + WIDTH_MM * scale, True)
    else:
        varies = (form.vary + 0.01) * row.width
        tolerance = max(WIDTH_SHARE * row.width + WIDTH_MM * scale, varies)
        width = Width(row.width, MARGIN * scale, tolerance, nominal, nominal)
    settled = [_settled(picture, width) for picture in refined]
    return _bare_beside(settled, lines, scale)


def _located(start: float, width: float, lines: Lines, scale: float, vary: float) -> Span:
    left = side(lines.steps.rise, lines, start, scale, rising=True)
    right = side(lines.steps.fall, lines, start + width, scale, rising=False)
    if not right.visible:  # wider search, for cameras with longer or shorter pictures
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
    position = peak(profile, at, reach * scale, LEAST)
    if position is None:
        return Side(at, 0.0, False)
    share = float(profile[min(round(position), len(profile) - 1)])
    return Side(crossing(lines.values, lines.weight, position, scale, rising=rising), share, True)


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
    readable = weight[:, low:high] if rising else weight[:, low:high][:, ::-1]
    ends = max(1, reach // 2)
    first, last = part[:, :ends].mean(axis=1), part[:, -ends:].mean(axis=1)
    use = (readable.min(axis=1) > 0.4) & (last - first > 0.014) & (first < 0.06)
    if not use.any():
        return at
    curve = part[use].mean(axis=0)
    half = 0.5 * (float(first[use].mean()) + float(last[use].mean()))
    over = np.flatnonzero((curve[1:] >= half) & (curve[:-1] < half))
    if not len(over):
        return at
    index = int(over[np.argmin(np.abs(over + 1 - reach))])
    rise = float(curve[index + 1] - curve[index])
    # The value of a cell belongs to its middle.
    column = index + 0.5 + (half - float(curve[index])) / max(rise, 1e-6)
    return low + column if rising else high - column


def _bare_beside(pictures: list[Span], lines: Lines, scale: float) -> list[Span]:
    """Mark pictures as not sure if exposed film lies beside them.

    A picture is surrounded by bare film. If exposed film continues beyond an edge that is not
    clearly visible, the picture may continue, too.
    """
    made: list[Span] = []
    for index, picture in enumerate(pictures):
        before = pictures[index - 1].right.at if index else picture.left.at - BESIDE * scale
        after = (
            pictures[index + 1].left.at
            if index + 1 < len(pictures)
            else picture.right.at + BESIDE * scale
        )
        doubtful = (
            _exposed(lines, before, picture.left.at, scale)
            and not _clear(picture.left, picture.right),
            _exposed(lines, picture.right.at, after, scale)
            and not _clear(picture.right, picture.left),
        )
        if picture.sure and any(doubtful):
            side_ = "left" if doubtful[0] else "right"
            why = f"exposed film lies beside its {side_} edge, which is not clearly seen"
            picture = replace(picture, sure=False, why=why)
        made.append(picture)
    return made


def _clear(side_: Side, opposite: Side) -> bool:
    """Return whether the position of a side is certain: by its own step, or by the other side's."""
    return side_.share >= CLEAR_SIDE or opposite.share >= CLEAR_OTHER


def _exposed(lines: Lines, first: float, last: float, scale: float) -> bool:
    """Return whether the film between two pictures is exposed."""
    low = max(0, round(first + BLUR * scale))
    high = min(len(lines.filled), round(last - BLUR * scale))
    if high - low < max(2.0, LEAST_GAP * scale):
        return False
    return float(lines.filled[low:high].mean()) > BARE_GAP


def _template(pictures: list[Span], nominal: float, form: Format, scale: float) -> float | None:
    """Return the width of pictures that are visible on both sides, or None."""
    widths = [
        picture.width
        for picture in pictures
        if picture.left.visible
        and picture.right.visible
        and abs(picture.width / nominal - 1) < form.vary + 0.02
    ]
    if len(widths) == 1:
        clear = [
            o
            for o in pictures
            if min(o.left.share, o.right.share) >= CLEAR and o.width == widths[0]
        ]
        return widths[0] if clear else None
    return float(np.median(widths)) if widths else None


def _settled(picture: Span, width: Width) -> Span:
    """Decide the two sides of a picture, and whether they are sure."""
    left, right = picture.left, picture.right
    if picture.filled < LEAST_FILLED:
        return replace(picture, sure=False, why="hardly anything on it")
    if left.visible and right.visible:
        if abs(picture.width - width.cells) <= width.tolerance:
            return _outermost(picture, width)
        # One of them is an edge within the picture; if both are equally strong, it may be either.
        weak, strong = sorted((left.share, right.share))
        usable = width.usable and weak <= DOUBTFUL * strong
        why = "its edges do not fit its width"
        return _placed(picture, width, usable, why, by_left=left.share >= right.share)
    if not left.visible and not right.visible:
        return replace(picture, sure=False, why=NEITHER)
    missing = "right" if left.visible else "left"
    why = f"its {missing} edge cannot be seen, and no picture shows the width"
    return _placed(picture, width, width.usable, why, by_left=left.visible)


def _placed(picture: Span, width: Width, sure: bool, why: str, *, by_left: bool) -> Span:
    """Return a picture with one edge placed by the width from the other one."""
    cells = width.cells + width.margin
    if by_left:
        picture = replace(picture, right=Side(picture.left.at + cells, 0.0, False))
    else:
        picture = replace(picture, left=Side(picture.right.at - cells, 0.0, False))
    why = "" if sure else why
    return replace(picture, sure=sure, why=why, assumed=True, nominal=width.nominal)


def _outermost(picture: Span, width: Width) -> Span:
    """Return a picture both of whose edges fit; a faint one only if it is not within it.

    A step of a few lines beside a dark side may be an edge in the picture.
    """
    left, right = picture.left, picture.right
    if not width.usable or picture.width >= width.cells:
        return picture
    if left.share < FAINT and right.share >= CLEAR:
        left = Side(right.at - width.cells, 0.0, False)
    elif right.share < FAINT and left.share >= CLEAR:
        right = Side(left.at + width.cells, 0.0, False)
    return replace(picture, left=left, right=right)
