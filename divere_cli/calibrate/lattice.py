"""Find areas on a lattice in perspective, like the patches of a chart.

Goes from an area and two of its neighbors to all areas that continue these two steps, and
fits the homography from the lattice to the picture. Other objects may be included and
patches of the chart may be missed: which part of a lattice is the chart is found in
:mod:`divere_cli.calibrate.find`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import homography
from divere_cli.calibrate.areas import Areas

Floats = NDArray[np.float64]
Position = tuple[int, int]

SEEDS = 60
NEIGHBORS = 6
FURTHEST = 2.6  # of an area's side, to the middle of its neighbor
ALIKE = 1.6  # sides of two patches that are neighbors
NEAR = 0.28  # of a step, from the expected position of a patch
LEAST = 6  # areas of a lattice
REACH = 24  # steps from the seed
OFF = 0.2  # of a step; areas further from their position do not belong to the lattice

RIGHT = np.array([1.0, 0.0])
STEPS: tuple[Position, ...] = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True, slots=True)
class Lattice:
    """Positions (column, row) of areas, and the homography from these to pixels (x, y)."""

    places: dict[Position, int]
    to_picture: Floats


def walk(areas: Areas) -> Iterator[Lattice]:
    """Yield the lattices in a set of areas, each once.

    Parameters
    ----------
    areas : Areas
        The areas.
    """
    done: set[tuple[int, int, int]] = set()
    for seed in range(min(SEEDS, len(areas.sizes))):
        for first, second in _pairs(areas, seed):
            if (seed, first, second) in done or (seed, second, first) in done:
                continue
            places = _walked(areas, seed, first, second)
            if len(places) < LEAST:
                continue
            done |= _corners(places)
            lattice = _fitted(areas, places)
            if lattice is not None:
                yield lattice


def _pairs(areas: Areas, seed: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of neighbors of an area that are in two directions from it."""
    away = areas.centers - areas.centers[seed]
    distance = np.hypot(away[:, 0], away[:, 1])
    ratio = areas.sizes / areas.sizes[seed]
    near = (distance > 0.9 * areas.sizes[seed]) & (distance < FURTHEST * areas.sizes[seed])
    near &= (ratio < ALIKE) & (ratio > 1.0 / ALIKE)
    chosen = np.flatnonzero(near)
    chosen = chosen[np.argsort(distance[chosen], kind="stable")][:NEIGHBORS]
    for position, first in enumerate(chosen):
        for second in chosen[position + 1 :]:
            cross = away[first, 0] * away[second, 1] - away[first, 1] * away[second, 0]
            sine = abs(cross) / (distance[first] * distance[second])
            even = distance[first] / distance[second]
            if sine > 0.7 and 0.5 < even < 2.0:
                yield int(first), int(second)


def _walked(areas: Areas, seed: int, first: int, second: int) -> dict[Position, int]:
    """Go from the seed by the two steps, which change with the perspective."""
    centers, sizes = areas.centers, areas.sizes
    places: dict[Position, int] = {(0, 0): seed}
    used = {seed}
    steps = {(0, 0): (centers[first] - centers[seed], centers[second] - centers[seed])}
    queue = [(0, 0)]
    for position in queue:
        here, (u, v) = places[position], steps[position]
        reach = NEAR * min(np.hypot(*u), np.hypot(*v))
        for di, dj in STEPS:
            there = (position[0] + di, position[1] + dj)
            if there in places or max(map(abs, there)) > REACH:
                continue
            offset = centers - (centers[here] + di * u + dj * v)
            distance = offset[:, 0] ** 2 + offset[:, 1] ** 2
            nearest = int(np.argmin(distance))
            ratio = sizes[nearest] / sizes[here]
            if nearest in used or distance[nearest] > reach**2:
                continue
            if not 1.0 / ALIKE < ratio < ALIKE:
                continue
            moved = centers[nearest] - centers[here]
            places[there] = nearest
            used.add(nearest)
            steps[there] = (di * moved, v) if di else (u, dj * moved)
            queue.append(there)
    return places


def _corners(places: dict[Position, int]) -> set[tuple[int, int, int]]:
    """Return all starts that give the same lattice: an area and two of its neighbors."""
    corners = set()
    for (i, j), here in places.items():
        for di in (1, -1):
            along = places.get((i + di, j))
            for dj in (1, -1):
                across = places.get((i, j + dj))
                if along is not None and across is not None:
                    corners.add((here, along, across))
    return corners


def _fitted(areas: Areas, places: dict[Position, int]) -> Lattice | None:
    """Fit the homography, and once more without areas that are far from their positions."""
    matrix = None
    for _ in range(2):
        at = np.array(list(places), np.float64)
        centers = areas.centers[list(places.values())]
        matrix = homography.fit(at, centers) if len(at) >= LEAST else None
        if matrix is None:
            return None
        step = np.hypot(*(homography.apply(matrix, at + RIGHT) - centers).T)
        away = np.hypot(*(homography.apply(matrix, at) - centers).T)
        good = away < OFF * step
        if good.all():
            break
        places = {p: a for (p, a), keep in zip(places.items(), good, strict=True) if keep}
    return None if matrix is None else Lattice(places, matrix)
