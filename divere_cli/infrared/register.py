"""Shift of infrared against the picture, measured by what both show.

Phase correlation over several squares together: of the dust, or, where there
is too little of it, of the picture that the red layer's crosstalk leaves in
infrared. What it does not cover:
turns and scales; scanners take both in one pass or by one carriage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.fft import irfft2, rfft2  # here: a forkserver imports it once for all scans
from numpy.typing import NDArray

from divere_cli.infrared.blur import blur, gaussian, inner

Floats = NDArray[np.float32]

REACH = 8
# of the peak over the deviation around it: noise gives up to 3.5, dust from 7.9 on, crosstalk
# from 7.5 on; 4.0 to 4.5 came with shifts that were wrong
BELIEVED = 6.0
MARKS = 40  # pixels of each plane that stand out; two or three of noise that meet make a peak
STRONG = 4.0  # robust sigmas, of what counts as a mark
HIGH_PASS = gaussian(4.0, 8)


def shift(pairs: Sequence[tuple[Floats, Floats]], *, dust: bool) -> tuple[float, float] | None:
    """Find the shift of infrared against the picture.

    Parameters
    ----------
    pairs : sequence of (infrared, picture)
        Squares of log density, all of one shape. For dust the picture's is the
        least of its channels, where dust stands out, else red.
    dust : bool
        Look at what stands out only.

    Returns
    -------
    tuple of float or None
        Pixels down and to the right; None where no shift can be believed.
    """
    planes = [(_marks(infrared, dust), _marks(picture, dust)) for infrared, picture in pairs]
    counts = [sum(int(np.count_nonzero(pair[n])) for pair in planes) for n in (0, 1)]
    if min(counts) < MARKS:
        return None
    total = _products(planes)
    size = np.abs(total)
    side = pairs[0][0].shape[0] - 2 * (len(HIGH_PASS) - 1)
    surface = irfft2(total / (size + 1e-3 * size.mean()), s=(side, side))
    near_zero = np.roll(surface, (REACH, REACH), axis=(0, 1))[: 2 * REACH + 1, : 2 * REACH + 1]
    row, column = np.unravel_index(int(np.argmax(near_zero)), near_zero.shape)
    peak = float(near_zero[row, column])
    if peak <= BELIEVED * float(near_zero.std()):
        return None
    return (
        int(row) - REACH + _vertex(near_zero[:, column], int(row)),
        int(column) - REACH + _vertex(near_zero[row, :], int(column)),
    )


def _products(planes: list[tuple[Floats, Floats]]) -> NDArray[np.complex128]:
    """Cross spectra of all squares, added."""
    products = (rfft2(infrared) * np.conj(rfft2(picture))
                for infrared, picture in planes)  # fmt: skip
    return np.asarray(sum(products), np.complex128)


def _marks(plane: Floats, dust: bool) -> Floats:
    """Keep details, or of them what stands out, with a soft border."""
    detail = inner(plane, len(HIGH_PASS) - 1) - blur(plane, HIGH_PASS)
    every_third = detail[::3, ::3]
    sigma = 1.4826 * float(np.median(np.abs(every_third - np.median(every_third))))
    if dust:
        detail = np.where(detail > STRONG * max(sigma, 1e-4), detail, np.float32(0))
    window = np.hanning(detail.shape[0]).astype(np.float32)
    return (detail * window[:, np.newaxis] * window).astype(np.float32)


def _vertex(line: NDArray[np.float64], index: int) -> float:
    """Where the parabola through a peak and its neighbors has its top, -0.5 to 0.5."""
    if not 0 < index < len(line) - 1:
        return 0.0
    before, peak, after = (float(value) for value in line[index - 1 : index + 2])
    curvature = before - 2 * peak + after
    return 0.0 if curvature >= 0 else float(np.clip(0.5 * (before - after) / curvature, -0.5, 0.5))
