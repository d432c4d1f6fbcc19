"""Makes thumbnails of a scan and its positives for the report, while bands pass.

Covers sampling a grid from the bands of one picture (memory does not depend on the picture's
size), and encoding the samples as a small sRGB JPEG. Not covered: reading and grading; the caller
passes the bands.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.color import primaries, transfer
from divere_cli.image import preview
from divere_cli.records.grade import Space
from divere_cli.records.outcome import Thumbnail

LONGEST = 256
_SAMPLES = 4  # side of the square averaged to one pixel, to suppress grain
_AT_ONCE = 8 * _SAMPLES  # sampled rows whose light is in memory at once

MOST = 512 * 1024  # characters per scan: they are sent in one message of 1 MiB

SRGB = Space("sRGB", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.3290))


class Thumbnailer:
    """Collects one picture, band by band.

    Parameters
    ----------
    width, height : int
        Size of the picture in pixels.
    space : Space
        Color space of its values; no conversion if it has no primaries.
    orientation : {0, 90, 180, 270}
        Rotation of the thumbnail, degrees counter-clockwise.
    """

    def __init__(self, width: int, height: int, space: Space, orientation: int = 0) -> None:
        scale = min(1.0, LONGEST / max(width, height))
        self._size = max(1, round(height * scale)), max(1, round(width * scale))
        self._rows = _grid(height, self._size[0])
        self._columns = _grid(width, self._size[1])
        self._space = space
        self._turns = orientation // 90
        self._sums: NDArray[np.float32] | None = None

    def take(self, row: int, band: NDArray[Any]) -> None:
        """Sample a band; bands come in the order of the picture.

        Parameters
        ----------
        row : int
            Row of the picture at which the band starts.
        band : ndarray, shape (rows, width, 1|3), uint8, uint16 or float32 of 0..1
        """
        if self._sums is None:
            self._sums = np.zeros((*self._size, band.shape[2]), dtype=np.float32)
        begin, end = np.searchsorted(self._rows, (row, row + band.shape[0]))
        for start in range(begin, end, _AT_ONCE):
            stop = min(start + _AT_ONCE, end)
            picked = band.take(self._rows[start:stop] - row, 0).take(self._columns, 1)
            self._add(start, self._light(picked), self._sums)

    def _light(self, picked: NDArray[Any]) -> NDArray[np.float32]:
        """Return the linear light of samples, float32."""
        samples = picked.astype(np.float32)
        if picked.dtype.kind == "u":
            samples /= np.float32(np.iinfo(picked.dtype).max)
        else:
            np.nan_to_num(samples, copy=False, posinf=1.0)
        codes = samples.clip(0.0, 1.0)
        return transfer.decode(codes, self._space.transfer, self._space.gamma).astype(np.float32)

    def _add(self, start: int, light: NDArray[np.float32], sums: NDArray[np.float32]) -> None:
        """Add sampled rows from ``start`` on to their squares, always in the same order."""
        squares = light.reshape(len(light), -1, _SAMPLES, light.shape[2])
        for y in range(_SAMPLES):
            first = (y - start) % _SAMPLES
            rows = squares[first::_SAMPLES]
            top = (start + first) // _SAMPLES
            for x in range(_SAMPLES):
                sums[top : top + len(rows)] += rows[:, :, x]

    def thumbnail(self, of: str) -> Thumbnail | None:
        """Return the thumbnail; None if no band was sampled."""
        if self._sums is None:
            return None
        small = self._encoded(self._sums / np.float32(_SAMPLES**2))
        turned = np.rot90(small, self._turns)
        data = base64.b64encode(preview.jpeg(turned)).decode("ascii")
        return Thumbnail(of, turned.shape[1], turned.shape[0], data)

    def _encoded(self, linear: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Convert linear values of the space to sRGB codes (IEC 61966-2-1)."""
        if linear.shape[2] == 3 and self._space.primaries is not None:
            matrix = primaries.conversion(self._space, SRGB, "bradford")
            linear = linear @ matrix.T.astype(np.float32)
        light = linear.clip(0.0, 1.0)
        encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        return np.asarray(np.rint(encoded * 255), dtype=np.uint8)


def limited(made: Iterable[Thumbnail | None]) -> tuple[Thumbnail, ...]:
    """Return the first thumbnails, in order, that are not too large together.

    Parameters
    ----------
    made : Iterable[Thumbnail | None]
        The thumbnails; None where none could be made.
    """
    thumbnails, size = [], 0
    for thumbnail in made:
        if thumbnail is not None:
            size += len(thumbnail.jpeg)
            if size > MOST:
                break
            thumbnails.append(thumbnail)
    return tuple(thumbnails)


def _grid(size: int, cells: int) -> NDArray[np.intp]:
    """Return ``_SAMPLES`` positions for each of ``cells`` along ``size`` pixels, ascending."""
    count = cells * _SAMPLES
    return ((np.arange(count) + 0.5) * size / count).astype(np.intp)
