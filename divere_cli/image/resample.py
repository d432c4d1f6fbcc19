"""Reduces a picture row by row with Pillow's resampler, in bounded memory.

Covers linear float samples of any number of channels. The filter is Pillow's Hamming: a
sinc in a Hamming window over the pixels that one result covers, without negative lobes.
So nothing rings: no result leaves the range of the samples that it is made of. (Lanczos
overshoots an edge by 9 % of its height; in linear light that is a halo.) The picture is
narrowed row by row and then shortened in blocks that begin at the same rows whatever the
bands: the same picture for any bands. Not covered: encodings (``develop.resize``), and
making pictures larger.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.image.parallel import Parallel, slices

if TYPE_CHECKING:
    from PIL import Image

Rows = NDArray[np.float32]

BLOCK_ROWS = 32
_SUPPORT = 1.0  # of the filter, in pixels of the result
_FILTER = 5  # Pillow's Image.Resampling.HAMMING


def size_of(width: int, height: int, longest: int) -> tuple[int, int]:
    """Return the size of a reduced picture; it is never larger, and no side is 0.

    Parameters
    ----------
    width : int
        Pixels.
    height : int
        Pixels.
    longest : int
        Most pixels of the long edge.
    """
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


class Shrink:
    """Converts the rows of one picture to those of a smaller one.

    Parameters
    ----------
    shape : tuple of int
        (height, width, channels) of the input.
    size : tuple of int
        (width, height) of the result; see :func:`size_of`.
    parallel : Parallel
        Its threads narrow parts of a band in parallel.
    """

    def __init__(
        self, shape: tuple[int, int, int], size: tuple[int, int], parallel: Parallel
    ) -> None:
        self._height, _, self._channels = shape
        self._width, self._rows = size
        self._parallel = parallel
        self._scale = self._height / self._rows
        self._reach = math.ceil(_SUPPORT * max(1.0, self._scale)) + 1
        self._waiting: Rows = np.empty((0, self._width, self._channels), np.float32)
        self._first = 0  # row of the picture at which the waiting rows start
        self._done = 0  # rows of the result that were returned

    def add(self, rows: Rows) -> list[Rows]:
        """Add the next rows, float32 (rows, width, channels); return finished rows in order."""
        self._waiting = np.concatenate((self._waiting, self._narrowed(rows)))
        ready = []
        while self._done < self._rows:
            last = min(self._rows, self._done + BLOCK_ROWS)
            end = min(self._height, math.ceil(last * self._scale) + self._reach)
            if self._first + len(self._waiting) < end:
                break
            ready.append(self._shortened(last, end))
            self._done = last
            keep = max(0, math.floor(last * self._scale) - self._reach)
            self._waiting = self._waiting[max(0, keep - self._first) :].copy()
            self._first = max(self._first, keep)
        return ready

    def _narrowed(self, rows: Rows) -> Rows:
        out = np.empty((len(rows), self._width, self._channels), np.float32)

        def narrow(part: slice, channel: int) -> None:
            plane = _image(rows[part, :, channel])
            made = plane.resize((self._width, part.stop - part.start), _FILTER)
            out[part, :, channel] = np.asarray(made)

        parts = slices(len(rows), self._parallel.size)
        work = [(part, channel) for part in parts for channel in range(self._channels)]
        self._parallel.each(narrow, work)
        return out

    def _shortened(self, last: int, end: int) -> Rows:
        """Return rows ``_done`` to ``last`` of the result, which need no row from ``end`` on."""
        rows = last - self._done
        top = max(0, math.floor(self._done * self._scale) - self._reach)
        window = self._waiting[top - self._first : end - self._first]
        box = (0, self._done * self._scale - top, self._width, last * self._scale - top)
        planes = []
        for channel in range(self._channels):
            made = _image(window[:, :, channel]).resize((self._width, rows), _FILTER, box=box)
            planes.append(np.asarray(made))
        return np.stack(planes, axis=2)


def _image(plane: NDArray[Any]) -> Image.Image:
    from PIL import Image  # 9 MB; most workers do not need it

    return Image.fromarray(np.ascontiguousarray(plane, np.float32))
