"""Find the row of pictures across a strip, and the scale in cells per millimeter.

Covers candidates for the upper and lower edge of a strip's pictures: from the holes, from
the edges of the film, and from steps up from bare film over the whole length of the strip.
A wrong row spoils the scale and all columns, so several candidates are returned, and the
columns decide (``detect``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from divere_cli.frames import steps
from divere_cli.frames.formats import PERFORATION_EDGE, PERFORATION_HEIGHT, Format
from divere_cli.frames.perforations import Perforations
from divere_cli.frames.steps import Profile, Steps
from divere_cli.frames.straight import Strip

LEAST = 0.1  # share of columns that step: a strip may hold a single picture
PEAKS = 5
OFF = 0.9  # mm that a row may differ from the position given by holes or film edges
TOLERANCE = 0.02  # of a scale
BLOCK = 1 / 42  # of the strip's height
HOLES_TO_PICTURE = 0.7  # mm
HOLES_COVERED = 0.6  # mm of a perforated film's holes that may be in view and not recognized
MOST = 4
FITS = 0.025
CLEAR_EDGES = 0.9  # score of both edges that are clearly visible
CLEAR_ROWS = 1.2  # score of both edges from which the height of the pictures gives the scale


@dataclass(frozen=True)
class Rows:
    """A candidate: edges in rows of the strip, scale in cells per millimeter, and its evidence.

    ``score`` is the sum of the shares of columns that step at both edges, 0 to 2. ``scale_known``
    is whether the scale comes from holes or film edges and not from the pictures; ``fits``
    whether film and pictures have the heights of the format, None if this is unknown.
    """

    top: float
    bottom: float
    scale: float
    score: float
    scale_known: bool
    visible: tuple[bool, bool]
    fits: bool | None = None

    @property
    def clear(self) -> bool:
        """Whether both edges were clearly visible over the whole strip."""
        return all(self.visible) and self.score >= CLEAR_EDGES

    @property
    def measured(self) -> bool:
        """Whether the scale is certain enough to place an edge by the width of the format."""
        if not all(self.visible):
            return False
        return bool(self.fits) or (self.fits is None and self.score >= CLEAR_ROWS)


def block(strip: Strip) -> int:
    """Return the cells of a block in each direction.

    Parameters
    ----------
    strip : Strip
        The strip.
    """
    return max(4, round(int(strip.over.shape[0]) * BLOCK))


def profile(strip: Strip, scale: float, columns: slice = slice(None)) -> Steps:
    """Return the steps down the strip.

    Parameters
    ----------
    strip : Strip
        The strip.
    scale : float
        Cells per millimeter.
    columns : slice, default slice(None)
        The columns to look at.
    """
    size = block(strip)
    over, clear = strip.over[:, columns], strip.clear[:, columns]
    values, weight = steps.blocks(np.ascontiguousarray(over.T), np.ascontiguousarray(clear.T), size)
    return steps.steps(values, weight, scale, strip.noise, size)


def candidates(
    strip: Strip, holes: Perforations | None, form: Format, edge_steps: Steps
) -> list[Rows]:
    """Return the rows to try for a format, the likeliest first.

    Parameters
    ----------
    strip : Strip
        The strip.
    holes : Perforations or None
        Perforations of the strip, if there are any.
    form : Format
        The film format.
    edge_steps : Steps
        Steps down the strip.
    """
    guesses: list[Rows] = []
    if holes is not None and form.perforated:
        guesses.append(_by_holes(strip, holes, form, edge_steps))
    above, below = strip.edges
    if above is not None and below is not None:
        scale = (below - above) / form.film
        fits = holes is None or not form.perforated or abs(scale / holes.scale - 1) < TOLERANCE
        if fits:
            middle = 0.5 * (above + below)
            guesses.append(_about(edge_steps, middle, scale, form))
    if holes is None or not form.perforated:
        guesses += _free(strip, form, edge_steps)
    return [replace(guess, fits=_fits(guess, strip, form, holes)) for guess in _apart(guesses)]


def _fits(rows: Rows, strip: Strip, form: Format, holes: Perforations | None) -> bool | None:
    """Return whether film and pictures have the heights of a format; None if this is unknown."""
    above, below = strip.edges
    if above is None or below is None or not any(rows.visible):
        return None
    ratio = (rows.bottom - rows.top) / max(below - above, 1.0)
    fits = abs(ratio / (form.across / form.film) - 1) < FITS
    if fits:
        return True
    if form.perforated and holes is None and all(rows.visible):
        between = form.film - 2 * (PERFORATION_EDGE + PERFORATION_HEIGHT) + HOLES_COVERED
        if (below - above) / rows.scale > between:
            return False  # so much film would have holes in view
    # A holder may cover some of the film.
    return False if strip.free else None


def _by_holes(strip: Strip, holes: Perforations, form: Format, edge_steps: Steps) -> Rows:
    scale = holes.scale
    inner = []
    if holes.above is not None:
        inner.append(holes.above[1] + (HOLES_TO_PICTURE + form.across / 2) * scale)
    if holes.below is not None:
        inner.append(holes.below[0] - (HOLES_TO_PICTURE + form.across / 2) * scale)
    middle = float(np.mean(inner)) if inner else strip.over.shape[0] / 2
    return _about(edge_steps, middle, scale, form)


def _about(edge_steps: Steps, middle: float, scale: float, form: Format) -> Rows:
    """Return the row of a known scale around a middle."""
    half = form.across * scale / 2
    top = peak(edge_steps.rise, middle - half, OFF * scale)
    bottom = peak(edge_steps.fall, middle + half, OFF * scale)
    if top is not None and bottom is not None:
        off = abs((bottom - top) / (2 * half) - 1)
        if off > TOLERANCE:  # one of them is not an edge: use the stronger one
            if edge_steps.rise[int(top)] >= edge_steps.fall[int(bottom)]:
                bottom = None
            else:
                top = None
    visible = (top is not None, bottom is not None)
    if top is None and bottom is None:
        top, bottom = middle - half, middle + half
    elif top is None:
        assert bottom is not None
        top = bottom - 2 * half
    elif bottom is None:
        bottom = top + 2 * half
    assert bottom is not None
    score = _at(edge_steps.rise, top) * visible[0] + _at(edge_steps.fall, bottom) * visible[1]
    return Rows(top, bottom, scale, float(score), True, visible)


def _free(strip: Strip, form: Format, edge_steps: Steps) -> list[Rows]:
    """Return candidates from pairs of steps; one may be the border of the visible film."""
    height = strip.over.shape[0]
    clear_rows = np.flatnonzero(strip.clear.mean(axis=1) > 0.3)
    if not len(clear_rows):
        return []
    rims = (float(clear_rows[0]), float(clear_rows[-1] + 1))
    tops = [(float(p), float(edge_steps.rise[p]), True) for p in _peaks(edge_steps.rise, height)]
    bottoms = [(float(p), float(edge_steps.fall[p]), True) for p in _peaks(edge_steps.fall, height)]
    tops.append((rims[0], 0.0, False))
    bottoms.append((rims[1], 0.0, False))
    least = 0.97 * form.across / form.film * (rims[1] - rims[0])
    made = []
    for top, rise, above in tops:
        for bottom, fall, below in bottoms:
            if bottom - top < least:
                continue
            scale = (bottom - top) / form.across
            made.append(Rows(top, bottom, scale, rise + fall, False, (above, below)))
    return sorted(made, key=lambda rows: -rows.score)


def _peaks(profile: Profile, height: int) -> list[int]:
    """Return the positions of the highest peaks, well apart from one another."""
    apart = max(2, height // 60)
    remaining = profile.copy()
    peaks: list[int] = []
    for _ in range(PEAKS):
        at = int(np.argmax(remaining))
        if remaining[at] < LEAST:
            break
        flat = np.flatnonzero(remaining >= remaining[at] - 1e-6)
        flat = flat[np.abs(flat - at) <= apart]
        at = int(np.median(flat))
        peaks.append(at)
        remaining[max(0, at - apart) : at + apart + 1] = 0
    return peaks


def _apart(rows: list[Rows]) -> list[Rows]:
    distinct: list[Rows] = []
    for candidate in rows:
        near = 0.4 * candidate.scale
        if all(
            abs(candidate.top - other.top) > near or abs(candidate.bottom - other.bottom) > near
            for other in distinct
        ):
            distinct.append(candidate)
    return distinct[:MOST]


def peak(profile: Profile, at: float, reach: float, least: float = LEAST) -> float | None:
    """Return the middle of the highest position within reach; nearer ones are preferred a little.

    Parameters
    ----------
    profile : Profile
        Steps along the strip.
    at : float
        Position in cells.
    reach : float
        How far to look, in cells.
    least : float, default LEAST
        Least height.
    """
    low, high = max(0, int(np.floor(at - reach))), min(len(profile), int(np.ceil(at + reach)) + 1)
    if high <= low:
        return None
    positions = np.arange(low, high)
    worth = profile[low:high] - 0.15 * np.minimum(np.abs(positions - at) / max(reach, 1e-6), 1)
    best = int(np.argmax(worth))
    if profile[low + best] < least:
        return None
    same = positions[profile[low:high] >= profile[low + best] - 1e-6]
    same = same[np.abs(same - (low + best)) <= max(1.0, 0.4 * reach)]
    return float(np.mean(same))


def _at(profile: Profile, position: float) -> float:
    index = round(position)
    return float(profile[index]) if 0 <= index < len(profile) else 0.0
