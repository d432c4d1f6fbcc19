"""A piece of film laid straight: along the columns, its edges level.

Covers the turn of a piece from the edges of its film, drawing it anew with that turn
taken off, and where its places lie in the scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from divere_cli.frames.film import Bools, Floats, Picture, Piece

MOST_TURN = 4.0  # degrees
LEAST_TURN = 0.03  # below it nothing is drawn anew
ROUNDS = 6
OUTLIER = 2.5
LEAST_SEEN = 0.4  # of a film edge's columns
WITHIN = 0.25  # degrees that the edges may differ by
MOST_DENSE = 0.6


@dataclass(frozen=True)
class Place:
    """From cells of the straight strip to cells of the small picture."""

    top: int
    left: int
    turn: float  # degrees, counter-clockwise, of the film in the picture
    upright: bool
    shape: tuple[int, int]  # of the piece's box in the small picture

    def out(self, points: Floats) -> Floats:
        """Points (n, 2) of x, y in cells of the strip to those of the small picture."""
        rows, columns = self.shape if not self.upright else self.shape[::-1]
        a = np.deg2rad(self.turn)
        x, y = points[:, 0] - columns / 2, points[:, 1] - rows / 2
        turned = np.stack(
            [
                np.cos(a) * x + np.sin(a) * y + columns / 2,
                -np.sin(a) * x + np.cos(a) * y + rows / 2,
            ],
            axis=1,
        )
        if self.upright:
            turned = turned[:, ::-1]
        return np.asarray(turned + np.array([self.left, self.top]))


@dataclass(frozen=True)
class Strip:
    """A straight piece of film.

    Attributes
    ----------
    over : ndarray
        ``(rows, columns)`` float32, density over bare film, cut to -0.1 .. 0.6.
    clear, area, holes : ndarray
    noise, bare : float
        As of the piece.
    place : Place
    edges : tuple of float or None
        Rows of the film's edges, above and below, where they are in view.
    free : bool
        Whether these are the film's own, and not a holder's.
    """

    over: Picture
    clear: Bools
    area: Bools
    holes: Bools
    noise: float
    bare: float
    place: Place
    edges: tuple[float | None, float | None]
    free: bool


def straighten(piece: Piece, upright: bool, extra: float = 0.0) -> Strip:
    """Turn a piece of film so that its edges are level.

    Parameters
    ----------
    piece : Piece
        The piece.
    upright : bool
        Whether the strip runs from top to bottom.
    extra : float, default 0.0
        Degrees to turn in addition to what the edges show.
    """
    turned = _transposed(piece) if upright else piece
    turn = _turn(turned) + extra
    place = Place(piece.top, piece.left, turn, upright, piece.area.shape)
    over = np.clip(turned.over, -0.1, MOST_DENSE)
    clear, area, holes = turned.clear, turned.area, turned.holes
    if abs(turn) >= LEAST_TURN:
        over, clear, area, holes = _drawn(over, clear, area, holes, turn)
    else:
        place = replace(place, turn=0.0)
    edges = _edges(area, turned)
    return Strip(over, clear, area, holes, turned.noise, turned.bare, place, edges, piece.free)


def _transposed(piece: Piece) -> Piece:
    return replace(
        piece,
        rim=(*piece.rim[2:], *piece.rim[:2]),
        over=np.ascontiguousarray(piece.over.T),
        clear=np.ascontiguousarray(piece.clear.T),
        area=np.ascontiguousarray(piece.area.T),
        holes=np.ascontiguousarray(piece.holes.T),
    )


def _turn(piece: Piece) -> float:
    """Degrees, counter-clockwise, from the edges of the film."""
    slopes: list[tuple[float, float]] = []
    for below in (False, True):
        line = _line(piece.area[::-1] if below else piece.area, piece.rim[int(below)])
        if line is not None:
            slopes.append((-line[0] if below else line[0], line[2]))
    if not slopes:
        return 0.0
    if len(slopes) == 2 and abs(slopes[0][0] - slopes[1][0]) > np.tan(np.deg2rad(WITHIN)):
        slopes = [min(slopes, key=lambda s: s[1])]
    # Rows count downward: film that falls to the right is turned clockwise.
    slope = float(np.mean([s for s, _ in slopes]))
    turn = -float(np.rad2deg(np.arctan(slope)))
    return turn if abs(turn) <= MOST_TURN else 0.0


def _line(area: Bools, rim: bool) -> tuple[float, float, float] | None:
    """Slope, middle and scatter of the upper edge; None where it is not in view."""
    columns = area.shape[1]
    first = np.argmax(area, axis=0).astype(np.float64)
    use = area.any(axis=0) & ((first > 0.5) | (not rim))
    if use.sum() < max(16, LEAST_SEEN * columns):
        return None
    x = np.arange(columns, dtype=np.float64) - (columns - 1) / 2
    kept = use.copy()
    slope = middle = 0.0
    scatter = np.inf
    # Ends of a turned strip belong to its short sides: the middle decides first.
    kept &= np.abs(x) < 0.45 * columns
    for _ in range(ROUNDS):
        if kept.sum() < max(16, LEAST_SEEN * 0.6 * columns):
            return None
        slope, middle = np.polyfit(x[kept], first[kept], 1)
        off = first - (slope * x + middle)
        scatter = max(1.4826 * float(np.median(np.abs(off[kept]))), 0.3)
        kept = use & (np.abs(off) < OUTLIER * scatter)
    return float(slope), float(middle), scatter


def _drawn(
    over: Picture, clear: Bools, area: Bools, holes: Bools, turn: float
) -> tuple[Picture, Bools, Bools, Bools]:
    rows, columns = over.shape
    a = np.deg2rad(turn)
    y = np.arange(rows, dtype=np.float32)[:, None] + np.float32(0.5 - rows / 2)
    x = np.arange(columns, dtype=np.float32)[None, :] + np.float32(0.5 - columns / 2)
    fx = np.float32(np.cos(a)) * x + np.float32(np.sin(a)) * y + np.float32(columns / 2 - 0.5)
    fy = -np.float32(np.sin(a)) * x + np.float32(np.cos(a)) * y + np.float32(rows / 2 - 0.5)
    inside = (fx > -0.5) & (fx < columns - 0.5) & (fy > -0.5) & (fy < rows - 0.5)
    fx, fy = np.clip(fx, 0, columns - 1.001), np.clip(fy, 0, rows - 1.001)
    left, top = fx.astype(np.int32), fy.astype(np.int32)
    fx -= left
    fy -= top
    at = top * np.int32(columns) + left
    right, low = np.int32(min(1, columns - 1)), np.int32(columns if rows > 1 else 0)
    flat = over.ravel()
    upper = flat[at] * (1 - fx) + flat[at + right] * fx
    lower = flat[at + low] * (1 - fx) + flat[at + low + right] * fx
    drawn = upper * (1 - fy) + lower * fy
    at = at + (fx > 0.5) * right + (fy > 0.5) * low
    return drawn, *(mask.ravel()[at] & inside for mask in (clear, area, holes))


def _edges(area: Bools, piece: Piece) -> tuple[float | None, float | None]:
    """Rows of the film's edges: None where the film goes on to the scan's own rim."""
    rows = area.shape[0]
    found: list[float | None] = []
    for below in (False, True):
        line = _line(area[::-1] if below else area, piece.rim[int(below)])
        if line is None or (piece.rim[int(below)] and line[1] <= 1.0):
            found.append(None)
        else:
            found.append(rows - line[1] if below else line[1])
    return found[0], found[1]
