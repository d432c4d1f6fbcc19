"""Formats that explain a scan about as well as the best one: what they say keeps pictures whole.

Covers the comparison of the pictures found with those that a rival layout shows. Where a
rival's picture has exposed film that no crop holds, the crops that it meets grow until they
hold it and are not sure; where it meets none, an unsure crop is added. Rivals that show the
same pictures (135 and 6x9 have one aspect) change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from divere_cli.frames import edges, steps
from divere_cli.frames.edges import Span
from divere_cli.frames.film import Bools, Floats, Picture
from divere_cli.frames.layout import Found, Layout
from divere_cli.frames.steps import FILLED

LOST = 0.02  # of a rival's picture that may lie outside of all crops
ACROSS = 0.5  # mm kept beyond the row of a picture that is not sure
# How much better than its rivals a layout must be, for all of its pictures and for each: the
# fewer they are, the more may be chance. Within ALIKE its dark places count, too. What a rival's
# edges may be off by, mm.
BETTER, BETTER_EACH, ALIKE, RIVAL_OFF = 0.4, 0.6, 0.2, 0.5
UNEXPLAINED, ROWS_ALIKE = 1.5, 0.1
DOUBT = 0.35  # of a picture's width that an edge may lie farther out, where it is not known
OVERLAP = 1.5  # mm that two pictures may share
SHARED = 0.3  # of either of the two that makes them the same picture
WHY = "it may be film of format {}, whose pictures lie otherwise: name the format with --film"


@dataclass(frozen=True)
class Rival:
    """A picture of another layout.

    Attributes
    ----------
    box : ndarray
        Left, top, right, bottom in cells of the small picture.
    points : ndarray
        ``(n, 2)`` places of x, y, evenly spread over it but for its rim.
    exposed : ndarray
        ``(n,)`` whether each is film that was exposed; all are, where the rival explains as
        much as the best.
    whole : ndarray
        All of the film that it may lie on: what is kept where it is the only one to show it.
    form : str
        Name of its format.
    """

    box: Floats
    points: Floats
    exposed: Bools
    whole: Floats
    form: str


def kept_whole(found: Sequence[Found], rivals: Sequence[Rival]) -> list[Found]:
    """Return the pictures, with those that a rival shows otherwise grown and not sure.

    Parameters
    ----------
    found : sequence of Found
        Of the best layout.
    rivals : sequence of Rival
        Pictures of layouts that explain the scan about as well.
    """
    first = [box(one.corners) for one in found]
    boxes, formats = list(first), [""] * len(found)
    added: list[Rival] = []
    # A format that has shown exposed film without a crop is believed of its dark pictures, too.
    disputed = {one.form for one in rivals if _lost(one, one.points[one.exposed], first)}
    for rival in (one for one in rivals if one.form in disputed):
        if not _lost(rival, rival.points, boxes):
            continue
        met = False
        for index, known in enumerate(first):
            shared = _shared(rival.box, known)
            if shared >= SHARED * min(_area(known), _area(rival.box)):
                boxes[index] = _union(boxes[index], rival.box)
                formats[index] = formats[index] or rival.form
                met = True
        if not met:
            added.append(rival)
    made = [_grown(*one) for one in zip(found, boxes, formats, strict=True)]
    if found:
        made += [_new(found[0], rival) for rival in _apart(added)]
    return made


def apart(found: Sequence[Found]) -> list[Found]:
    """Return the pictures, with one for several uncertain ones of the same crop.

    Parameters
    ----------
    found : sequence of Found
        The pictures.
    """
    kept: list[Found] = []
    for one in found:
        same = [k for k in kept if not (k.sure or one.sure) and (k.corners == one.corners).all()]
        if not same:
            kept.append(one)
    return kept


def _lost(rival: Rival, points: Floats, boxes: Sequence[Floats]) -> bool:
    """Return whether too many places of a rival's picture lie in no box."""
    out = np.ones(len(points), bool)
    for left, top, right, bottom in boxes:
        x, y = points[:, 0], points[:, 1]
        out &= ~((x >= left) & (x <= right) & (y >= top) & (y <= bottom))
    return bool(out.sum() > LOST * len(rival.points))


def _grown(one: Found, whole: Floats, form: str) -> Found:
    if not form:
        return one
    return replace(one, corners=_corners(whole), sure=False, why=one.why or WHY.format(form))


def _new(like: Found, rival: Rival) -> Found:
    return replace(like, corners=_corners(rival.whole), sure=False, why=WHY.format(rival.form))


def _apart(rivals: Sequence[Rival]) -> list[Rival]:
    """One of those that share a place, as large as all of them."""
    kept: list[Rival] = []
    for rival in rivals:
        box_, whole, rest = rival.box, rival.whole, []
        for other in kept:
            if _shared(box_, other.box) >= SHARED * min(_area(box_), _area(other.box)):
                box_, whole = _union(box_, other.box), _union(whole, other.whole)
            else:
                rest.append(other)
        kept = [*rest, replace(rival, box=box_, whole=whole)]
    return kept


