"""Clipping of a scan: the share of each channel at the top and the bottom of its codes.

Counts in the inner picture alone, on the grid of :mod:`divere_cli.develop.inner`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop.inner import Inner
from divere_cli.records.outcome import Clipped

TOP, BOTTOM = 0.998, 1e-4  # share of full scale
WARNED = 0.01
_NAMES = ("red", "green", "blue")


class Ends:
    """Counts clipped pixels in the bands of a scan.

    Parameters
    ----------
    width, height, channels : int
        Size of the scan.
    """

    def __init__(self, width: int, height: int, channels: int) -> None:
        self._inner = Inner(width, height)
        self._high = np.zeros(channels, np.int64)
        self._low = np.zeros(channels, np.int64)
        self._counted = 0

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Count a band ``(rows, width, channels)`` of codes or floats in 0..1."""
        rows = self._inner.rows(first, len(band))
        if not rows.size:
            return
        part = band[rows, self._inner.sampled]
        full = float(np.iinfo(part.dtype).max) if part.dtype.kind == "u" else 1.0
        for channel in range(part.shape[2]):
            plane = part[..., channel]
            self._high[channel] += np.count_nonzero(plane >= TOP * full)
            self._low[channel] += np.count_nonzero(plane <= BOTTOM * full)
        self._counted += part.shape[0] * part.shape[1]

    @property
    def clipped(self) -> Clipped | None:
        """The clipped shares; None if no pixel was sampled."""
        if not self._counted:
            return None
        top, bottom = (
            tuple(round(float(n) / self._counted, 5) for n in ends)
            for ends in (self._high, self._low)
        )
        return Clipped(top, bottom)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about channels clipped by more than ``WARNED``, with a cure."""
        clipped = self.clipped
        if clipped is None:
            return ()
        texts = []
        for word, shares, cure in (
            ("white", clipped.top, "scan it with less exposure"),
            ("black", clipped.bottom, "scan it with more exposure"),
        ):
            names = _NAMES if len(shares) > 1 else ("gray",)
            shares_lost = [
                f"{name} {share:.1%}"
                for name, share in zip(names, shares, strict=False)
                if share > WARNED
            ]
            if shares_lost:
                lost = ", ".join(shares_lost)
                texts.append(
                    f"clipped to {word}: {lost} of the scan; nothing is left there: {cure}"
                )
        return tuple(texts)
