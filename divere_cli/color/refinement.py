"""Finds the few pixels for which float32 or a table is not exact enough, and computes them again.

OpenColorIO computes in float32: seven digits. Where the output matrix subtracts nearly equal
numbers, few of them are left, and a power close to zero makes that visible: at 1e-7 of light, the
encoded value of gamma 2.2 is already 43 of 65535. Such pixels are at the border of a gamut; they
are rare, and whether a pixel is one is decided by itself alone, so that the result does not depend
on how the picture is split into bands. Measured over random pixels, one in 2,000 was off by up to
120 code values before.

Covered: linear values near zero after the output matrix, screen glare or the encoding table. Most
that look so are only dark: they get their linear values and a finer encoding in float32. Those
that are in doubt get the whole grade in float64. Not covered: the limits of this check
(:mod:`.precision`), and the input matrix, which is float64 for every pixel (:mod:`.log_encoding`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from divere_cli.color import bands, ocio
from divere_cli.color.exact import ExactGrade

Band = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]

# Pixels whose float64 numbers stay in the cache: fresh megabytes cost page faults.
PIECE = 1 << 13


class Refinement:
    """Finds doubtful pixels of one grade and computes them exactly.

    Parameters
    ----------
    target : dtype
        Of the results: ``uint16``, or float32 for encoded values of 0..1.

    Attributes
    ----------
    code : float
        Encoded value of 0..1 up to which a positive's pixels are looked at; 0: none are.
    """

    def __init__(
        self, exact_grade: ExactGrade, plan: ocio.Plan, levels: bands.Levels, target: npt.DTypeLike
    ) -> None:
        self._exact = exact_grade
        self._levels = levels
        self._accuracy = plan.accuracy
        below = plan.accuracy.below
        self.code = float(exact_grade.encode(np.array(below))) if below else 0.0
        reads = np.dtype(np.float32) if plan.reads == "logarithms" else levels.dtype
        self._linear = self._fine = None
        if plan.linear is not None and plan.fine is not None:
            self._linear = ocio.processor(plan.linear, reads, np.float32)
            self._fine = ocio.processor(plan.fine, np.float32, target)

    def settle(self, src: Band, read: Band, result: Band) -> None:
        """Correct doubtful pixels of a band.

        Parameters
        ----------
        src : ndarray, shape (rows, width, 3)
            Samples of the scan.
        read : ndarray, shape (rows, width, 3 or 4)
            What the plan's transforms read: ``src``, or its logarithms.
        result : ndarray, shape (rows, width, 3), or 4 for float32
            What they made of it.
        """
        if not self.code:
            return
        pixels = self._dark(result)
        if not pixels.size:
            return
        samples, inputs, flat = (band.reshape(-1, band.shape[2]) for band in (src, read, result))
        for first in range(0, pixels.size, PIECE):
            some = pixels[first : first + PIECE]
            if self._linear is not None:
                some = some[self._again(inputs.take(some, axis=0), some, flat)]
            self._exactly(samples.take(some, axis=0), some, flat)

    def _dark(self, result: Band) -> Indices:
        """Return pixels with a value that is low but not zero; zero is certain."""
        scalar = result.dtype.type
        if result.dtype.kind == "u":
            # 0 - 1 wraps to the largest value.
            dark = result - scalar(1) < scalar(np.ceil(self.code * np.iinfo(result.dtype).max))
        else:
            dark = (result <= scalar(self.code)) & (result > scalar(0))
        if not dark.any():
            return np.empty(0, np.intp)
        # Any of three neighbors: indexing by channel, three apart, takes twice as long.
        flat = dark.reshape(-1)
        any_of_three = flat[:-2] | flat[1:-1]
        any_of_three |= flat[2:]
        return np.flatnonzero(any_of_three[:: result.shape[2]])

    def _again(self, picked: Band, pixels: Indices, flat: Band) -> npt.NDArray[np.bool_]:
        """Encode dark pixels with the finer table; return those that are still doubtful."""
        light = np.empty((1, len(picked), 4), np.float32)
        bands.run(self._linear, picked[None], light)
        # By channels: minima and maxima of three neighbors take ten times as long.
        size = np.abs(np.ascontiguousarray(light[0, :, :3].T))
        doubtful = size.min(axis=0) < self._accuracy.near * size.max(axis=0)
        if self._accuracy.least:
            doubtful |= ((size > 0.0) & (size < self._accuracy.least)).any(axis=0)
        np.sqrt(np.maximum(light, 0.0, out=light), out=light)
        fine = np.empty((1, len(picked), flat.shape[1]), flat.dtype)
        bands.run(self._fine, light, fine)
        _put(flat, pixels, fine[0])
        return np.asarray(doubtful)

    def _exactly(self, picked: Band, pixels: Indices, flat: Band) -> None:
        """Compute these pixels in float64."""
        values = self._exact.rgb(self._levels.of(picked))
        if flat.dtype.kind == "u":
            values = np.round(values * np.iinfo(flat.dtype).max)
        flat[pixels, :3] = values.astype(flat.dtype)


def _put(flat: Band, pixels: Indices, values: Band) -> None:
    """``flat[pixels] = values``, whole pixels at once: 3.6 ns each instead of 12.4."""
    pixel_type = f"V{flat.itemsize * flat.shape[1]}"
    np.put(flat.view(pixel_type), pixels, values.view(pixel_type))
