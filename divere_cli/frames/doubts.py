"""Keep pictures whole if other formats explain a scan almost as well as the best one.

Covers the comparison of the found pictures with those of a rival layout. If a rival's picture
has exposed film outside of all crops, the crops that it overlaps are enlarged to contain it
and marked as not sure; if it overlaps none, an unsure crop is added. Rivals with the same
pictures (135 and 6x9 have the same aspect) change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from divere_cli.frames import edges, steps
from divere_cli.frames.edges import Span
from divere_cli.frames.film import Bools, Floats, Picture
from divere_cli.frames.layout import FoundPicture, Layout
from divere_cli.frames.steps import FILLED

LOST = 0.02  # share of a rival's picture that may be outside of all crops
ACROSS = 0.5  # mm kept beyond the row of an unsure picture
# How much better than its rivals a layout must be: a constant, and a part divided by the number
# of pictures, because few pictures may be chance. Within ALIKE dark parts of a rival count, too.
# RIVAL_OFF is the tolerance of a rival's edges in mm.
BETTER, BETTER_EACH, ALIKE, ALIKE_UNCLEAR, RIVAL_OFF = 0.4, 0.6, 0.2, 0.6, 0.5
UNEXPLAINED, ROWS_ALIKE, ROWS_LESS = 1.5, 0.1, 0.3
SEVERAL = 2  # pictures that are hardly all by chance
DOUBT = 0.35  # share of a picture's width that an unknown edge may be farther out
OVERLAP = 1.5  # mm that two pictures may share
SHARED = 0.3  # overlap, as share of the smaller one, from which two are the same picture
WHY = "it may be film of format {}, whose pictures lie otherwise: name the format with --film"
OTHER_ROWS = "its edges may lie otherwise: other ones are about as clear"


@dataclass(frozen=True)
class Rival:
    """A picture of another layout.

    Attributes
    ----------
    box : ndarray
        Left, top, right, bottom in cells of the small picture.
    points : ndarray
        ``(n, 2)`` points x, y, evenly spread over it except its rim.
    exposed : ndarray
        ``(n,)`` whether each point is exposed film; True for all points if the rival explains
        as much as the best layout.
    widest : ndarray
        All of the film that it may cover: the crop that is kept if no other picture covers it.
    form : str
        Name of its format.
    why : str
        Why the pictures that it contradicts are not sure.
    """

    box: Floats
    points: Floats
    exposed: Bools
    widest: Floats
    form: str
    why: str


def kept_whole(pictures: Sequence[FoundPicture], rivals: Sequence[Rival]) -> list[FoundPicture]:
    """Return the pictures; those that a rival contradicts are enlarged and not sure.

    Parameters
    ----------
    pictures : sequence of FoundPicture
        Pictures of the best layout.
    rivals : sequence of Rival
        Pictures of layouts that explain the scan about as well.
    """
    first = [box(picture.corners) for picture in pictures]
    boxes, reasons = list(first), [""] * len(pictures)
    added: list[Rival] = []
    # If a format shows exposed film outside of all crops, its dark pictures count, too.
    disputed = {rival.form for rival in rivals if _lost(rival, rival.points[rival.exposed], first)}
    for rival in (rival for rival in rivals if rival.form in disputed):
        if not _lost(rival, rival.points, boxes):
            continue
        overlapped = False
        for index, picture_box in enumerate(first):
            shared = _shared(rival.box, picture_box)
            if shared >= SHARED * min(_area(picture_box), _area(rival.box)):
                boxes[index] = _union(boxes[index], rival.box)
                reasons[index] = reasons[index] or rival.why
                overlapped = True
        if not overlapped:
            added.append(rival)
    corrected = [_grown(*values) for values in zip(pictures, boxes, reasons, strict=True)]
    corrected = _with_whole_rivals(corrected, rivals)
    if pictures:
        corrected += [_new(pictures[0], rival) for rival in _apart(added)]
    return corrected


def _with_whole_rivals(
    pictures: Sequence[FoundPicture], rivals: Sequence[Rival]
) -> list[FoundPicture]:
    """Return the pictures; unsure ones that share a rival's picture each hold all of it.

    Where no edge is clear, the border between two unsure crops may lie within a picture.
    """
    boxes = [box(picture.corners) for picture in pictures]
    grown = list(boxes)
    for rival in rivals:
        if not all(_lost(rival, rival.points, [crop]) for crop in boxes):
            continue
        least = SHARED * _area(rival.box)
        parts = [i for i, crop in enumerate(boxes) if _shared(rival.box, crop) >= least]
        if not any(pictures[i].sure for i in parts):
            for i in parts:
                grown[i] = _union(grown[i], rival.box)
    return [
        replace(picture, corners=_corners(crop)) if (crop != before).any() else picture
        for picture, crop, before in zip(pictures, grown, boxes, strict=True)
    ]


def apart(pictures: Sequence[FoundPicture]) -> list[FoundPicture]:
    """Return the pictures, with one for several uncertain ones of the same crop.

    Parameters
    ----------
    pictures : sequence of FoundPicture
        The pictures.
    """
    distinct: list[FoundPicture] = []
    for picture in pictures:
        same = [
            other
            for other in distinct
            if not (other.sure or picture.sure) and (other.corners == picture.corners).all()
        ]
        if not same:
            distinct.append(picture)
    return distinct


def _lost(rival: Rival, points: Floats, boxes: Sequence[Floats]) -> bool:
    """Return whether too many points of a rival's picture are outside of all boxes."""
    out = np.ones(len(points), bool)
    for left, top, right, bottom in boxes:
        x, y = points[:, 0], points[:, 1]
        out &= ~((x >= left) & (x <= right) & (y >= top) & (y <= bottom))
    return bool(out.sum() > LOST * len(rival.points))


