"""Confirm and place pictures by their neighbors on the strip.

Covers pictures whose other edge is placed by the width of other pictures or of the format. The
visible edge may lie within the picture: the dark end of a night looks like bare film. It is the
edge of the picture if the distance to another picture of the strip is regular, and if no other
place of the picture is as regular. A picture without a visible edge fills the space that its
neighbors leave. Exposed film beside all pictures is a picture that is not sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.frames.edges import (
    CLEAR_OTHER,
    FAINT,
    LEAST_FILLED,
    NEITHER,
    Lines,
    Side,
    Span,
)
from divere_cli.frames.formats import Format

# mm: most overlap of two pictures; more than the usual gap; per picture left out between two
OVERLAP, WIDER, SKIPPED = 1.5, 1.8, 1.0
MOST_SKIPPED = 2
# Exposed share of a picture below which a visible edge that is not clear may lie within it.
DARK = 0.5
RIVAL = 0.5  # of the visible edge's share of lines: a step within the picture that may be its edge
# Shares of a picture's width: most space more than a picture needs; most fog beyond it; most
# exposed film between it and its neighbor.
MOST_SPACE, MOST_FOG, MOST_BETWEEN = 0.16, 0.35, 0.02
# Overlap that may be lost, as share of a picture; both gaps without an overlap, in usual gaps.
MOST_LOST, LEAST_GAPS = 0.015, 1.5
EXPOSED = 0.25  # share of lines from which a column is exposed
LEAST_RUN = 0.05  # of a picture: an exposed stretch
LEAST_LOST, ENDS = 0.3, 0.5  # share of a picture's width; mm to the end of the film
LOST = "exposed film that fits no row of pictures"
# Spots: share of lines, least columns of a picture's width, mm from a neighbor; least free film.
SPOT, LEAST_SPOTS, NEAR_SPOTS, LEAST_ROOM = 0.04, 0.03, 0.3, 0.97
SPOTS = "only a few spots of it are exposed"
NOT_CONFIRMED = "its {} edge cannot be seen, and no other picture confirms its place"
OTHERWISE = "its {} edge cannot be seen, and its dark part may lie on either side"


def confirmed(pictures: Sequence[Span], lines: Lines, scale: float, form: Format) -> list[Span]:
    """Return the pictures; those with an assumed edge are not sure without a confirmation.

    Parameters
    ----------
    pictures : sequence of Span
        The pictures of a strip in order.
    lines : Lines
        The lines that are read for edges.
    scale : float
        Cells per millimeter.
    form : Format
        The film format.
    """
    placed = [_hidden(picture) for picture in pictures]
    checked = [_continued(placed, index, scale, form) for index in range(len(placed))]
    for index, picture in enumerate(checked):
        if not (picture.assumed and picture.sure):
            continue
        missing = "right" if picture.left.visible else "left"
        others = [
            other.left.at
            for other in (*checked[:index], *checked[index + 1 :])
            if other.sure and (other.left.visible or other.right.visible)
        ]
        why = ""
        if not any(regular(picture.left.at - other, scale, form) for other in others):
            why = NOT_CONFIRMED.format(missing)
        elif _otherwise(picture, others, lines, scale, form):
            why = OTHERWISE.format(missing)
        if why:
            checked[index] = replace(picture, sure=False, why=why)
    return checked


def _hidden(picture: Span) -> Span:
    """Return a picture; hardly exposed and with one edge that is not clear, it has none."""
    clear = max(picture.left.share, picture.right.share) >= CLEAR_OTHER
    if picture.assumed and picture.sure and picture.filled < DARK and not clear:
        return replace(picture, sure=False, why=NEITHER)
    return picture


def _continued(pictures: Sequence[Span], index: int, scale: float, form: Format) -> Span:
    """Return a picture; not sure if it may go on beyond a faint edge, in the next one.

    A faint step may lie within a picture; the next one then is a part of it.
    """
    picture = pictures[index]
    others = [other.left.at for other in pictures if other.sure and other is not picture]
    if not picture.sure or any(regular(picture.left.at - at, scale, form) for at in others):
        return picture
    for side, beside in (("left", index - 1), ("right", index + 1)):
        edge = picture.left if side == "left" else picture.right
        other = pictures[beside] if 0 <= beside < len(pictures) else None
        if edge.share >= FAINT or other is None or other.sure or other.filled < LEAST_FILLED:
            continue
        hidden, why = (
            replace(edge, visible=False),
            f"its {side} edge is faint, and film beyond exposed",
        )
        if side == "left":
            return replace(picture, left=hidden, sure=False, why=why)
        return replace(picture, right=hidden, sure=False, why=why)
    return picture


def regular(distance: float, scale: float, form: Format) -> bool:
    """Return whether two pictures of a strip may be this far apart.

    Parameters
    ----------
    distance : float
        From one left edge to the other, cells; either sign.
    scale : float
        Cells per millimeter.
    form : Format
        The film format.
    """
    apart = abs(distance) / scale
    for skipped in range(MOST_SKIPPED + 1):
        first = skipped * form.pitch
        more = skipped * SKIPPED
        if form.along - OVERLAP - more <= apart - first <= form.pitch + WIDER + more:
            return True
    return False


def _otherwise(
    picture: Span, others: Sequence[float], lines: Lines, scale: float, form: Format
) -> bool:
    """Return whether the picture may end at a step within it, and lie farther out."""
    share = RIVAL * (picture.left.share + picture.right.share)
    inset = (0.25 + 0.02 * form.along) * scale
    low, high = round(picture.left.at + inset), round(picture.right.at - inset)
    profile = lines.steps.fall if picture.left.visible else lines.steps.rise
    film = _film(lines)
    steps = low + np.flatnonzero(profile[max(0, low) : max(0, high)] >= share)
    for step in steps:
        shift = step - picture.right.at if picture.left.visible else step - picture.left.at
        distances = [picture.left.at + shift - other for other in others]
        on_film = film[0] - scale <= picture.left.at + shift <= film[-1] + scale - picture.width
        free = all(abs(distance) >= (form.along - OVERLAP) * scale for distance in distances)
        if on_film and free and any(regular(distance, scale, form) for distance in distances):
            return True
    return False


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first column and end of each run of a mask."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _film(lines: Lines) -> NDArray[np.intp]:
    """Return the columns of a strip that are film."""
    columns = np.flatnonzero(lines.weight.mean(axis=0) > 0.5)
    return columns if len(columns) else np.arange(len(lines.filled))


def bounded(
    pictures: Sequence[Span], lines: Lines, width: float, scale: float, form: Format
) -> list[Span]:
    """Return the pictures; one without a visible edge is sure if its neighbors leave its space.

    Its crop is all of that space, so it holds the picture wherever it lies in it.

    Parameters
    ----------
    pictures : sequence of Span
        The pictures of a strip in order.
    lines : Lines
        The lines that are read for edges.
    width : float
        Width of a picture, cells.
    scale : float
        Cells per millimeter.
    form : Format
        The film format.
    """
    placed = list(pictures)
    for index, picture in enumerate(pictures):
        if picture.sure or picture.why != NEITHER or picture.filled < LEAST_FILLED:
            continue
        before = pictures[index - 1] if index else None
        after = pictures[index + 1] if index + 1 < len(pictures) else None
        space = _space(picture, before, after, width, scale, form)
        if space is not None and _holds_all(space, before, after, lines, width, scale):
            left, right = (Side(end, 0.0, False) for end in space)
            placed[index] = replace(picture, left=left, right=right, sure=True, why="")
    return placed


def _space(
    picture: Span,
    before: Span | None,
    after: Span | None,
    width: float,
    scale: float,
    form: Format,
) -> tuple[float, float] | None:
    """Return where a picture beside its neighbors lies for certain; None if that is too wide."""
    gap = (form.pitch - form.along) * scale
    farthest = gap + WIDER * scale + width * (1 + form.vary)
    # A dark picture may reach below its neighbor's visible edge, unless both gaps are wide.
    below = max(0.0, OVERLAP * scale - MOST_LOST * width)
    if before is not None and after is not None:
        both = after.left.at - before.right.at - width
        below = 0.0 if both >= LEAST_GAPS * gap else below
    first, last = -np.inf, np.inf
    for other in (before, after):
        if other is None:
            continue
        apart = abs(other.left.at - picture.left.at)
        if not other.sure or apart > (form.pitch + WIDER) * scale:
            return None
        side = other.right if other is before else other.left
        hidden = below if side.visible else OVERLAP * scale
        if other is before:
            first, last = max(first, side.at - hidden), min(last, side.at + farthest)
        else:
            first, last = max(first, side.at - farthest), min(last, side.at + hidden)
    fits = width * (1 - form.vary) <= last - first <= (1 + MOST_SPACE) * width
    return (float(first), float(last)) if fits else None


def _holds_all(
    space: tuple[float, float],
    before: Span | None,
    after: Span | None,
    lines: Lines,
    width: float,
    scale: float,
) -> bool:
    """Return whether no exposed film lies beside a space; a leader may, at the strip's end."""
    exposed = lines.filled > EXPOSED
    blur = 0.5 * scale
    low = before.right.at + blur if before is not None else 0.0
    high = after.left.at - blur if after is not None else float(len(exposed))
    left = exposed[max(0, round(low)) : max(0, round(space[0]))].sum()
    right = exposed[max(0, round(space[1])) : max(0, round(high))].sum()
    most_left, most_right = (
        (MOST_BETWEEN if other is not None else MOST_FOG) * width for other in (before, after)
    )
    return bool(left <= most_left and right <= most_right)


