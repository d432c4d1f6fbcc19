"""Fill what is masked from what is clean around it, in log density, with grain.

Covers normalized convolution from fine to coarse: at each scale the mean of
clean pixels, and where there are few of them that of the next coarser scale.
Coarser scales work on sums of 2x2, 4x4 and 8x8 pixels. What it does not cover:
what a place hid. Structures as small as the place are not made up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.blur import blur, gaussian, inner

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

NEAR, FAR = 8, 32  # pixels around a tile: for most places, and for large ones
# how little clean weight a scale needs before the next coarser one counts as much
MIXED = 0.04
ENOUGH = 0.004
NOTHING = 1e-4  # clean weight of the coarsest scale: there is nothing to fill from


@dataclass(frozen=True, slots=True)
class Scale:
    """Sums of ``side`` x ``side`` pixels under a Gaussian of ``sigma`` of them."""

    side: int
    sigma: float
    radius: int


# together about 1, 3, 5, 10 and 24 pixels
SCALES = (
    Scale(1, 1.0, 3), Scale(2, 1.5, 3), Scale(4, 1.2, 3), Scale(8, 1.2, 3), Scale(8, 3.0, 3),
)  # fmt: skip
NEAR_SCALES = 2
# a Gaussian over sums of 2x2 is so wide that steps of two pixels do not show, and cost a tenth
STEPPED = 2


def fill(values: Floats, clean: Floats, border: int) -> tuple[Floats, Floats]:
    """Means of clean pixels around each pixel.

    Parameters
    ----------
    values : ndarray of float32, (windows, channels, side, side)
        Log density.
    clean : ndarray of float32, (windows, 1, side, side)
        1 where a pixel is clean, 0 where it is masked.
    border : int
        :data:`NEAR` or :data:`FAR`: how much larger a window is than its tile,
        on each side.

    Returns
    -------
    tuple of ndarray of float32, (windows, channels or 1, side - 2 border, ...)
        The means, and the clean weight of the coarsest scale that was used.
    """
    scales = SCALES[:NEAR_SCALES] if border == NEAR else SCALES
    channels = values.shape[1]
    # the sums of all channels and, last, the weights: one filter takes them together
    sums = np.empty((len(values), channels + 1, *values.shape[2:]), np.float32)
    np.multiply(values, clean, out=sums[:, :channels])
    sums[:, channels:] = clean
    levels: list[tuple[Floats, Floats]] = []
    side = 1
    for scale in scales:
        while side < scale.side:
            sums, side = _halved(sums), 2 * side
        # no more around the tile than this scale looks at, and one for what lies between
        spare = min(border // side - scale.radius, 1) if side > STEPPED else 0
        near = border // side - scale.radius - spare
        soft = blur(inner(sums, near), gaussian(scale.sigma, scale.radius))
        tile = _tile(soft, spare, side)
        levels.append((tile[:, :channels], tile[:, channels:]))
    out, weight = levels[-1]
    last = weight
    out = np.divide(out, np.maximum(weight, np.float32(1e-9)), dtype=np.float32)
    for top, weight in reversed(levels[:-1]):
        out = np.divide(top + np.float32(MIXED) * out, weight + np.float32(MIXED), dtype=np.float32)
    return out, last


def _halved(planes: Floats) -> Floats:
    """Means of 2x2 pixels."""
    rows = planes[..., 0::2, :] + planes[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]) * np.float32(0.25)


def _tile(planes: Floats, spare: int, side: int) -> Floats:
    """Cut a tile out of sums and enlarge it bilinearly to pixels."""
    if side <= STEPPED:
        return np.repeat(np.repeat(planes, 2, axis=-2), 2, axis=-1) if side == 2 else planes
    planes = inner(planes, spare - 1)
    for axis in (planes.ndim - 2, planes.ndim - 1):
        planes = _enlarged(planes, axis, side)
    return planes


def _enlarged(planes: Floats, axis: int, side: int) -> Floats:
    """Enlarge one axis, on which a sum more than wanted lies on each side."""
    count = planes.shape[axis] - 2
    lead = (slice(None),) * axis
    shape = list(planes.shape)
    shape[axis] = count * side
    out = np.empty(shape, np.float32)
    for step in range(side):
        at = (step + 0.5) / side - 0.5
        first = 0 if at < 0 else 1
        part = np.float32(at - np.floor(at))
        before = planes[(*lead, slice(first, first + count))]
        after = planes[(*lead, slice(first + 1, first + 1 + count))]
        out[(*lead, slice(step, None, side))] = before + (after - before) * part
    return out
