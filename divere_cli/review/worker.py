"""The worker of the service: opens one scan and makes pictures of it.

Covers decoding a scan once into the files of its proxies, views and picks from these, and
views with more resolution from the pixels of the scan. It runs in a process of its own, one
for each scan (:mod:`divere_cli.isolation.supervisor.launch`).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import proxy, source
from divere_cli.develop.film_edge import EdgeView
from divere_cli.errors import CorruptInput, DivereError, Internal, OutOfMemory
from divere_cli.image import icc, preview
from divere_cli.image.parallel import Parallel
from divere_cli.records.grade import Space
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import ErrorRecord, TaskResult
from divere_cli.records.serialize import to_plain
from divere_cli.review import channel, neutral, picture
from divere_cli.review.orders import VIEW_LONGEST, Opening, Order, Pick, View

Samples = NDArray[Any]
Answer = tuple[dict[str, Any], bytes]

HELD_PIXELS = 120_000_000  # most pixels of a scan kept in memory for 1:1 views: 720 MB at 16 bits


class Files:
    """Files of a worker: its pipes, and the proxies of its scan by path.

    They are opened before the worker is confined: afterwards it cannot open files by name.
    """

    def __init__(self, job: Job) -> None:
        named = json.loads(job.parameters)
        self.line = channel.Worker(named["orders"], named["answers"])
        self._open = {path: os.open(path, os.O_RDWR | os.O_CLOEXEC) for path in named["proxies"]}

    def descriptors(self) -> set[int]:
        """Return the descriptors that must stay open."""
        return {*self.line.descriptors(), *self._open.values()}

    def of(self, path: str) -> int | None:
        """Return the descriptor of the file at a path; None if it is not open."""
        return self._open.get(path)

    def close(self) -> None:
        """Close everything."""
        self.line.close()
        for fd in self._open.values():
            os.close(fd)


_files: dict[int, Files] = {}


def ahead(job: Job) -> set[int]:
    """Open what the worker needs before it is confined; return the descriptors.

    Parameters
    ----------
    job : Job
        The job of the worker.
    """
    if job.id not in _files:
        _files[job.id] = Files(job)
    return _files[job.id].descriptors()


def serve(job: Job, progress: Progress) -> TaskResult:
    """Answer orders until the service closes the pipe: the task of the worker's job.

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.
    """
    ahead(job)
    files = _files.pop(job.id)
    bench = Bench(job.encoding.color_space, files.of)
    try:
        while (order := files.line.next()) is not None:
            files.line.answer(*_answer(bench, order))
    finally:
        files.close()
    return TaskResult()


def _answer(bench: Bench, order: Any) -> Answer:
    try:
        return bench.answer(order)
    except DivereError as error:
        record = ErrorRecord(error.kind, error.message, error.hint, error.detail)
    except MemoryError:
        short = OutOfMemory("there was not enough memory for this scan")
        record = ErrorRecord(short.kind, short.message, short.hint)
    except Exception as error:  # noqa: BLE001 - named in the answer
        text = f"a bug in divere: {type(error).__name__}: {error}"
        record = ErrorRecord(Internal.kind, text, Internal.default_hint, traceback.format_exc())
    return {"error": to_plain(record)}, b""


class Bench:
    """The open scan of one worker. ``answer`` handles orders one after another.

    Parameters
    ----------
    output : Space
        Color space of the pictures.
    file : callable
        Returns the descriptor of a proxy's file by its path; None if it is not open.
    """

    def __init__(
        self, output: Space, file: Callable[[str], int | None] = lambda path: None
    ) -> None:
        self._output = output
        self._file = file
        self._stack = ExitStack()
        self._parallel = Parallel(1)
        self._opening: Opening | None = None
        self._views: picture.Views | None = None
        self._small: dict[str, picture.Views] = {}
        self._full_samples: Samples | None = None

    def answer(self, order: Order) -> Answer:
        """Carry out an order.

        Raises
        ------
        ScanError
            The scan or its grade cannot be used.
        """
        began = time.perf_counter()
        if isinstance(order, Opening):
            facts, data = self._open(order)
        elif isinstance(order, View):
            facts, data = self._view(order)
        else:
            facts, data = self._pick(order)
        return facts | {"seconds": round(time.perf_counter() - began, 4)}, data

    def _open(self, opening: Opening) -> Answer:
        self._opening = opening
        self._parallel = self._stack.enter_context(Parallel(opening.job.threads))
        scan_proxy = self._loaded(opening.view) if opening.view else None
        decoded = scan_proxy is None
        if scan_proxy is None:
            scan_proxy = self._decoded(opening)
        self._views = picture.Views(scan_proxy, self._close, self._output, self._parallel)
        about = scan_proxy.about
        facts = {
            "width": about.width,
            "height": about.height,
            "factor": about.factor,
            "decoded": decoded,
            "clipped": {"top": about.top, "bottom": about.bottom},
            "warnings": about.warnings,
            "film_edge": to_plain(about.film_edge),
            "numbering": to_plain(about.numbering),
        }
        return facts, b""

    def _decoded(self, opening: Opening) -> proxy.Proxy:
        with source.open(opening.job, self._parallel) as scan:
            header = scan.header
            width, height = header.width, header.height
            longest = VIEW_LONGEST if opening.view else opening.small_longest
            factor = proxy.factor_for(width, height, longest)
            reduction = proxy.Reduction(width, height, scan.layout, factor)
            edge = EdgeView(header)
            for first, band in scan.bands():
                reduction.take(band)
                edge.take(first, band)
            made = reduction.finish(scan.warnings)
            code = edge.read()
            about = replace(made.about, film_edge=code, numbering=edge.numbering)
            made = replace(made, about=about)
        self._keep(opening.view, made)
        if self._loaded(opening.small) is None:
            self._keep(opening.small, proxy.smaller(made, opening.small_longest))
        return made

    def _loaded(self, path: str) -> proxy.Proxy | None:
        fd = self._file(path)
        if fd is not None:
            return proxy.load(fd)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return proxy.load(fd)
        finally:
            os.close(fd)

    def _keep(self, path: str, made: proxy.Proxy) -> None:
        """Write a proxy for later workers; if there is no space, they decode again."""
        fd = self._file(path)
        if fd is not None:
            with contextlib.suppress(OSError):
                proxy.save(fd, made)

    def _view(self, view: View) -> Answer:
        made, part = self._of(view.proxy).graded(view)
        facts = {
            "width": made.shape[1],
            "height": made.shape[0],
            "scale": round(part.scale, 5),
            "histogram": picture.histogram(made),
        }
        profile = icc.profile(self._output, made.shape[2] == 1)
        encode = preview.png if view.format == "png" else preview.fine_jpeg
        return facts, encode(made, profile)

    def _pick(self, pick: Pick) -> Answer:
        view = View(pick.recipe, pick.crop, pick.orientation, mirrored=pick.mirrored)
        color = self._of("").color(view, pick.at)
        return {"rgb_gains": neutral.gains(pick.recipe, color, self._output)}, b""

    def _of(self, small: str) -> picture.Views:
        if small:
            if small not in self._small:
                small_proxy = self._loaded(small)
                if small_proxy is None:
                    raise CorruptInput("its small proxy is gone")
                if len(self._small) >= 8:
                    self._small.clear()
                self._small[small] = picture.Views(small_proxy, None, self._output, self._parallel)
            return self._small[small]
        if self._views is None:
            raise Internal("a picture was requested from a worker that has no scan open")
        return self._views

    def _close(self, left: int, top: int, right: int, bottom: int) -> Samples:
        """Return pixels of the scan itself, with the sample type of the proxy."""
        assert self._opening is not None
        assert self._views is not None
        about = self._views.proxy.about
        if about.factor == 1:
            return self._views.proxy.samples[top:bottom, left:right]
        if self._full_samples is not None:
            return self._full_samples[top:bottom, left:right]
        if about.width * about.height <= HELD_PIXELS:
            self._full_samples = self._pixels(0, 0, about.width, about.height)
            return self._full_samples[top:bottom, left:right]
        return self._pixels(left, top, right, bottom)

    def _pixels(self, left: int, top: int, right: int, bottom: int) -> Samples:
        assert self._opening is not None
        assert self._views is not None
        about = self._views.proxy.about
        made = np.empty((bottom - top, right - left, about.channels), np.dtype(about.sample))
        with source.open(self._opening.job, self._parallel) as scan:
            wide = 257 if scan.layout.bits == 8 else 1
            for first, band in scan.bands():
                begin, end = max(first, top), min(first + len(band), bottom)
                if begin < end:
                    rows = band[begin - first : end - first, left:right]
                    np.multiply(rows, wide, out=made[begin - top : end - top], dtype=made.dtype)
                if end >= bottom:
                    break
        return made
