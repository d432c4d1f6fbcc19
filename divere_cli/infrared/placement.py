"""Where a pixel of the picture lies in the infrared channel.

Covers a channel as large as the picture or half as large, moved by a fraction
of a pixel, and bilinear samples of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Placement:
    """Infrared beside the picture.

    ``size`` and ``picture`` are (rows, columns). ``shift`` is how far, in pixels
    of the picture, infrared lies down and to the right of it.
    """

    size: tuple[int, int]
    picture: tuple[int, int]
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def ratio(self) -> int:
        """Pixels of the picture for one of infrared, down and across: 1 or 2."""
        return 2 if self.size[0] * 3 < self.picture[0] * 2 else 1

    @property
    def fits(self) -> bool:
        """Whether infrared is as large as the picture, or half as large."""
        return all(
            size in (pixels // self.ratio, -(-pixels // self.ratio))
            for size, pixels in zip(self.size, self.picture, strict=True)
        )

    def positions(self, axis: int, start: int, count: int) -> NDArray[np.float64]:
        """Infrared coordinates (0 is the middle of the first pixel) of picture pixels.

        They may lie outside of infrared.
        """
        pixels = np.arange(start, start + count) + (0.5 + self.shift[axis])
        return pixels / self.ratio - 0.5


def sample(values: Floats, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Floats:
    """Sample ``values`` bilinearly at ``rows`` x ``columns``; borders are repeated.

    Parameters
    ----------
    values : ndarray of float32, (..., height, width)
    rows, columns : ndarray of float64
        Coordinates.

    Returns
    -------
    Floats
        The samples, of the shape of the positions.
    """
    return _between(_between(values, rows, values.ndim - 2), columns, values.ndim - 1)


def _between(values: Floats, at: NDArray[np.float64], axis: int) -> Floats:
    last = values.shape[axis] - 1
    at = np.maximum(np.minimum(at, last), 0)
    low = at.astype(np.intp)
    part = (at - low).astype(np.float32)
    if not part.any():
        return np.take(values, low, axis=axis)
    if low[-1] - low[0] == len(low) - 1 and low[-1] < last:
        return _steps(values, int(low[0]), part, axis)
    high = np.minimum(low + 1, last)
    weight: NDArray[Any] = part[:, np.newaxis] if axis == values.ndim - 2 else part
    before, after = np.take(values, low, axis=axis), np.take(values, high, axis=axis)
    np.subtract(after, before, out=after)
    np.multiply(after, weight, out=after)
    np.add(before, after, out=before)
    return before


def _steps(values: Floats, low: int, part: NDArray[np.float32], axis: int) -> Floats:
    """The same for coordinates a step apart: slices, which cost less than taking by index."""
    if part[0] == part.min() == part.max():
        return _moved(values, low, len(part), part[0], axis)
    lead = (slice(None),) * axis
    before, after = (values[(*lead, slice(at, at + len(part)))] for at in (low, low + 1))
    weight: NDArray[Any] = part[:, np.newaxis] if axis == values.ndim - 2 else part
    out = np.subtract(after, before)
    np.multiply(out, weight, out=out)
    np.add(before, out, out=out)
    return out


def _moved(values: Floats, low: int, count: int, part: np.float32, axis: int) -> Floats:
    """The same for one fraction: all values as one line, and cut off what crosses a border."""
    flat = values.reshape(-1)
    offset = values.shape[-1] if axis == values.ndim - 2 else 1
    out = np.empty_like(flat)
    inside = out[: flat.size - offset]
    np.subtract(flat[offset:], flat[:-offset], out=inside)
    np.multiply(inside, part, out=inside)
    np.add(inside, flat[:-offset], out=inside)
    lead = (slice(None),) * axis
    return out.reshape(values.shape)[(*lead, slice(low, low + count))]
