"""Reduces a scan to a small proxy, so that changes of its grade are visible immediately.

Covers box means of linear samples while bands pass, a proxy as a file that several processes map,
and area means of any rectangle at any size. Not covered: reading scans, and the grade.

Means are taken before the grade, of light: a positive that is averaged after
its grade differs at hard edges.
"""

from __future__ import annotations

import json
import mmap
import os
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput, Unreadable
from divere_cli.films.numbering import Numbering
from divere_cli.image.layout import Layout
from divere_cli.records.outcome import FilmEdge
from divere_cli.records.serialize import from_plain

Samples = NDArray[Any]
Floats = NDArray[np.float32]

MAGIC = b"divere-proxy/1\n"
HEAD = 4096
CLIPPED = 0.995  # of full scale: higher samples may be clipped
EVERY = 4  # one of so many rows is checked for clipping


@dataclass(frozen=True, slots=True)
class About:
    """Properties of a proxy and its scan.

    ``factor`` x ``factor`` pixels of the scan are one pixel of the proxy; ``width`` and ``height``
    are the scan's; ``top`` and ``bottom`` are the shares of each channel's samples that the
    scanner clipped. ``film_edge`` is the code at the film's edge, ``numbering`` where its frame
    numbers lie.
    """

    width: int
    height: int
    factor: int
    columns: int
    rows: int
    channels: int
    sample: str
    top: tuple[float, ...] = ()
    bottom: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    film_edge: FilmEdge | None = None
    numbering: Numbering | None = None

    @property
    def layout(self) -> Layout:
        """The format of the proxy's samples, for the grade."""
        if self.sample == "float32":
            return Layout(self.channels, 32, "float")
        return Layout(self.channels, 16)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, channels."""
        return self.rows, self.columns, self.channels


@dataclass(frozen=True, slots=True)
class Proxy:
    """Samples ``(rows, columns, 1 or 3)``, uint16 or float32, with their properties."""

    about: About
    samples: Samples


def factor_for(width: int, height: int, longest: int) -> int:
    """Return the smallest integer factor that makes the longer side small enough.

    Parameters
    ----------
    width : int
        Pixels.
    height : int
        Pixels.
    longest : int
        Most pixels of the longer side.
    """
    return max(1, -(-max(width, height) // longest))


class Reduction:
    """Collects box means from the bands of a scan.

    Parameters
    ----------
    width, height : int
        Of the scan.
    layout : Layout
        Of its bands.
    factor : int
        Side in pixels of a box. The last row and column of boxes may be smaller.
    """

    def __init__(self, width: int, height: int, layout: Layout, factor: int) -> None:
        rows, columns = -(-height // factor), -(-width // factor)
        self.float = layout.sample == "float"
        dtype = np.float32 if self.float else np.uint16
        self.samples: Samples = np.empty((rows, columns, layout.channels), dtype)
        self._size = (width, height)
        self._factor = factor
        self._scale = 257 if layout.bits == 8 else 1
        self._full = {8: 255.0, 16: 65535.0}.get(layout.bits, 1.0)
        self._partial: Samples | None = None  # rows of an incomplete box
        self._done = 0
        self._top = np.zeros(layout.channels)
        self._bottom = np.zeros(layout.channels)
        self._counted = 0

    def take(self, band: Samples) -> None:
        """Add the next rows, ``(rows, width, channels)``."""
        self._look(band)
        if self.float:
            band = np.nan_to_num(band, nan=0.0, posinf=1.0, neginf=0.0)
        if self._partial is not None:
            band, self._partial = np.concatenate([self._partial, band]), None
        full_rows = len(band) // self._factor * self._factor
        if full_rows:
            self._put(band[:full_rows], self._factor)
        if full_rows < len(band):
            self._partial = band[full_rows:].copy()

    def finish(self, warnings: tuple[str, ...] = ()) -> Proxy:
        """Return the proxy after all rows were added."""
        if self._partial is not None:
            self._put(self._partial, len(self._partial))
            self._partial = None
        width, height = self._size
        counted = max(1, self._counted)
        about = About(
            width=width,
            height=height,
            factor=self._factor,
            columns=self.samples.shape[1],
            rows=self.samples.shape[0],
            channels=self.samples.shape[2],
            sample=str(self.samples.dtype),
            top=tuple(round(float(share), 6) for share in self._top / counted),
            bottom=tuple(round(float(share), 6) for share in self._bottom / counted),
            warnings=warnings,
        )
        return Proxy(about, self.samples)

    def _look(self, band: Samples) -> None:
        part = band[::EVERY, ::EVERY]
        self._top += (part >= CLIPPED * self._full).sum(axis=(0, 1))
        self._bottom += (part <= 0).sum(axis=(0, 1))
        self._counted += part.shape[0] * part.shape[1]

    def _put(self, band: Samples, high: int) -> None:
        """Store complete boxes of ``high`` rows."""
        boxes, side = len(band) // high, self._factor
        out = self.samples[self._done : self._done + boxes]
        self._done += boxes
        if side == 1 and high == 1:
            np.multiply(band, self._scale, out=out, dtype=out.dtype, casting="unsafe")
            return
        wide = np.float64 if self.float else np.uint32 if side <= 128 else np.uint64
        rows = band.reshape(boxes, high, *band.shape[1:])
        down = np.add.reduce(rows, axis=1, dtype=wide)
        columns = band.shape[1] // side
        inside = columns * side
        sums = sum(down[:, first:inside:side] for first in range(side))
        out[:, :columns] = self._mean(np.asarray(sums), high * side)
        if inside < band.shape[1]:
            last_sum = down[:, inside:].sum(axis=1, dtype=wide)
            out[:, columns] = self._mean(last_sum, high * (band.shape[1] - inside))

    def _mean(self, sums: Samples, count: int) -> Samples:
        if self.float:
            return np.asarray(sums / count)
        return np.asarray((sums.astype(np.uint64) * self._scale + count // 2) // count)


def save(fd: int, proxy: Proxy) -> None:
    """Write a proxy into an open file; an incomplete one is not accepted by :func:`load`.

    Parameters
    ----------
    fd : int
        An open descriptor.
    proxy : Proxy
        The proxy.

    Raises
    ------
    OSError
        No space.
    """
    samples = np.ascontiguousarray(proxy.samples)
    os.posix_fallocate(fd, 0, HEAD + samples.nbytes)  # no SIGBUS later if space is missing
    _write(fd, samples.data.cast("B"), HEAD)
    head = MAGIC + json.dumps(asdict(proxy.about)).encode()
    if len(head) > HEAD:  # too many warnings: they were reported before
        head = MAGIC + json.dumps({**asdict(proxy.about), "warnings": ()}).encode()
    _write(fd, memoryview(head.ljust(HEAD)), 0)


def _write(fd: int, view: memoryview, offset: int) -> None:
    while view:
        done = os.pwrite(fd, view, offset)
        view, offset = view[done:], offset + done


def load(fd: int) -> Proxy | None:
    """Map a proxy from an open file; return None if there is no complete one.

    Parameters
    ----------
    fd : int
        An open descriptor.

    Raises
    ------
    Unreadable
        The file cannot be mapped.
    CorruptInput
        The file is no proxy.
    """
    try:
        head = os.pread(fd, HEAD, 0)
        if not head.startswith(MAGIC):
            return None
        mapped = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise Unreadable(f"its proxy cannot be opened: {error}") from error
    try:
        about = about_of(json.loads(head[len(MAGIC) :]))
        count = about.rows * about.columns * about.channels
        samples = np.frombuffer(mapped, np.dtype(about.sample), count, HEAD)
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptInput(f"its proxy is damaged: {error}") from error
    return Proxy(about, samples.reshape(about.shape))


def about_of(plain: dict[str, Any]) -> About:
    """Read the properties that :func:`save` wrote.

    Parameters
    ----------
    plain : dict[str, Any]
        The JSON object.
    """
    return from_plain(About, plain)


def smaller(made: Proxy, longest: int) -> Proxy:
    """Return a smaller proxy, by box means with the smallest sufficient factor.

    Parameters
    ----------
    made : Proxy
        The proxy.
    longest : int
        Most pixels of the longer side.
    """
    about = made.about
    factor = factor_for(about.columns, about.rows, longest)
    if factor == 1:
        return made
    reduction = Reduction(about.columns, about.rows, about.layout, factor)
    reduction.take(made.samples)
    small = reduction.finish()
    rows, columns, _ = small.samples.shape
    made_about = replace(about, factor=about.factor * factor, rows=rows, columns=columns)
    return Proxy(made_about, small.samples)


def area(
    samples: Samples, box: tuple[float, float, float, float], width: int, height: int
) -> Samples:
    """Return area means of a rectangle; boxes may contain fractions of pixels.

    Parameters
    ----------
    samples : ndarray, shape (rows, columns, channels), uint16 or float32
    box : tuple of float
        Left, top, right, bottom in samples; fractions are allowed.
    width, height : int
        Of the result; not more than the box has.

    Returns
    -------
    ndarray, shape (height, width, channels), of the same type
    """
    left, top, right, bottom = box
    down, down_shares = _shares(top, bottom, height, samples.shape[0])
    across, across_shares = _shares(left, right, width, samples.shape[1])
    first, last = int(across.min()), int(across.max()) + 1
    part = samples[:, first:last]
    rows = _weighed(part, down, down_shares, axis=0)
    made = _weighed(rows, across - first, across_shares, axis=1)
    if samples.dtype == np.float32:
        return np.ascontiguousarray(made)
    return np.ascontiguousarray(np.rint(made).astype(samples.dtype))


def _weighed(samples: Samples, places: NDArray[np.intp], shares: Floats, axis: int) -> Samples:
    if places.shape[1] == 1:
        return np.asarray(samples.take(places[:, 0], axis=axis), np.float32)
    shape = list(samples.shape)
    shape[axis] = len(places)
    made = np.zeros(shape, np.float32)
    for tap in range(places.shape[1]):
        weight = shares[:, tap].reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        made += samples.take(places[:, tap], axis=axis) * weight
    return made


def _shares(start: float, stop: float, count: int, size: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the samples under each cell of a result, and the share of each."""
    edges = np.linspace(start, stop, count + 1)
    begin, end = edges[:-1, None], edges[1:, None]
    first = np.floor(begin + 1e-9)
    taps = int(np.ceil(end - first - 1e-9).max())
    places = first + np.arange(max(1, taps))
    shares = np.clip(np.minimum(places + 1, end) - np.maximum(places, begin), 0.0, None)
    shares /= shares.sum(axis=1, keepdims=True)
    return np.clip(places, 0, size - 1).astype(np.intp), shares.astype(np.float32)
