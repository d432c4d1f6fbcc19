"""A graded view of a scan: samples are reduced, graded and turned.

Covers the part of the proxy that a view shows (or of the scan, if the view has a higher
resolution), the grade as in a batch, the histogram and clipping. Reading scans and files is
elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.color import grade
from divere_cli.develop import proxy as proxies
from divere_cli.image import geometry
from divere_cli.image.layout import Layout
from divere_cli.image.parallel import Parallel, slices
from divere_cli.records.grade import Space
from divere_cli.review.orders import View

Samples = NDArray[Any]
Picture = NDArray[np.uint8]
Corners = tuple[float, float, float, float]

BINS = 64
KEPT = 4  # reduced pictures before the grade: for other sizes, windows and the grid


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of the scan, in its pixels, and how large it is to be shown."""

    box: Corners
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the view for one pixel of the scan."""
        return self.width / max(1e-9, self.box[2] - self.box[0])


def part_of(view: View, width: int, height: int) -> Part:
    """Return the part of a scan that a view shows, before its turn.

    Parameters
    ----------
    view : View
        The view.
    width : int
        Pixels of the scan.
    height : int
        Pixels of the scan.
    """
    box = geometry.box(view.crop, width, height)
    x, y, w, h = _unturned(view.window, view.orientation)
    if view.mirrored:
        x = 1.0 - x - w
    left, top = box.left + x * box.width, box.top + y * box.height
    right, bottom = left + w * box.width, top + h * box.height
    if view.window != (0.0, 0.0, 1.0, 1.0):  # whole pixels: at 1:1 nothing is resampled
        left, top = float(round(left)), float(round(top))
        right, bottom = max(left + 1.0, float(round(right))), max(top + 1.0, float(round(bottom)))
    right, bottom = min(right, float(width)), min(bottom, float(height))
    scale = min(1.0, view.size / max(right - left, bottom - top))
    return Part(
        (left, top, right, bottom),
        max(1, round((right - left) * scale)),
        max(1, round((bottom - top) * scale)),
    )


def _unturned(window: Corners, orientation: int) -> Corners:
    """Return a rectangle of the turned picture as it is before the counter-clockwise turn."""
    x, y, w, h = window
    for _ in range(orientation // 90 % 4):
        x, y, w, h = 1.0 - y - h, x, h, w
    return x, y, w, h


class Views:
    """Pictures of one proxy; reduced samples are kept for the next change of the grade.

    Parameters
    ----------
    proxy : Proxy
    full : callable or None
        ``full(left, top, right, bottom)`` returns pixels of the scan, with the sample type
        of the proxy; None if only the proxy is available.
    output : Space
    parallel : Parallel
    """

    def __init__(
        self,
        proxy: proxies.Proxy,
        full: Callable[[int, int, int, int], Samples] | None,
        output: Space,
        parallel: Parallel,
    ) -> None:
        self.proxy = proxy
        self._full = full
        self._output = output
        self._parallel = parallel
        self._small: OrderedDict[tuple[Part, bool], Samples] = OrderedDict()

    def graded(self, view: View) -> tuple[Picture, Part]:
        """Return the turned view as 8-bit sRGB, ``(rows, columns, 1 or 3)``, and its part."""
        about = self.proxy.about
        part = part_of(view, about.width, about.height)
        samples = self._samples(part)
        layout: Layout = about.layout
        made = grade.compile(view.recipe, self._output, layout, 8)
        out = np.empty((*samples.shape[:2], made.channels), np.uint8)

        def apply(rows: slice) -> None:
            made.apply(samples[rows], out[rows], rows.start)

        self._parallel.each(apply, [(p,) for p in slices(len(samples), self._parallel.size)])
        out = out[:, ::-1] if view.mirrored else out
        return np.rot90(out, view.orientation // 90 % 4), part

    def color(self, view: View, at: tuple[float, float]) -> NDArray[np.float64]:
        """Return the normalized linear color around a point (0..1 of the positive), ``(3,)``."""
        about = self.proxy.about
        box = geometry.box(view.crop, about.width, about.height)
        x, y, _, _ = _unturned((*at, 0.0, 0.0), view.orientation)
        x = 1.0 - x if view.mirrored else x
        column = (box.left + x * box.width) / about.factor
        row = (box.top + y * box.height) / about.factor
        reach = max(1, round(max(box.width, box.height) / about.factor / 400))
        rows = slice(max(0, int(row) - reach), int(row) + reach + 1)
        columns = slice(max(0, int(column) - reach), int(column) + reach + 1)
        cell = self.proxy.samples[rows, columns].reshape(-1, about.channels).astype(np.float64)
        color = cell.mean(axis=0) / (1.0 if about.sample == "float32" else 65535.0)
        return np.asarray(np.broadcast_to(color, 3), np.float64)

    def _samples(self, part: Part) -> Samples:
        factor = self.proxy.about.factor
        close = self._full is not None and part.scale * factor > 1.0 + 1e-6
        key = (part, close)
        if key in self._small:
            self._small.move_to_end(key)
            return self._small[key]
        made = self._close(part) if close else self._of_proxy(part, factor)
        self._small[key] = made
        if len(self._small) > KEPT:
            self._small.popitem(last=False)
        return made

    def _of_proxy(self, part: Part, factor: int) -> Samples:
        left, top, right, bottom = (edge / factor for edge in part.box)
        rows, columns, _ = self.proxy.about.shape
        right, bottom = min(right, columns), min(bottom, rows)
        width = min(part.width, max(1, int(np.ceil(right - left))))
        height = min(part.height, max(1, int(np.ceil(bottom - top))))
        return proxies.area(self.proxy.samples, (left, top, right, bottom), width, height)

    def _close(self, part: Part) -> Samples:
        assert self._full is not None
        left, top = int(part.box[0]), int(part.box[1])
        right, bottom = int(np.ceil(part.box[2])), int(np.ceil(part.box[3]))
        pixels = self._full(left, top, right, bottom)
        box = (part.box[0] - left, part.box[1] - top, part.box[2] - left, part.box[3] - top)
        return proxies.area(pixels, box, part.width, part.height)


def histogram(picture: Picture) -> dict[str, Any]:
    """Count a picture in 64 bins for each channel, and the shares that are 0 and 255.

    Parameters
    ----------
    picture : Picture
        Codes, uint8, shape (rows, columns, 1 or 3).
    """
    step = 2 if picture.shape[0] * picture.shape[1] > 1 << 18 else 1
    part = picture[::step, ::step]
    total = max(1, part.shape[0] * part.shape[1])
    counts, low, high = [], [], []
    for channel in range(part.shape[2]):
        codes = np.bincount(part[..., channel].ravel(), minlength=256)
        counts.append([int(n) for n in codes.reshape(BINS, -1).sum(axis=1)])
        low.append(round(float(codes[0]) / total, 5))
        high.append(round(float(codes[255]) / total, 5))
    return {"counts": counts, "low": low, "high": high}
