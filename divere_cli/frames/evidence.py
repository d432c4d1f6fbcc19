"""Measure how well a layout of pictures explains a strip.

Covers the quality by which formats and rows are compared, the share of exposed film that is in
no picture, and the counts of pictures that the strip itself contradicts. Edges are located in
``edges``; the choice of the best layout is in ``detect``.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from divere_cli.frames import columns, edges, steps
from divere_cli.frames.edges import Lines, Span
from divere_cli.frames.formats import FORMATS, Format
from divere_cli.frames.rows import Rows

# Weights: share of strong steps that are edges; a gap within a picture (it is then two).
EXPLAINED, GAP_WITHIN = 0.75, 0.6
STRONG, MOST_STRONG, NEAR = 0.5, 40, 0.5  # share of lines; steps; mm
MOST_OVERLAPS = 2  # sides that need not be visible
LEAST_EDGES = 0.35  # visible edges per picture, at least: else there is no row of pictures
# Weights in units of visible edges per picture: rows are visible; film and pictures have the
# heights of the format; most film is 135.
ROWS_SEEN, ROWS_BOTH, FILM_FITS, FILM_DIFFERS, USUAL = 0.4, 0.1, 0.12, 1.0, 0.1
SPACED = 0.15  # weight of deviations from the regular distance of pictures
# A bare gap within a picture: share of lines at both of its edges, most share of the width.
CLEAR_GAP, MOST_GAP = 0.8, 0.1


def quality_of(spans: list[Span], form: Format, candidate: Rows, lines: Lines) -> float:
    """Return the quality of a layout in visible edges per picture, without its ``unexplained``.

    Parameters
    ----------
    spans : list of Span
        The pictures of the strip in order.
    form : Format
        The film format.
    candidate : Rows
        The rows of the pictures.
    lines : Lines
        The lines that are read for edges.
    """
    filled = [span for span in spans if span.filled >= edges.LEAST_FILLED]
    if not filled:
        return 0.0
    visible = _edges_seen(filled)
    if visible < LEAST_EDGES:
        return 0.0
    strong, gaps = _explained(spans, lines, candidate.scale)
    fits = {True: FILM_FITS, False: -FILM_DIFFERS, None: 0.0}[candidate.fits]
    usual = USUAL if form.name == FORMATS[0].name else 0.0
    fits += ROWS_BOTH * all(candidate.visible)
    against = GAP_WITHIN * gaps / len(filled)
    against += SPACED * columns.spacing([span.left.at for span in spans], candidate.scale, form)
    return visible + EXPLAINED * strong + ROWS_SEEN * candidate.score + fits + usual - against


def unexplained_share(spans: list[Span], lines: Lines) -> float:
    """Return the share of the exposed film along a strip that is in no picture, 0 to 1.

    Parameters
    ----------
    spans : list of Span
        The pictures of the strip in order.
    lines : Lines
        The lines that are read for edges.
    """
    covered = np.zeros(len(lines.filled), bool)
    for span in spans:
        covered[max(0, round(span.left.at)) : max(0, round(span.right.at))] = True
    return float(lines.filled[~covered].sum()) / max(float(lines.filled.sum()), 1.0)


def _edges_seen(spans: list[Span]) -> float:
    """Return visible edges per picture, 0 to 2; at an overlap neither edge can be visible."""
    visible, sides, overlaps = 0.0, 0, 0
    for index, span in enumerate(spans):
        for side, neighbor in ((span.left, index - 1), (span.right, index + 1)):
            beside = spans[neighbor] if 0 <= neighbor < len(spans) else None
            over = beside is not None and (
                beside.right.at > side.at if neighbor < index else beside.left.at < side.at
            )
            if over and not side.visible and overlaps < MOST_OVERLAPS:
                overlaps += 1
                continue
            sides += 1
            visible += min(1.0, 1.3 * side.share) if side.visible else 0.0
    return 2.0 * visible / max(sides, 1)


def _explained(spans: list[Span], lines: Lines, scale: float) -> tuple[float, int]:
    """Return the share of strong steps that are edges, and the number of pictures with a gap."""
    near = max(2.0, NEAR * scale)
    rises, falls = _strong(lines.steps.rise, near), _strong(lines.steps.fall, near)
    lefts, rights = [span.left.at for span in spans], [span.right.at for span in spans]
    met = [any(abs(column - at) <= near for at in lefts) for column in rises]
    met += [any(abs(column - at) <= near for at in rights) for column in falls]
    gaps = 0
    for span in spans:
        low, high = span.left.at + 2 * near, span.right.at - 2 * near
        ends = [column for column in falls if low < column < high]
        gaps += any(end < start < high for end in ends for start in rises)
    return (sum(met) / len(met) if met else 0.0), gaps


def count_split(spans: list[Span], lines: Lines) -> int:
    """Return the number of pictures with a bare gap between clear edges in them.

    Parameters
    ----------
    spans : list of Span
        The pictures of the strip in order.
    lines : Lines
        The lines that are read for edges.
    """
    number = 0
    for span in spans:
        most = round(MOST_GAP * span.width)
        low, high = max(0, round(span.left.at) + most), max(0, round(span.right.at) - most)
        ends = low + np.flatnonzero(lines.steps.fall[low:high] >= CLEAR_GAP)
        starts = low + np.flatnonzero(lines.steps.rise[low:high] >= CLEAR_GAP)
        number += any(
            0 < start - end <= most and float(lines.filled[end:start].min()) < edges.BARE_GAP
            for end in ends
            for start in starts
        )
    return number


def count_joined(spans: list[Span], lines: Lines, scale: float) -> int:
    """Return the number of neighbors without a visible edge or bare film between them.

    Parameters
    ----------
    spans : list of Span
        The pictures of the strip in order.
    lines : Lines
        The lines that are read for edges.
    scale : float
        Cells per millimeter.
    """
    number = 0
    for before, after in pairwise(spans):
        if before.right.visible or after.left.visible:
            continue
        low, high = sorted((before.right.at, after.left.at))
        between = lines.filled[max(0, round(low - scale)) : max(0, round(high + scale))]
        number += len(between) > 0 and float(between.min()) > edges.BARE_GAP
    return number


def _strong(profile: steps.Profile, near: float) -> list[int]:
    remaining = profile.copy()
    places: list[int] = []
    while len(places) < MOST_STRONG:
        at = int(np.argmax(remaining))
        if remaining[at] < STRONG:
            break
        places.append(at)
        remaining[max(0, at - round(2 * near)) : at + round(2 * near) + 1] = 0
    return places