def _grown(picture: FoundPicture, crop: Floats, why: str) -> FoundPicture:
    if not why:
        return picture
    return replace(picture, corners=_corners(crop), sure=False, why=picture.why or why)


def _new(like: FoundPicture, rival: Rival) -> FoundPicture:
    return replace(like, corners=_corners(rival.widest), sure=False, why=rival.why)


def _apart(rivals: Sequence[Rival]) -> list[Rival]:
    """Merge rivals that overlap into one, as large as all of them."""
    merged: list[Rival] = []
    for rival in rivals:
        box_, widest, separate = rival.box, rival.widest, []
        for other in merged:
            if _shared(box_, other.box) >= SHARED * min(_area(box_), _area(other.box)):
                box_, widest = _union(box_, other.box), _union(widest, other.widest)
            else:
                separate.append(other)
        merged = [*separate, replace(rival, box=box_, widest=widest)]
    return merged


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


def _corners(crop: Floats) -> Floats:
    left, top, right, bottom = crop
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _area(of: Floats) -> float:
    return float(max(0.0, of[2] - of[0]) * max(0.0, of[3] - of[1]))


def _shared(first: Floats, second: Floats) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    return _area(np.concatenate([low, high]))


def _union(first: Floats, second: Floats) -> Floats:
    return np.concatenate([np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])])


def rivals(layouts: list[Layout], others: list[Layout]) -> list[Rival]:
    """Return the pictures of all layouts that explain a strip, or the whole scan, about as well.

    Parameters
    ----------
    layouts : list of Layout
        Layouts of the strip.
    others : list of Layout
        Layouts of the whole scan.
    """
    pairs = [
        (layout.quality - _alike(layout), rival)
        for layout in layouts
        for rival in layout.rivals
        if _rows_possible(layout, rival) and not _contradicted(layout, rival)
    ]
    best = max((layout.quality for layout in layouts), default=0.0)
    pairs += [(best - ALIKE, other) for other in others if other.quality > best - lead(other)]
    forms = [layout.form.name for layout in layouts]
    pictures: list[Rival] = []
    for least, rival in sorted(pairs, key=lambda pair: -pair[1].quality):
        alike = rival.quality > least
        values = steps.smoothed(steps.smoothed(rival.strip.over, 2).T, 2).T
        pictures += [
            _rival(rival, index, values, alike, forms)
            for index, span in enumerate(rival.spans)
            if span.filled >= edges.LEAST_FILLED
        ]
    return pictures


