"""Quality of a scan: density range and noise of its inner picture, on a sample of pixels.

Covers counting in the bands of a scan. Clipping is counted in
:mod:`divere_cli.develop.ends`; the film base comes from the whole roll (``roll``).

Noise is the standard deviation between neighboring pixels of short runs along rows, as
density, in the smoothest parts: grain and the scanner's own noise together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop.inner import Inner
from divere_cli.records.outcome import Quality

Floats = NDArray[np.float64]

BINS = 4096
THIN, DENSE = 2.0, 97.0  # percentiles of density: the ends of the range
RUN = 16  # pixels of a run
RUNS = 64  # approximate number in a sampled row
EVERY = 6  # one of so many sampled rows is used for noise
PLAINEST = 20.0  # percentile of the runs' deviations


class Measured:
    """Collects statistics from the bands of a scan.

    Parameters
    ----------
    width, height, channels : int
        Size of the scan.
    """

    def __init__(self, width: int, height: int, channels: int) -> None:
        self._inner = Inner(width, height)
        self._counts = np.zeros((channels, BINS), np.int64)
        self._runs: list[Floats] = []

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Count a band ``(rows, width, channels)`` of codes or floats in 0..1."""
        rows = self._inner.rows(first, len(band))
        if not rows.size:
            return
        part = _unit(band[rows, self._inner.sampled])
        bins = np.clip((part * BINS).astype(np.int64), 0, BINS - 1)
        for channel, counts in enumerate(self._counts):
            counts += np.bincount(bins[..., channel].ravel(), minlength=BINS)
        noisy = rows[(rows + first) // self._inner.step % EVERY == 0]
        full = band[noisy, self._inner.columns]  # noise is of neighbors
        if noisy.size and full.shape[1] > RUN:
            self._runs.append(_deviations(_unit(full)))

    @property
    def quality(self) -> Quality | None:
        """Density range and noise; None if no pixel was sampled."""
        if not self._counts.any() or not self._runs:
            return None
        density = -np.log10((np.arange(BINS) + 0.5) / BINS)[::-1]
        thin, dense = [], []
        for counts in self._counts:
            share = np.cumsum(counts[::-1]) / counts.sum() * 100.0
            thin.append(float(density[np.searchsorted(share, THIN)]))
            dense.append(float(density[min(BINS - 1, int(np.searchsorted(share, DENSE)))]))
        noise = np.percentile(np.concatenate(self._runs), PLAINEST, axis=0)
        return Quality(_rounded(thin), _rounded(dense), tuple(round(float(v), 4) for v in noise))


def _unit(band: NDArray[Any]) -> Floats:
    """Return samples scaled to 0..1."""
    full = float(np.iinfo(band.dtype).max) if band.dtype.kind == "u" else 1.0
    return np.asarray(band, np.float64) / full


def _deviations(rows: Floats) -> Floats:
    """Return deviations between neighbors as density, of runs in rows: ``(runs, channels)``."""
    length = rows.shape[1]
    spacing = max(RUN, length // RUNS)
    starts = np.arange(0, length - RUN, spacing)
    cells = rows[:, starts[:, None] + np.arange(RUN)]
    density = -np.log10(np.maximum(cells, 1.0 / 65535.0))
    steps = np.diff(density, axis=2)
    deviations = np.sqrt(np.square(steps).mean(axis=2) / 2.0)
    return np.asarray(deviations.reshape(-1, rows.shape[2]))


def _rounded(values: list[float]) -> tuple[float, ...]:
    return tuple(round(value, 3) for value in values)
