"""Scores of a repair, defined as the targets are, from a simulated scan and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.density import density
from tests.infrared.simulator import Scan, soften

VISIBLE = 0.06
FAR = 5  # pixels from any defect: there a masked pixel is false


@dataclass(frozen=True)
class Score:
    """Shares of pixels; errors in D after a Gaussian of 1 pixel."""

    missed: float
    lost_places: int
    places: int
    false: float
    mask: float
    defects: float
    error: float
    median: float
    grain: float

    @property
    def error_share(self) -> float:
        """Error inside the mask as a share of what a 5x5 median leaves."""
        return self.error / self.median if self.median else 0.0


def score(scan: Scan, repaired: NDArray[Any], mask: NDArray[np.bool_]) -> Score:
    visible = scan.defects >= VISIBLE
    near = grown(scan.defects > 0.003, FAR)
    numbers = np.unique(scan.places[visible & (scan.places > 0)])
    found = np.unique(scan.places[mask & visible])
    inside = mask & visible
    truth, made = density(scan.clean), density(repaired)
    return Score(
        missed=float((visible & ~mask).sum() / max(visible.sum(), 1)),
        lost_places=len(np.setdiff1d(numbers, found)),
        places=len(numbers),
        false=float((mask & ~near).sum() / max((~near).sum(), 1)),
        mask=float(mask.mean()),
        defects=float(visible.mean()),
        error=_error(made, truth, inside),
        median=_error(median5(density(scan.rgb), inside), truth, inside),
        grain=_grain(made, truth, mask),
    )


def _error(made: NDArray[Any], truth: NDArray[Any], where: NDArray[np.bool_]) -> float:
    if not where.any():
        return 0.0
    off = np.moveaxis(made - truth, -1, 0)
    return float(np.sqrt((soften(off, 1.0)[:, where] ** 2).mean()))


def _grain(made: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """Median |high pass| inside the mask over that of the true film there."""
    if not mask.any():
        return 1.0
    sizes = []
    for plane in (made, truth):
        planes = np.moveaxis(plane, -1, 0)
        sizes.append(float(np.median(np.abs(planes - soften(planes, 1.5))[:, mask])))
    return sizes[0] / sizes[1]


def median5(values: NDArray[Any], where: NDArray[np.bool_]) -> NDArray[Any]:
    """A 5x5 median of the pixels of a mask."""
    out = values.copy()
    y, x = np.nonzero(where)
    padded = np.pad(values, ((2, 2), (2, 2), (0, 0)), mode="edge")
    boxes = np.stack([padded[y + dy, x + dx] for dy in range(5) for dx in range(5)])
    out[y, x] = np.median(boxes, axis=0)
    return out


def grown(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    out = mask.copy()
    for axis in (0, 1):
        base = out.copy()
        for step in range(1, radius + 1):
            for sign in (-1, 1):
                moved = np.roll(base, sign * step, axis)
                edge = [slice(None)] * 2
                edge[axis] = slice(0, step) if sign > 0 else slice(-step, None)
                moved[tuple(edge)] = False
                out |= moved
    return out
