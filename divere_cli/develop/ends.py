"""Clipping of a scan: the share of each channel at the top and the bottom of its codes.

Counts a sample of the pixels of the inner picture only, because a holder is black and
light beside the film is white even on a good scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.records.outcome import Clipped

MARGIN = 0.1  # share of each side that is left out: holder, rebate, light
SAMPLES = 100_000  # approximate number; a clipped share of 1 % is then accurate to 0.03 %
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
        self._left, self._right = int(width * MARGIN), width - int(width * MARGIN)
        self._top, self._bottom = int(height * MARGIN), height - int(height * MARGIN)
        self._step = max(1, round((width * height / SAMPLES) ** 0.5))
        self._high = np.zeros(channels, np.int64)
        self._low = np.zeros(channels, np.int64)
        self._seen = 0

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Count a band ``(rows, width, channels)`` of codes or floats in 0..1."""
        rows = np.arange(first, first + len(band))
        sampled = (rows >= self._top) & (rows < self._bottom) & (rows % self._step == 0)
        if not sampled.any():
            return
        part = band[sampled, self._left : self._right : self._step]
        full = float(np.iinfo(part.dtype).max) if part.dtype.kind == "u" else 1.0
        for channel in range(part.shape[2]):
            plane = part[..., channel]
            self._high[channel] += np.count_nonzero(plane >= TOP * full)
            self._low[channel] += np.count_nonzero(plane <= BOTTOM * full)
        self._seen += part.shape[0] * part.shape[1]

    @property
    def clipped(self) -> Clipped | None:
        """The clipped shares; None if no pixel was sampled."""
        if not self._seen:
            return None
        top, bottom = (
            tuple(round(float(n) / self._seen, 5) for n in ends) for ends in (self._high, self._low)
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
