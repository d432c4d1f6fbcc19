"""The few pixels that float32 gets wrong, found and computed again in float64.

OpenColorIO computes in float32: seven digits. Where a matrix takes nearly
equal numbers from each other, few of them are left, and a logarithm or a power
close to zero makes that visible: at 1e-7 of light, the encoded value of gamma
2.2 is already 43 of 65535. Such pixels are at the border of a gamut; they are
rare, and whether a pixel is one is decided by itself alone, so that the result
does not depend on how the picture is split into bands. Measured over random
pixels, one in 2,000 was off by up to 120 code values before.

Covered: linear values near zero after the input matrix, and after the output
matrix, screen glare or the encoding table. Not covered: grades that float32 is
not enough for as a whole (``chain.Plan.float32``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color import bands, chain
from divere_cli.color.folding import Folded

Array = npt.NDArray[np.float64]
Band = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]

# Relative error of a sum of three products in float32.
FLOAT32 = 1.2e-7
# What each of these may come to, in 16-bit code values.
BUDGET = 0.5
# Error of light in float32 for a unit of its slope: density is good to 3e-8 of its range.
LIGHT = 3e-8
CODES = 65535.0
# Pixels whose float64 numbers stay in the cache: fresh megabytes cost page faults.
PIECE = 1 << 13
# Columns of a band that are looked at together.
TOGETHER = 8


class Doubt:
    """Finds doubtful pixels of one grade and settles them.

    Attributes
    ----------
    code : float
        Encoded value of 0..1 up to which a positive's pixels are looked at; 0: none are.
    share : float
        Share of a pixel's largest sum below which the scan's linear value is in doubt.
    """

    def __init__(
        self, folded: Folded, plan: chain.Plan, levels: bands.Levels, bit_depth: int
    ) -> None:
        self._folded = folded
        self._levels = levels
        self._plan = plan
        self._budget = BUDGET if bit_depth == 16 else 100.0 * BUDGET
        self.share = self._share()
        self._near, self._least = self._limits() if bit_depth == 16 else (0.0, 0.0)
        self.code = float(folded.encode(np.array(max(self._near, self._least))))
        self._linear: PyOpenColorIO.CPUProcessor | None = None
        if self.code > 0.0 and plan.linear is not None:
            fast = plan.logarithm == "fast"
            self._linear = chain.processor(plan.linear, fast, levels.dtype, np.float32)

    def settle(self, src: Band, result: Band) -> None:
        """Correct doubtful pixels of ``result``, both of shape (rows, width, 3).

        ``result`` holds encoded values: ``uint8`` or ``uint16`` codes, or float32 of 0..1.
        """
        found = [self._of_scan(src), self._of_positive(src, result)]
        pixels = np.unique(np.concatenate(found)) if found[0].size else found[1]
        if not pixels.size:
            return
        flat, samples = result.reshape(-1, 3), src.reshape(-1, 3)
        top = float(np.iinfo(result.dtype).max) if result.dtype.kind == "u" else 1.0
        for first in range(0, pixels.size, PIECE):
            some = pixels[first : first + PIECE]
            values = self._folded.rgb(self._levels.of(samples[some])) * top
            flat[some] = (np.round(values) if top > 1.0 else values).astype(result.dtype)

    # ------------------------------------------------------------ after the input matrix

    def _share(self) -> float:
        """|x| below this share of the sum of its products' sizes is in doubt; 0: never."""
        if self._plan.logarithm == "table" or not (self._folded.front < 0.0).any():
            return 0.0
        return float(min(FLOAT32 * self._plan.log_slope / (np.log(10.0) * self._budget), 0.5))

    def _of_scan(self, src: Band) -> Indices:
        """Pixels whose linear value is nearly zero though its products are not."""
        if not self.share:
            return np.empty(0, np.intp)
        columns = self._columns(src)
        if not columns.size:
            return columns
        step = max(1, PIECE // columns.size)
        pieces = [
            self._among(src, columns, slice(row, row + step)) for row in range(0, len(src), step)
        ]
        return np.concatenate(pieces)

    def _among(self, src: Band, columns: Indices, rows: slice) -> Indices:
        """Doubtful pixels of some rows, looked for in some columns."""
        width = src.shape[1]
        part = src[rows] if columns.size == width else np.take(src[rows], columns, axis=1)
        x = self._folded.powered(self._levels.of(part.reshape(-1, 3)))
        front = self._folded.front.T
        sums, sizes = np.abs(x @ front), np.abs(x) @ np.abs(front)
        sizes *= self.share
        doubtful = np.less(sums, sizes)
        pixels = np.flatnonzero(doubtful[:, 0] | doubtful[:, 1] | doubtful[:, 2])
        row, column = np.divmod(pixels, columns.size)
        return np.asarray((row + rows.start) * width + columns[column], np.intp)

    def _columns(self, src: Band) -> Indices:
        """Columns that may hold such a pixel, by the least and most of each of their channels.

        Taken together by eights: a picture is smooth, and this is paid for every pixel.
        """
        rows, width = src.shape[:2]
        eighths = width // TOGETHER
        if rows * eighths < 2:
            return np.arange(width)
        flat = src.reshape(rows, -1)
        low = _together(np.minimum, flat.min(axis=0), eighths)
        high = _together(np.maximum, flat.max(axis=0), eighths)
        low, high = (self._folded.powered(self._levels.of(ends)) for ends in (low, high))
        gain, loss = np.maximum(self._folded.front, 0.0).T, np.maximum(-self._folded.front, 0.0).T
        least = low @ gain - high @ loss
        margin = 1.001 * self.share * (high @ gain + high @ loss)
        unsafe = (least <= margin).any(axis=1) | (low < 0.0).any(axis=1)
        rest = np.ones(width - eighths * TOGETHER, bool)
        return np.flatnonzero(np.concatenate([np.repeat(unsafe, TOGETHER), rest]))

    # ------------------------------------------------------------ before the encoding

    def _limits(self) -> tuple[float, float]:
        """Linear values in doubt: as a share of the pixel's largest, and in any case."""
        folded, plan = self._folded, self._plan
        gamma = folded.gamma_out
        if gamma <= 1.0:
            return 0.0, 0.0
        near = least = 0.0
        if not folded.joint or folded.density is None:
            near = min(self._visible(LIGHT * (1.0 + plan.light_slope) * folded.spread), 1.0)
        step = 1.0 / (plan.encode_size - 1) if plan.encode_size else plan.glare_step
        if step:
            bend = step**2 / 8.0 * (1.0 / gamma) * (1.0 - 1.0 / gamma) * CODES
            least = (bend / BUDGET) ** (1.0 / (2.0 - 1.0 / gamma))
        dim = max(plan.glare_step, plan.dark**gamma) * folded.spread
        return near, min(max(least, dim, self._visible(plan.glare_margin * folded.spread)), 1.0)

    def _visible(self, error: float) -> float:
        """Light below which an error of light shows in the encoded value."""
        gamma = self._folded.gamma_out
        return float((CODES * error / (gamma * BUDGET)) ** (gamma / (gamma - 1.0)))

    def _of_positive(self, src: Band, result: Band) -> Indices:
        """Pixels with a linear value so near to zero that encoding shows float32's error."""
        none = np.empty(0, np.intp)
        if not self.code:
            return none
        flat = result.reshape(-1)
        top = float(np.iinfo(result.dtype).max) if result.dtype.kind == "u" else 1.0
        limit = result.dtype.type(np.ceil(self.code * top) if top > 1.0 else self.code)
        if flat.min() > limit:
            return none
        dark = flat <= limit
        if self._linear is None:
            # Zero is zero: the table's step at the glare errs to the bright side.
            dark &= flat > 0
        pixels = np.flatnonzero(dark) // 3
        if not pixels.size:
            return none
        pixels = pixels[np.flatnonzero(np.diff(pixels, prepend=-1))]
        return pixels if self._linear is None else pixels[self._in_doubt(src, pixels)]

    def _in_doubt(self, src: Band, pixels: Indices) -> npt.NDArray[np.bool_]:
        picked = src.reshape(-1, 3)[pixels][None]
        light = np.empty(picked.shape, np.float32)
        bands.run(self._linear, self._levels.clean(picked), light)
        size = np.abs(light[0])
        near = size < self._near * size.max(axis=1, keepdims=True)
        return np.asarray((near | ((size > 0.0) & (size < self._least))).any(axis=1))


def _together(extreme: np.ufunc, columns: Band, groups: int) -> Band:
    """The extreme of each of three channels over groups of eight columns: shape (groups, 3)."""
    found = columns[: groups * TOGETHER * 3].reshape(groups, TOGETHER * 3)
    while found.shape[1] > 3:
        half = found.shape[1] // 2
        found = extreme(found[:, :half], found[:, half:])
    return found