def with_lost(pictures: Sequence[Span], lines: Lines, width: float, scale: float) -> list[Span]:
    """Return the pictures, and an unsure one for each stretch of exposed film beside them all.

    Film that is exposed up to the end of the strip is a leader, or partly outside of the scan.

    Parameters
    ----------
    pictures : sequence of Span
        The pictures of a strip in order.
    lines : Lines
        The lines that are read for edges.
    width : float
        Width of a picture, cells.
    scale : float
        Cells per millimeter.
    """
    exposed = lines.filled > EXPOSED
    for picture in pictures:
        first, last = picture.left.at - scale, picture.right.at + scale
        exposed[max(0, round(first)) : max(0, round(last))] = False
    film = _film(lines)
    near = ENDS * scale
    lost = [
        Span(Side(float(a), 0.0, False), Side(float(b), 0.0, False), 1.0, False, LOST)
        for a, b in _runs(exposed)
        if b - a >= LEAST_LOST * width and film[0] + near < a and b < film[-1] - near
    ]
    return sorted((*pictures, *lost), key=lambda picture: picture.left.at)


def with_dark(pictures: Sequence[Span], lines: Lines, width: float, scale: float) -> list[Span]:
    """Return the pictures, and an unsure one wherever film beside them has exposed spots.

    A picture of the night may show no more than a few lights. Its place is at least as wide as
    a picture. Film that is exposed up to the end of the strip is a leader, or partly outside of
    the scan.

    Parameters
    ----------
    pictures : sequence of Span
        The pictures of a strip in order.
    lines : Lines
        The lines that are read for edges.
    width : float
        Width of a picture, cells.
    scale : float
        Cells per millimeter.
    """
    film = _film(lines)
    first, last = float(film[0]), float(film[-1] + 1)
    ends = [first, *(picture.right.at + NEAR_SPOTS * scale for picture in pictures)]
    starts = [*(picture.left.at - NEAR_SPOTS * scale for picture in pictures), last]
    dark: list[Span] = []
    for low, high in zip(ends, starts, strict=True):
        if high - low < LEAST_ROOM * width:
            continue
        begin = max(0, round(low))
        spots = [
            (begin + a, begin + b)
            for a, b in _runs(lines.filled[begin : max(0, round(high))] >= SPOT)
            if begin + a > first + ENDS * scale and begin + b < last - ENDS * scale
        ]
        if sum(b - a for a, b in spots) < LEAST_SPOTS * width:
            continue
        left = max(low, spots[-1][1] - width) if len(spots) else low
        right = min(high, spots[0][0] + width)
        left, right = min(left, spots[0][0]), max(right, spots[-1][1])
        dark.append(Span(Side(left, 0.0, False), Side(right, 0.0, False), 1.0, False, SPOTS))
    return sorted((*pictures, *dark), key=lambda picture: picture.left.at)


def with_exposed(pictures: Sequence[Span], lines: Lines) -> list[Span]:
    """Return the pictures; those that are not sure with the range of their exposed columns.

    Parameters
    ----------
    pictures : sequence of Span
        The pictures of a strip in order.
    lines : Lines
        The lines that are read for edges.
    """
    made: list[Span] = []
    for picture in pictures:
        low, high = max(0, round(picture.left.at)), max(0, round(picture.right.at))
        runs = [
            (first, last)
            for first, last in _runs(lines.filled[low:high] > EXPOSED)
            if last - first >= LEAST_RUN * (high - low)  # not the rim of a neighbor
        ]
        if not picture.sure and runs:
            exposed = float(low + runs[0][0]), float(low + runs[-1][1])
            picture = replace(picture, exposed=exposed)
        made.append(picture)
    return made