def _rows_possible(layout: Layout, rival: Layout) -> bool:
    """Return whether the rows of a rival may be those of the pictures.

    Other rows of the same format must be as clear. A format with another film may need other
    rows, but hardly ones that are much less clear: many formats have nearly the same shape, and
    with rows moved to the edge of a holder each of them would contradict the others.
    """
    less = ROWS_ALIKE
    if rival.form != layout.form:
        less = ROWS_LESS if layout.rows.clear else np.inf
    apart_by = max(
        abs(rival.rows.top - layout.rows.top), abs(rival.rows.bottom - layout.rows.bottom)
    )
    near = RIVAL_OFF * min(rival.rows.scale, layout.rows.scale)
    same_rows = rival.form != layout.form and apart_by <= near
    return same_rows or rival.rows.score >= layout.rows.score - less


def _contradicted(layout: Layout, rival: Layout) -> bool:
    """Return whether the strip itself shows that a rival's pictures are none.

    Several of them have a bare gap within; or several go over into one another, on a strip that
    the better layout explains with pictures that do not.
    """
    pictures = sum(span.filled >= edges.LEAST_FILLED for span in rival.spans)
    if rival.split >= SEVERAL and 2 * rival.split >= pictures and not layout.split:
        return True
    measured = any(min(span.left.share, span.right.share) >= edges.CLEAR for span in layout.spans)
    return rival.joined >= SEVERAL and measured and not layout.joined


def _alike(layout: Layout) -> float:
    """Return how much less a rival may explain for its dark parts to count as pictures.

    Two pictures of one width between clear edges are hardly chance; a single one may be.
    """
    clear = sum(min(span.left.share, span.right.share) >= edges.CLEAR for span in layout.spans)
    return ALIKE if clear > 1 else ALIKE_UNCLEAR


def _rival(layout: Layout, index: int, values: Picture, alike: bool, forms: Sequence[str]) -> Rival:
    """Return a rival's picture with its exposed points, or all if it explains as much.

    ``forms`` are the formats of the better layouts.
    """
    span, inset = layout.spans[index], RIVAL_OFF * layout.rows.scale
    x = np.linspace(span.left.at + inset, span.right.at - inset, 60)
    y = np.linspace(layout.rows.top + inset, layout.rows.bottom - inset, 40)
    points = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    cells = np.clip(points.astype(int), 0, np.array(values.shape[::-1]) - 1)
    exposed = alike | (values[cells[:, 1], cells[:, 0]] > FILLED)
    exposed &= layout.strip.clear[cells[:, 1], cells[:, 0]]
    first, last = crop_range(layout, index)
    return Rival(
        _box(layout, span.left.at, span.right.at, 0.0),
        layout.strip.place.out(points),
        exposed,
        _box(layout, first, last, -ACROSS * layout.rows.scale),
        layout.form.name,
        WHY.format(layout.form.name) if layout.form.name not in forms else OTHER_ROWS,
    )


def lead(layout: Layout) -> float:
    """Return how much less another layout must explain not to count as a rival.

    A layout that leaves exposed film outside of its pictures has more rivals.

    Parameters
    ----------
    layout : Layout
        The layout.
    """
    shown_ = sum(span.filled >= edges.LEAST_FILLED for span in layout.spans)
    return BETTER + BETTER_EACH / max(1, shown_) + UNEXPLAINED * layout.unexplained


def crop_range(layout: Layout, index: int) -> tuple[float, float]:
    """Return both ends of the range that an unsure picture may cover.

    The range ends at near neighbors: a gap may be narrower than usual, or two pictures may
    overlap.

    Parameters
    ----------
    layout : Layout
        The layout.
    index : int
        Number of the picture.
    """
    spans, margin = layout.spans, ACROSS * layout.rows.scale
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
    leftmost, rightmost = left - doubt, right + doubt
    exposed = spans[index].exposed
    if exposed is not None:  # wherever it lies, it holds what is exposed of it
        leftmost = min(leftmost, exposed[1] - layout.row.width - margin)
        rightmost = max(rightmost, exposed[0] + layout.row.width + margin)
    left = min(left - margin, max(first, leftmost))
    right = max(right + margin, min(last, rightmost))
    return left, right


def _joined(before: Span, after: Span) -> bool:
    """Return whether the border between two unsure pictures is not visible."""
    return not (before.sure or after.sure or before.right.visible or after.left.visible)


def _box(layout: Layout, left: float, right: float, less: float) -> Floats:
    top, bottom = layout.rows.top + less, layout.rows.bottom - less
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return box(layout.strip.place.out(corners))
