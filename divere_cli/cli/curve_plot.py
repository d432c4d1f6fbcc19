"""Draw density curves with letters, for any terminal, pipe or log.

Covers red, green and blue as the grade applies them (the common curve, then that of the
channel). Nothing is colored: the letter shows which channel a curve belongs to.
"""

from __future__ import annotations

import itertools

from divere_cli.records.grade import Curves, Points

WIDTH, HEIGHT = 61, 21
ALL = "*"


def plot(curves: Curves, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Draw curves into ``height`` lines of ``width`` characters, with axes.

    x is the input and y the output, both 1 - density / log10(65536): black at 0, white at 1.
    ``*`` is printed where curves coincide.

    Parameters
    ----------
    curves : Curves
        Density curves.
    width : int, default WIDTH
        Characters in a line.
    height : int, default HEIGHT
        Lines.
    """
    field = [[" "] * width for _ in range(height)]
    for letter, points in (("R", curves.r), ("G", curves.g), ("B", curves.b)):
        for column in range(width):
            x = column / (width - 1)
            y = at(points, at(curves.rgb, x))
            row = round((1.0 - y) * (height - 1))
            field[row][column] = letter if field[row][column] == " " else ALL
    lines = [f"{_label(row, height):>4} |{''.join(field[row])}|" for row in range(height)]
    rule = "     +" + "-" * width + "+"
    scale = "      0" + "0.5".center(width - 2) + "1"
    return [rule, *lines, rule, scale]


def _label(row: int, height: int) -> str:
    middle = (height - 1) // 2
    return {0: "1", middle: "0.5", height - 1: "0"}.get(row, "")


def at(points: Points, x: float) -> float:
    """Return the value of a piecewise linear curve, constant beyond its ends, within 0 to 1.

    Parameters
    ----------
    points : Points
        Pairs of x and y, by rising x; none for the diagonal.
    x : float
        Position, 0 to 1.
    """
    if not points:
        return x
    value = points[-1][1]
    if x <= points[0][0]:
        value = points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 < x <= x1:
            value = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
            break
    return min(max(value, 0.0), 1.0)
