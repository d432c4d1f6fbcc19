"""Find the pictures on a small picture of a scan: the whole search.

Covers the way from linear light to crops: film and holder, pieces of film, rotation, rows
and columns for each possible format, choice of the format, edges, and which results are
sure. Pure functions of arrays. Reading scans is in ``task``, presets in ``preset``, the
dimensions of formats in ``formats``.

An unsure picture is kept whole: its crop reaches to the middle of both gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from divere_cli.frames import (
    columns,
    doubts,
    edges,
    evidence,
    film,
    neighbors,
    perforations,
    rows,
    steps,
    straight,
)
from divere_cli.frames.edges import Lines, Span
from divere_cli.frames.film import Picture
from divere_cli.frames.formats import FORMATS, Format
from divere_cli.frames.layout import FoundPicture, Hint, Layout, Result
from divere_cli.frames.rows import Rows
from divere_cli.frames.straight import Strip

LEAST_PIECE = 0.05  # share of the scan
MIDDLE = 0.84  # of a picture's height: flare rounds corners
BLANK = 0.005  # exposed share of a picture, below which it is blank
SQUARE = 1.7  # length over width up to which a piece is tried in both directions
ALIKE_FORMS = 0.02  # difference of two formats' shapes that does not matter
STRAIGHT = 0.08  # degrees of rotation of the rows above which the strip is straightened again
EXPOSED_PIECE = 0.2  # exposed share of a piece of film from which it must be in some crop
UNREAD = "no row of pictures was recognized on this piece of film"
ALL_FILM = "it may be a piece of film on a light, without a picture"
# Bare film across a picture: its highest exposed share, its height over that of the picture,
# and the penalty for a layout.
BARE_BAND, BAND, SPLIT = 0.05, 0.015, 1.5
LIGHT_SHOWN = 1.2  # worth from which a layout is accepted, if light was told from film


def find(
    light: Picture,
    forms: Sequence[Format] = FORMATS,
    count: int | None = None,
    hint: Hint | None = None,
) -> Result:
    """Find the pictures on a scan.

    Parameters
    ----------
    light : ndarray
        ``(rows, columns, 1 or 3)`` float32 linear light of 0 to 1, 8 to 30 cells a
        millimeter.
    forms : sequence of Format
        Formats to try.
    count : int or None
        Number of pictures on each strip, if known.
    hint : Hint or None
        Hint from other strips of the same roll.
    """
    layouts, unread, doubtful = _layouts(light, forms, count, hint, lamps=True)
    alternatives: list[Layout] = []
    swapped = False
    if doubtful:
        # Bare film around an even picture looks like light around film: try both.
        alternatives, _, _ = _layouts(light, forms, count, hint, lamps=False)
        if _worth(layouts) >= LIGHT_SHOWN:
            alternatives = []
        elif _worth(alternatives) > _worth(layouts):
            swapped = _worth(layouts) <= 0.0
            layouts, alternatives, unread = alternatives, layouts, []
    layouts = [_completed(layout) for layout in _ordered(_together(layouts, count, hint))]
    pictures = [picture for layout in layouts for picture in _corners(layout)]
    if swapped:
        pictures = [replace(p, sure=False, why=p.why or ALL_FILM) for p in pictures]
    pictures = doubts.apart(doubts.kept_whole(pictures, doubts.rivals(layouts, alternatives)))
    if len(layouts) == 1:  # a picture added by a rival is at the end
        axis = int(layouts[0].strip.place.upright)
        pictures.sort(key=lambda picture: float(picture.corners[:, axis].mean()))
    if pictures:
        pictures += [_unread(piece) for piece in unread]
    names = tuple(dict.fromkeys(layout.form.name for layout in layouts))
    turn = layouts[0].strip.place.turn if layouts else 0.0
    return Result(tuple(pictures), names, turn, _hint(layouts), tuple(layouts))


def _layouts(
    light: Picture, forms: Sequence[Format], count: int | None, hint: Hint | None, lamps: bool
) -> tuple[list[Layout], list[film.Piece], bool]:
    """Return the layout of each piece of film, and whether light may have been bare film.

    Pieces of exposed film on which no row of pictures was recognized come between the two.
    """
    sorted_ = film.sort(light, lamps)
    if sorted_ is None:
        return [], [], False
    layouts: list[Layout] = []
    unread: list[film.Piece] = []
    sure = False
    for mask in film.pieces(sorted_.area, LEAST_PIECE):
        piece = film.piece_of(sorted_, mask, lamps)
        if piece is None:
            continue
        best = _piece(piece, forms, count, hint)
        if best is not None:
            layouts.append(best)
            sure = sure or perforations.find(best.strip.holes) is not None
        elif (piece.over[piece.clear] > steps.FILLED).mean() > EXPOSED_PIECE:
            unread.append(piece)
    lit = sorted_.lamp or any(layout.strip.holes.any() for layout in layouts)
    return layouts, unread, (lit or not layouts) and lamps and not sure


def _unread(piece: film.Piece) -> FoundPicture:
    """Return all of a piece of film as one picture that is not sure."""
    height, width = piece.area.shape
    left, top = float(piece.left), float(piece.top)
    box = np.array([(left, top), (left + width, top + height)])
    corners = box[[0, 1, 1, 0], 0], box[[0, 0, 1, 1], 1]
    return FoundPicture(np.stack(corners, axis=1), 0.0, height > width, False, UNREAD)


def _worth(layouts: list[Layout]) -> float:
    return max((layout.quality for layout in layouts), default=0.0)


def _piece(
    piece: film.Piece, forms: Sequence[Format], count: int | None, hint: Hint | None
) -> Layout | None:
    height, width = piece.area.shape
    directions = [height > width]
    if max(height, width) < SQUARE * min(height, width):
        directions = [False, True]
    strips = [straight.straighten(piece, upright) for upright in directions]
    # Holes run along the film: they show its direction.
    holed = [strip for strip in strips if perforations.find(strip.holes) is not None]
    tried: list[Layout] = []
    for strip in holed or strips:
        upright = strip.place.upright
        layout = _strip(strip, forms, count, hint)
        if layout is None:
            continue
        if len(directions) > 1 and _split(layout):
            layout = replace(layout, quality=max(0.0, layout.quality - SPLIT))
        extra = _slope(layout)
        if abs(extra) > STRAIGHT:
            again = _strip(straight.straighten(piece, upright, extra), (layout.form,), count, hint)
            layout = replace(again, rivals=layout.rivals) if again else layout
        tried.append(layout)
    return _best(tried)


def _best(layouts: Sequence[Layout]) -> Layout | None:
    """Return the layout that explains the most, with its rivals."""
    best = max(layouts, key=lambda layout: layout.quality, default=None)
    if best is None:
        return None
    least = max(0.0, best.quality - doubts.lead(best))
    alternatives = [
        other for layout in layouts if layout is not best for other in (layout, *layout.rivals)
    ]
    rivals = [
        layout
        for layout in (*best.rivals, *alternatives)
        if layout.quality > least and layout.spans
    ]
    return replace(best, rivals=tuple(rivals))


def _split(layout: Layout) -> bool:
    """Return whether bare film runs along the strip through one of its pictures.

    Then these are two, and the strip lies the other way.
    """
    over, rows_ = layout.strip.over, layout.rows
    height = rows_.bottom - rows_.top
    first, last = round(rows_.top + 0.1 * height), round(rows_.bottom - 0.1 * height)
    for span in layout.spans:
        part = over[max(0, first) : last, max(0, round(span.left.at)) : round(span.right.at)]
        if min(part.shape) < 8:
            continue
        exposed = (steps.smoothed(part, 2) > steps.FILLED).mean(axis=1)
        middle = exposed[len(exposed) // 8 : -len(exposed) // 8]
        bare = middle < BARE_BAND
        if bare.sum() >= max(3, BAND * height) and exposed[0] > 0.3 and exposed[-1] > 0.3:
            return True
    return False


def _strip(
    strip: Strip, forms: Sequence[Format], count: int | None, hint: Hint | None
) -> Layout | None:
    """Return the layout (format, rows and columns) that explains a strip best."""
    holes = perforations.find(strip.holes)
    possible = [form for form in forms if holes is None or form.perforated] or list(forms)
    layouts: list[Layout] = []
    profiles: dict[float, steps.Steps] = {}
    lines: dict[tuple[int, int, int], Lines] = {}
    for form in possible:
        if form.film not in profiles:
            guess = holes.scale if holes is not None else strip.over.shape[0] / form.film
            profiles[form.film] = rows.profile(strip, guess)
        for candidate in rows.candidates(strip, holes, form, profiles[form.film]):
            key = (round(candidate.top), round(candidate.bottom), round(candidate.scale))
            if key not in lines:
                lines[key] = _lines(strip, candidate)
            layouts.append(_layout(strip, form, candidate, lines[key], count, hint))
    return _chosen(layouts, hint)


def _layout(
    strip: Strip, form: Format, candidate: Rows, lines: Lines, count: int | None, hint: Hint | None
) -> Layout:
    row = columns.best_row(
        lines.steps.rise, lines.steps.fall, lines.filled, candidate.scale, form, count
    )
    template = None
    if hint is not None and hint.form == form.name:
        template = hint.aspect * (candidate.bottom - candidate.top)
    spans = edges.spans(row, lines, candidate.scale, form, template, candidate.measured)
    spans = neighbors.confirmed(spans, lines, candidate.scale, form)
    unexplained = evidence.unexplained_share(spans, lines)
    quality = max(0.0, evidence.quality_of(spans, form, candidate, lines) - unexplained)
    split, joined = (
        evidence.count_split(spans, lines),
        evidence.count_joined(spans, lines, candidate.scale),
    )
    return Layout(strip, form, candidate, row, tuple(spans), quality, unexplained, split, joined)


def _completed(layout: Layout) -> Layout:
    """Return a layout with the pictures that only their neighbors can place."""
    lines, scale = _lines(layout.strip, layout.rows), layout.rows.scale
    widths = [
        span.width
        for span in layout.spans
        if span.sure and span.left.visible and span.right.visible
    ]
    width = float(np.median(widths)) if widths else layout.row.width
    spans = [_nominal(span, layout) for span in layout.spans]
    spans = neighbors.bounded(spans, lines, width, scale, layout.form)
    spans = neighbors.with_lost(spans, lines, width, scale)
    spans = neighbors.with_dark(spans, lines, width, scale)
    spans = neighbors.with_exposed(spans, lines)
    return replace(layout, spans=tuple(spans))


def _nominal(span: Span, layout: Layout) -> Span:
    """Return a picture; not sure if its width is that of the format, and the format in doubt."""
    if not (span.nominal and span.sure):
        return span
    for rival in layout.rivals:
        if abs(rival.form.aspect / layout.form.aspect - 1) > ALIKE_FORMS:
            return replace(span, sure=False, why=doubts.WHY.format(rival.form.name))
    return span


def _lines(strip: Strip, candidate: Rows) -> Lines:
    """Return blocks of the middle of the rows, and their steps along the strip."""
    inset = 0.5 * (1 - MIDDLE) * (candidate.bottom - candidate.top)
    top, bottom = max(0, round(candidate.top + inset)), round(candidate.bottom - inset)
    part = slice(top, max(bottom, top + 4))
    size = rows.block(strip)
    values, weight = steps.blocks(strip.over[part], strip.clear[part], size)
    profile = steps.steps(values, weight, candidate.scale, strip.noise, size)
    reach = max(1, round(0.25 * candidate.scale))
    exposed = steps.smoothed(values, reach) > steps.FILLED
    readable = weight > 0.3
    filled = (exposed & readable).sum(axis=0) / np.maximum(readable.sum(axis=0), 1)
    return Lines(values, weight, profile, filled.astype(np.float32))


def _chosen(layouts: list[Layout], hint: Hint | None) -> Layout | None:
    """Return the best layout; only layouts of the hinted format if there are any."""
    if hint is not None:
        hinted = [layout for layout in layouts if layout.form.name == hint.form]
        layouts = hinted or layouts
    best = _best(layouts)
    if best is None or best.quality <= 0.0 or not best.spans:
        return None
    return best


def _slope(layout: Layout) -> float:
    """Return the remaining rotation of the rows of pictures, degrees counter-clockwise."""
    places, above, below = [], [], []
    scale = layout.rows.scale
    for span in layout.spans:
        if not span.sure:
            continue
        # Each half of a picture gives a point of its own.
        for low, high in ((0.05, 0.5), (0.5, 0.95)):
            first, last = span.left.at + low * span.width, span.left.at + high * span.width
            part = slice(max(0, round(first)), max(1, round(last)))
            profile = rows.profile(layout.strip, scale, part)
            top, bottom = _row_edges(layout, part, profile)
            places.append(0.5 * (first + last))
            above.append(top)
            below.append(bottom)
    slopes = []
    for values in (above, below):
        use = np.array([v is not None for v in values], bool)
        if use.sum() >= 4:
            x = np.array(places)[use]
            y = np.array([v for v in values if v is not None])
            slope, middle = np.polyfit(x, y, 1)
            off = np.abs(y - slope * x - middle)
            inliers = off <= max(0.15 * scale, 2.5 * float(np.median(off)))
            if inliers.sum() >= 4:
                slopes.append(
                    (float(np.polyfit(x[inliers], y[inliers], 1)[0]), float(inliers.sum()))
                )
    if not slopes:
        return 0.0
    slope = sum(s * n for s, n in slopes) / sum(n for _, n in slopes)
    return -float(np.rad2deg(np.arctan(slope)))


def _row_edges(
    layout: Layout, part: slice, edge_steps: steps.Steps
) -> tuple[float | None, float | None]:
    strip, scale = layout.strip, layout.rows.scale
    size = rows.block(strip)
    over, clear = strip.over[:, part], strip.clear[:, part]
    values, weight = steps.blocks(np.ascontiguousarray(over.T), np.ascontiguousarray(clear.T), size)
    lines = Lines(values, weight, edge_steps, edge_steps.rise)
    top = edges.side(edge_steps.rise, lines, layout.rows.top, scale, rising=True)
    bottom = edges.side(edge_steps.fall, lines, layout.rows.bottom, scale, rising=False)
    return (top.at if top.visible else None), (bottom.at if bottom.visible else None)


def _together(layouts: list[Layout], count: int | None, hint: Hint | None) -> list[Layout]:
    """Repeat unclear strips of a scan with the format and width that the other strips show."""
    if len(layouts) < 2:
        return layouts
    common = _hint(layouts) or hint
    if common is None:
        return layouts
    made = []
    for layout in layouts:
        poor = layout.form.name != common.form or any(not span.sure for span in layout.spans)
        if poor:
            form = tuple(f for f in FORMATS if f.name == common.form)
            again = _strip(layout.strip, form, count, common)
            layout = again or layout
        made.append(layout)
    return made


def visible_aspects(result: Result) -> list[float]:
    """Return width over height of the pictures with both sides visible, of the first format.

    Parameters
    ----------
    result : Result
        The result of the search.
    """
    return [
        span.width / (layout.rows.bottom - layout.rows.top)
        for layout in result.layouts
        if layout.form.name == result.forms[0]
        for span in layout.spans
        if span.left.visible and span.right.visible and span.sure
    ]


def _hint(layouts: list[Layout]) -> Hint | None:
    """Return the format with most sure pictures on all strips, and their aspect; or None."""
    sure: dict[str, list[float]] = {}
    for layout in layouts:
        height = layout.rows.bottom - layout.rows.top
        for span in layout.spans:
            if span.left.visible and span.right.visible and span.sure:
                sure.setdefault(layout.form.name, []).append(span.width / height)
    if not sure:
        return None
    name = max(sure, key=lambda form: len(sure[form]))
    return Hint(name, float(np.median(sure[name]))) if len(sure[name]) >= 2 else None


def _ordered(layouts: list[Layout]) -> list[Layout]:
    """Return strips from top to bottom; upright ones from left to right."""
    return sorted(
        layouts,
        key=lambda layout: (
            layout.strip.place.left if layout.strip.place.upright else layout.strip.place.top
        ),
    )


def _corners(layout: Layout) -> list[FoundPicture]:
    """Return the pictures of a strip in cells of the small picture."""
    top, bottom, visible = _settled_rows(layout)
    scale, spans = layout.rows.scale, layout.spans
    rows_sure = all(visible) or (any(visible) and (layout.rows.scale_known or layout.rows.clear))
    pictures: list[FoundPicture] = []
    for index, span in enumerate(spans):
        if span.filled < BLANK and not (span.left.visible or span.right.visible):
            continue  # blank
        sure, why = span.sure, span.why
        if not rows_sure and sure:
            sure, why = False, "its upper or lower edge cannot be seen"
        left, right, high, low = span.left.at, span.right.at, top, bottom
        if not sure:
            left, right = doubts.crop_range(layout, index)
            high, low = high - doubts.ACROSS * scale, low + doubts.ACROSS * scale
            if len(spans) == 1:  # nothing on the strip shows its position
                left, right = min(left, 0.0), max(right, float(layout.strip.over.shape[1]))
                high, low = min(high, 0.0), max(low, float(layout.strip.over.shape[0]))
        box = np.array([(left, high), (right, high), (right, low), (left, low)])
        strip_place = layout.strip.place
        pictures.append(
            FoundPicture(strip_place.out(box), strip_place.turn, strip_place.upright, sure, why)
        )
    return pictures


def _settled_rows(layout: Layout) -> tuple[float, float, tuple[bool, bool]]:
    """Return the upper and lower edge of all pictures together; and which are visible."""
    columns_ = np.zeros(layout.strip.over.shape[1], bool)
    for span in layout.spans:
        columns_[max(0, round(span.left.at)) : max(0, round(span.right.at))] = True
    part = np.flatnonzero(columns_)
    rows_ = layout.rows
    if not len(part):
        return rows_.top, rows_.bottom, rows_.visible
    strip = replace(
        layout.strip, over=layout.strip.over[:, part], clear=layout.strip.clear[:, part]
    )
    profile = rows.profile(strip, rows_.scale)
    top, bottom = _row_edges(replace(layout, strip=strip), slice(None), profile)
    visible = (top is not None, bottom is not None)
    height = rows_.bottom - rows_.top
    if top is not None and bottom is not None:
        return top, bottom, visible
    if top is not None:
        return top, top + height, visible
    if bottom is not None:
        return bottom - height, bottom, visible
    return rows_.top, rows_.bottom, visible
