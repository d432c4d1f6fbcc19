"""Where a scan is clipped: the share of each channel at the top and the bottom of its codes.

Covers counting over the inner picture, on a sample of its pixels: a holder is black
and light beside the film is white on a good scan, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.records.outcome import Clipped

MARGIN = 0.1  # of each side is left out: holder, rebate, light
SAMPLES = 100_000  # looked at, about; at 1 % of clipped pixels the share is right to 0.03 %
TOP, BOTTOM = 0.998, 1e-4  # of full scale
WARNED = 0.01
_NAMES = ("red", "green", "blue")


class Ends:
    """Counts while the bands of a scan go by.

    Parameters
    ----------
    width, height, channels : int
        Of the scan.
    """

    def __init__(self, width: int, height: int, channels: int) -> None:
        self._left, self._right = int(width * MARGIN), width - int(width * MARGIN)
        self._top, self._bottom = int(height * MARGIN), height - int(height * MARGIN)
        self._step = max(1, round((width * height / SAMPLES) ** 0.5))
        self._high = np.zeros(channels, np.int64)
        self._low = np.zeros(channels, np.int64)
        self._seen = 0

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Take a band ``(rows, width, channels)``, codes or float of 0..1."""
        rows = np.arange(first, first + len(band))
        wanted = (rows >= self._top) & (rows < self._bottom) & (rows % self._step == 0)
        if not wanted.any():
            return
        part = band[wanted, self._left : self._right : self._step]
        full = float(np.iinfo(part.dtype).max) if part.dtype.kind == "u" else 1.0
        for channel in range(part.shape[2]):
            plane = part[..., channel]
            self._high[channel] += np.count_nonzero(plane >= TOP * full)
            self._low[channel] += np.count_nonzero(plane <= BOTTOM * full)
        self._seen += part.shape[0] * part.shape[1]

    @property
    def clipped(self) -> Clipped | None:
        """The shares; None where nothing was looked at."""
        if not self._seen:
            return None
        top, bottom = (
            tuple(round(float(n) / self._seen, 5) for n in ends) for ends in (self._high, self._low)
        )
        return Clipped(top, bottom)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is lost by more than ``WARNED``, and the cure."""
        found = self.clipped
        if found is None:
            return ()
        said = []
        for word, shares, cure in (
            ("white", found.top, "scan it with less exposure"),
            ("black", found.bottom, "scan it with more exposure"),
        ):
            names = _NAMES if len(shares) > 1 else ("gray",)
            told = [
                f"{name} {share:.1%}"
                for name, share in zip(names, shares, strict=False)
                if share > WARNED
            ]
            if told:
                lost = ", ".join(told)
                said.append(f"clipped to {word}: {lost} of the scan; nothing is left there: {cure}")
        return tuple(said)
