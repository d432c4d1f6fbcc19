"""Measurements made by hand, for the tests of what is decided from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from divere_cli.roll import pool
from divere_cli.roll.measurement import (
    BIN,
    ChromaMap,
    FilmBase,
    FrameLooks,
    FrameMeasurement,
    PlainColor,
    Triple,
)

DENSITY = (0.25, 0.6, 0.85)
PRINTED = (2.2, 1.8, 1.6)
THIN = FilmBase((0.4, 0.78, 1.04), (2.05, 1.62, 1.4), "thin end", 100, 0.01)
SPREAD = 0.06  # of the chroma of a picture
REBATE = PlainColor(DENSITY, PRINTED, (1, 3), 4)


def bump(u: float, v: float, height: int = 1000) -> ChromaMap:
    """A map with one round bump."""
    first_u, first_v = round(u / BIN) - 8, round(v / BIN) - 8
    place = (np.arange(17) + np.array([[first_u], [first_v]])) * BIN
    away = (place[0][:, None] - u) ** 2 + (place[1][None, :] - v) ** 2
    values = np.round(height * np.exp(-away / (2 * 0.02**2))).astype(int)
    return ChromaMap(first_u, tuple((first_v, tuple(int(n) for n in row)) for row in values))


def look(*places: tuple[float, float, int], middle: tuple[float, float]) -> FrameMeasurement:
    """A picture on which colors are present; ``middle`` is where gray lies by its chroma's middle.

    The middle itself lies to yellow, as that of photographs does.
    """
    cells = pool.added(bump(*place) for place in places)
    first = min(u for u, _ in cells)
    rows = []
    for u in range(first, max(u for u, _ in cells) + 1):
        filled = [v for i, v in cells if i == u]
        low = min(filled, default=0)
        high = max(filled, default=-1) + 1
        rows.append((low, tuple(cells.get((u, v), 0) for v in range(low, high))))
    found = ChromaMap(first, tuple(rows))
    return FrameMeasurement(
        cells=1000,
        picture_cells=900,
        pixels_per_cell=10,
        excluded={},
        base=THIN,
        lumas=lumas(1.3),
        span=0.6,
        plateau=0.2,
        texture=0.4,
        chroma=(middle[0], middle[1] + pool.LEAN * SPREAD),
        chroma_spread=SPREAD,
        gray_scatter=0.1,
        target=1.6,
        contrast=1.0,
        presence=found,
        counts=found,
    )


def lumas(key: float) -> tuple[float, ...]:
    """Percentiles of a picture whose median is ``key``; nothing of it is bare film."""
    return tuple(float(value) for value in np.linspace(key - 0.4, key + 0.4, 101))


def frame(
    one: FrameMeasurement, *plain: PlainColor, thin: Triple | None = None, **changes: object
) -> FrameLooks:
    """A frame with one look, the same under each plain color."""
    ends = one.base.density if thin is None else thin
    looks = [replace(one, base=_base(color)) for color in plain]
    made = FrameLooks(
        plain=plain,
        looks=(one, *looks),
        thin=ends,
        dense=(ends[0] + 1.2, ends[1] + 1.2, ends[2] + 1.2),
        thin_end=sum(ends) / 3.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def shifted(color: PlainColor, more: float, **changes: object) -> PlainColor:
    """A color that is denser."""
    red, green, blue = (d + more for d in color.density)
    return replace(color, density=(red, green, blue), **changes)  # type: ignore[arg-type]


def _base(color: PlainColor) -> FilmBase:
    return FilmBase(color.density, color.printed, "plain", 0, 0.0)