def box(corners: Floats) -> Floats:
    """Return the bounding box of corners.

    Parameters
    ----------
    corners : Floats
        Points, shape (n, 2).

    Returns
    -------
    Floats
        Left, top, right and bottom, shape (4,).
    """
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _corners(whole: Floats) -> Floats:
    left, top, right, bottom = whole
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _area(of: Floats) -> float:
    return float(max(0.0, of[2] - of[0]) * max(0.0, of[3] - of[1]))


def _shared(one: Floats, other: Floats) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    return _area(np.concatenate([low, high]))


def _union(one: Floats, other: Floats) -> Floats:
    return np.concatenate([np.minimum(one[:2], other[:2]), np.maximum(one[2:], other[2:])])


def rivals(layouts: list[Layout], others: list[Layout]) -> list[Rival]:
    """Return the pictures of all layouts that explain a strip, or the whole scan, about as well.

    Parameters
    ----------
    layouts : list of Layout
        Layouts of the strip.
    others : list of Layout
        Layouts of the whole scan.
    """
    found = [
        (layout.quality, rival)
        for layout in layouts
        for rival in layout.rivals
        # Of the same format only rows that stand as clearly.
        if rival.form != layout.form or rival.rows.score >= layout.rows.score - ROWS_ALIKE
    ]
    best = max((one.quality for one in layouts), default=0.0)
    found += [(best, other) for other in others if other.quality > best - lead(other)]
    made: list[Rival] = []
    for quality, rival in sorted(found, key=lambda one: -one[1].quality):
        alike = rival.quality > quality - ALIKE
        values = steps.smoothed(steps.smoothed(rival.strip.over, 2).T, 2).T
        made += [
            _rival(rival, index, values, alike)
            for index, span in enumerate(rival.spans)
            if span.filled >= edges.LEAST_FILLED
        ]
    return made


def _rival(layout: Layout, index: int, values: Picture, alike: bool) -> Rival:
    """A rival's picture: the exposed places on it, or all where it explains as much."""
    span, less = layout.spans[index], RIVAL_OFF * layout.rows.scale
    x = np.linspace(span.left.at + less, span.right.at - less, 60)
    y = np.linspace(layout.rows.top + less, layout.rows.bottom - less, 40)
    points = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    cells = np.clip(points.astype(int), 0, np.array(values.shape[::-1]) - 1)
    exposed = alike | (values[cells[:, 1], cells[:, 0]] > FILLED)
    exposed &= layout.strip.clear[cells[:, 1], cells[:, 0]]
    first, last = whole(layout, index)
    return Rival(
        _box(layout, span.left.at, span.right.at, 0.0),
        layout.strip.place.out(points),
        exposed,
        _box(layout, first, last, -ACROSS * layout.rows.scale),
        layout.form.name,
    )


def lead(layout: Layout) -> float:
    """Return how much less a rival must explain to be none.

    A layout that leaves exposed film in no picture has more of them.

    Parameters
    ----------
    layout : Layout
        The layout.
    """
    shown_ = sum(span.filled >= edges.LEAST_FILLED for span in layout.spans)
    return BETTER + BETTER_EACH / max(1, shown_) + UNEXPLAINED * layout.left


def whole(layout: Layout, index: int) -> tuple[float, float]:
    """Return both ends of the cell that an uncertain picture may be in.

    Up to its neighbors, where these are near: a gap may be narrower than usual, or the two
    overlap.

    Parameters
    ----------
    layout : Layout
        The layout.
    index : int
        Number of the picture.
    """
    spans, more = layout.spans, ACROSS * layout.rows.scale
    start, end = index, index
    while start and _joined(spans[start - 1], spans[start]):
        start -= 1
    while end + 1 < len(spans) and _joined(spans[end], spans[end + 1]):
        end += 1
    left, right = spans[start].left.at, spans[end].right.at
    doubt = DOUBT * max(layout.row.width, right - left)
    shared = OVERLAP * layout.rows.scale
    first = spans[start - 1].right.at - shared if start else -np.inf
    last = spans[end + 1].left.at + shared if end + 1 < len(spans) else np.inf
    left = min(left - more, max(first, left - doubt))
    right = max(right + more, min(last, right + doubt))
    return left, right


def _joined(one: Span, other: Span) -> bool:
    """Return whether nothing shows where one unsure picture ends and the next begins."""
    return not (one.sure or other.sure or one.right.seen or other.left.seen)


def _box(layout: Layout, left: float, right: float, less: float) -> Floats:
    top, bottom = layout.rows.top + less, layout.rows.bottom - less
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return box(layout.strip.place.out(corners))
