"""Straighten a piece of film: it then runs along the columns, with level edges.

Covers the rotation of a piece, measured at the edges of its film, resampling without that
rotation, and converting positions back to the scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from divere_cli.frames.film import Bools, Floats, Picture, Piece

MOST_TURN = 4.0  # degrees
LEAST_TURN = 0.03  # below it the piece is not resampled
ROUNDS = 6
OUTLIER = 2.5
LEAST_SEEN = 0.4  # share of the columns of a film edge
WITHIN = 0.25  # degrees that the edges may differ by
MOST_DENSE = 0.6


@dataclass(frozen=True)
class Place:
    """Converts cells of the straight strip to cells of the small picture."""

    top: int
    left: int
    turn: float  # degrees, counter-clockwise, of the film in the picture
    upright: bool
    shape: tuple[int, int]  # of the piece's box in the small picture

    def out(self, points: Floats) -> Floats:
        """Convert points (n, 2) of x, y from cells of the strip to cells of the small picture."""
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
        ``(rows, columns)`` float32, density over bare film, clipped to -0.1 .. 0.6.
    clear, area, holes : ndarray
    noise, bare : float
        As in the piece.
    place : Place
    edges : tuple of float or None
        Rows of the upper and lower edge of the film; None if not in view.
    free : bool
        Whether these are edges of the film itself, and not of a holder.
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
        Degrees to turn in addition to the angle of the edges.
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
    """Return the rotation in degrees, counter-clockwise, from the edges of the film."""
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
    """Return slope, middle and scatter of the upper edge; None if it is not in view."""
    columns = area.shape[1]
    first = np.argmax(area, axis=0).astype(np.float64)
    use = area.any(axis=0) & ((first > 0.5) | (not rim))
    if use.sum() < max(16, LEAST_SEEN * columns):
        return None
    x = np.arange(columns, dtype=np.float64) - (columns - 1) / 2
    used = use.copy()
    slope = middle = 0.0
    scatter = np.inf
    # Ends of a turned strip belong to its short sides: the middle decides first.
    used &= np.abs(x) < 0.45 * columns
    for _ in range(ROUNDS):
        if used.sum() < max(16, LEAST_SEEN * 0.6 * columns):
            return None
        slope, middle = np.polyfit(x[used], first[used], 1)
        off = first - (slope * x + middle)
        scatter = max(1.4826 * float(np.median(np.abs(off[used]))), 0.3)
        used = use & (np.abs(off) < OUTLIER * scatter)
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
    """Return the rows of the film's edges; None where the film reaches the border of the scan."""
    rows = area.shape[0]
    edges: list[float | None] = []
    for below in (False, True):
        line = _line(area[::-1] if below else area, piece.rim[int(below)])
        if line is None or (piece.rim[int(below)] and line[1] <= 1.0):
            edges.append(None)
        else:
            edges.append(rows - line[1] if below else line[1])
    return edges[0], edges[1]
