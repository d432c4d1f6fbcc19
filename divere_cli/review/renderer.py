"""Assign pictures to workers: the newest request has priority, the last two workers are kept.

Covers the two kinds of pictures: large ones, from a worker that has one scan open and is kept;
and small ones for the grid, from proxies that remain when the worker that decoded has ended.
After a crash a fresh worker tries again, three times in all, and the page is notified. Worker
processes are in :mod:`divere_cli.review.workers`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from divere_cli.records.job import Job
from divere_cli.records.outcome import ErrorRecord
from divere_cli.review import scan_edge
from divere_cli.review.channel import Answer
from divere_cli.review.orders import SMALL_LONGEST, STRIP_LONGEST, WHOLE, Opening, Pick, View
from divere_cli.review.roll import Scan
from divere_cli.review.scan_edge import ScanEdge
from divere_cli.review.workers import Resident, ScanFailed, Workers

TRIES = 3
KEPT = 2
SECONDS = 300.0  # limit for one answer, the default of a batch for one scan
SMALL = 400  # pixels: pictures up to this size are for the grid
MOST_SMALL = 2000  # proxies of the grid that are kept: 1.6 MB each
NOTICES = 50
IDLE_SECONDS = 15.0  # until the grid's worker is ended
SLOW_SECONDS = 5.0
SmallKey = tuple[str, tuple[int, int, int], str, bool]


class Superseded(Exception):
    """The request was replaced by a newer one for the same frame."""


@dataclass(frozen=True, slots=True)
class Request:
    """A picture, or a point to make gray, of a scan; ``job`` reads the scan."""

    scan: Scan
    job: Job
    order: View | Pick
    tag: str = ""  # a request replaces an older one with the same tag
    number: int = 0  # in the order of arrival
    strip: bool = False  # several pictures on one scan: its small proxy must be larger

    @property
    def light(self) -> str:
        """Settings that change the samples: each has a proxy of its own."""
        return f"{self.job.frames[0].recipe.camera_white_balance} {self.job.transfer}"

    @property
    def small(self) -> bool:
        """Whether it is a picture for the grid."""
        order = self.order
        return isinstance(order, View) and order.size <= SMALL and order.window == WHOLE


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to a frame, shown by the page."""

    number: int
    name: str
    message: str


@dataclass(eq=False)
class _Waiting:
    request: Request
    future: Future[Answer] = field(default_factory=Future)

    def drop(self) -> None:
        """Report that a newer request replaced this one."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(Superseded())


class RequestQueue:
    """Requests that are answered one after the other; of those that wait, newer ones replace older.

    ``work(request)`` answers one; it runs in the thread of the queue.
    """

    def __init__(self, name: str, work: Callable[[Request], Answer]) -> None:
        self._work = work
        self._turn = threading.Condition()
        self._next: OrderedDict[tuple[str, str, bool], _Waiting] = OrderedDict()
        self._newest: dict[tuple[str, str, bool], int] = {}
        self._closed = False
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def submit(self, request: Request) -> Future[Answer]:
        """Add a request; a waiting one for the same frame and tag is dropped."""
        waiting = _Waiting(request)
        key = (request.scan.name, request.tag, isinstance(request.order, Pick))
        with self._turn:
            older = None
            if self._closed or request.number < self._newest.get(key, 0):
                waiting.drop()  # threads do not keep the order in which requests came
            else:
                older = self._next.pop(key, None)
                self._next[key] = waiting
                self._newest[key] = request.number
            self._turn.notify()
        if older is not None:
            older.drop()
        return waiting.future

    def close(self) -> None:
        """Drop waiting requests; the thread ends after the current one."""
        with self._turn:
            self._closed = True
            dropped, self._next = list(self._next.values()), OrderedDict()
            self._turn.notify()
        for waiting in dropped:
            waiting.drop()

    def idle(self) -> bool:
        """Return whether no request waits."""
        with self._turn:
            return not self._next

    def _run(self) -> None:
        while True:
            with self._turn:
                while not self._next and not self._closed:
                    if not self._turn.wait(IDLE_SECONDS):
                        break
                if self._closed:
                    return
                waiting = self._next.popitem(last=False)[1] if self._next else None
            if waiting is None:
                self.on_idle()
            elif waiting.future.set_running_or_notify_cancel():
                try:
                    waiting.future.set_result(self._work(waiting.request))
                except BaseException as error:  # noqa: BLE001 - raised where the result is read
                    waiting.future.set_exception(error)

    def on_idle(self) -> None:
        """Called when there was no request for a while."""


@dataclass(eq=False)
class _OpenScan:
    """A scan that is open in a worker of its own."""

    scan: Scan
    light: str
    queue: RequestQueue
    stem: str
    worker: Resident | None = None
    opened: dict[str, Any] = field(default_factory=dict)
    closed: bool = False


class Renderer:
    """Makes pictures. Any thread may call; ``close`` ends its threads and workers.

    Parameters
    ----------
    workers : Workers
    threads : int
        Threads of one worker.
    """

    def __init__(self, workers: Workers, threads: int = 1) -> None:
        self._workers = workers
        self._threads = threads
        self._turn = threading.Lock()
        self._open_scans: OrderedDict[str, _OpenScan] = OrderedDict()
        self._numbers = itertools.count(1)
        self._notices: deque[Notice] = deque(maxlen=NOTICES)
        self._failed: dict[str, tuple[tuple[int, int, int], ErrorRecord]] = {}
        self._edges: dict[str, tuple[tuple[int, int, int], ScanEdge]] = {}
        self._small: OrderedDict[SmallKey, str] = OrderedDict()
        self._grid_worker: Resident | None = None
        self._old: list[threading.Thread] = []
        self._grid = _GridQueue("review-grid", self._grid_answer)
        self._grid.when_idle = self._close_grid_worker

    def submit(self, request: Request) -> Future[Answer]:
        """Request a picture; the future may raise Superseded or ScanFailed."""
        failed = self.failure(request.scan)
        if failed is not None:
            future: Future[Answer] = Future()
            future.set_exception(ScanFailed(failed))
            return future
        if request.small:
            return self._grid.submit(request)
        with self._turn:
            return self._open_scan(request).queue.submit(request)

    def failure(self, scan: Scan) -> ErrorRecord | None:
        """Return why the scan in its present state failed; None if it did not."""
        recorded = self._failed.get(scan.name)
        return recorded[1] if recorded is not None and recorded[0] == scan.stamp else None

    def again(self, name: str) -> None:
        """Forget that a scan failed."""
        self._failed.pop(name, None)

    def notices(self, after: int) -> list[Notice]:
        """Return the notices after a number."""
        return [notice for notice in list(self._notices) if notice.number > after]

    def facts(self, scan: Scan) -> dict[str, Any]:
        """Return facts about an opened scan: its size, and what the scanner clipped."""
        with self._turn:
            open_scan = self._open_scans.get(scan.name)
            return (
                dict(open_scan.opened)
                if open_scan is not None and open_scan.scan.stamp == scan.stamp
                else {}
            )

    def edge(self, scan: Scan) -> ScanEdge | None:
        """What the film's edge on a scan shows; None before the scan was read, too."""
        edge = self._edges.get(scan.name)
        return edge[1] if edge is not None and edge[0] == scan.stamp else None

    def _note_edge(self, scan: Scan, facts: dict[str, Any]) -> None:
        edge = scan_edge.of_facts(facts)
        if edge is not None:
            self._edges[scan.name] = scan.stamp, edge

    def close(self) -> None:
        """End all threads and workers."""
        with self._turn:
            open_scans, self._open_scans = list(self._open_scans.values()), OrderedDict()
        for open_scan in open_scans:
            self._let_go(open_scan)
        self._grid.close()
        grid_worker = self._grid_worker  # the grid's thread may set the field to None
        if grid_worker is not None:
            grid_worker.kill()
        for thread in (*self._old, self._grid.thread):
            thread.join(SLOW_SECONDS)

    # ------------------------------------------------------------ large pictures

    def _open_scan(self, request: Request) -> _OpenScan:
        scan, light = request.scan, request.light
        open_scan = self._open_scans.get(scan.name)
        if open_scan is not None and (open_scan.scan.stamp, open_scan.light) != (scan.stamp, light):
            self._let_go(self._open_scans.pop(scan.name))
            open_scan = None
        if open_scan is None:
            stem = os.path.join(self._workers.folder, f"scan-{next(self._numbers)}")
            requests = RequestQueue("review-scan", lambda request: self._answer(new_scan, request))
            new_scan = open_scan = _OpenScan(scan, light, requests, stem)
            self._open_scans[scan.name] = open_scan
        self._open_scans.move_to_end(scan.name)
        while len(self._open_scans) > KEPT:
            self._let_go(self._open_scans.popitem(last=False)[1])
        return open_scan

    def _let_go(self, open_scan: _OpenScan) -> None:
        """Drop waiting requests, and free the memory of the worker and its proxy."""
        open_scan.closed = True
        open_scan.queue.close()
        worker = open_scan.worker  # its own thread may set the field to None at any moment
        if worker is not None:
            worker.kill()
        self._old = [thread for thread in self._old if thread.is_alive()]
        self._old.append(open_scan.queue.thread)
        with contextlib.suppress(OSError):
            os.unlink(open_scan.stem)

    def _answer(self, open_scan: _OpenScan, request: Request) -> Answer:
        tried = 0
        while True:
            tried += 1
            try:
                worker = self._opened(open_scan, request)
                return worker.ask(request.order, SECONDS)
            except ScanFailed as failed:
                if open_scan.worker is not None and (failed.died or _timed_out(failed)):
                    self._discard(open_scan)
                if open_scan.closed:
                    raise Superseded from failed
                if failed.died and tried < TRIES:
                    self._notify(request, f"{failed.message}; a fresh worker tries again")
                    continue
                if isinstance(request.order, View) and not _of_the_grade(failed):
                    self._note_failure(request, failed, tried)
                raise
            finally:
                if open_scan.closed:
                    self._discard(open_scan)

    def _opened(self, open_scan: _OpenScan, request: Request) -> Resident:
        if open_scan.worker is None:
            if open_scan.closed:
                raise Superseded
            scan, small = request.scan, self._small_path(request)
            open_scan.worker = self._workers.start(scan.name, scan.path, (open_scan.stem, small))
            began = time.monotonic()
            opening = self._opening(request, open_scan.stem, small)
            open_scan.opened, _ = open_scan.worker.ask(opening, SECONDS)
            self._note_edge(scan, open_scan.opened)
            self._remember(request, small)
            if time.monotonic() - began > SLOW_SECONDS:
                self._notify(request, f"took {time.monotonic() - began:.0f} s to open")
        return open_scan.worker

    def _opening(self, request: Request, view: str, small: str) -> Opening:
        longest = STRIP_LONGEST if request.strip else SMALL_LONGEST
        job = replace(request.job, threads=self._threads if view else 1)
        return Opening(job, view, small, longest)

    def _discard(self, open_scan: _OpenScan) -> None:
        worker, open_scan.worker = open_scan.worker, None
        if worker is not None:
            worker.kill()
            worker.close()
        if open_scan.closed:
            with contextlib.suppress(OSError):
                os.unlink(open_scan.stem)

    # ------------------------------------------------------------ small pictures

    def _grid_answer(self, request: Request) -> Answer:
        tried = 0
        while True:
            tried += 1
            try:
                return self._grid_try(request)
            except ScanFailed as failed:
                if failed.died and tried < TRIES:
                    self._notify(request, f"{failed.message}; a fresh worker tries again")
                    continue
                if not _of_the_grade(failed):
                    self._note_failure(request, failed, tried)
                raise

    def _grid_try(self, request: Request) -> Answer:
        key = self._small_key(request)
        path = self._small.get(key)
        if path is None or not os.path.exists(path):
            path = self._decoded_small(request)
        assert isinstance(request.order, View)
        if self._grid_worker is None:
            self._grid_worker = self._workers.start("the grid", self._workers.small)
        try:
            return self._grid_worker.ask(replace(request.order, proxy=path), SECONDS)
        except ScanFailed as failed:
            if failed.died or _timed_out(failed):
                self._close_grid_worker()
            raise

    def _decoded_small(self, request: Request) -> str:
        """Let a worker decode the scan and write its small proxy; then it ends."""
        path = self._small_path(request)
        worker = self._workers.start(request.scan.name, request.scan.path, (path,))
        try:
            opening = self._opening(request, "", path)
            facts, _ = worker.ask(opening, SECONDS)
        finally:
            worker.close()
        self._note_edge(request.scan, facts)
        self._remember(request, path)
        return path

    def _close_grid_worker(self) -> None:
        worker, self._grid_worker = self._grid_worker, None
        if worker is not None:
            worker.close()

    def _small_key(self, request: Request) -> SmallKey:
        return request.scan.name, request.scan.stamp, request.light, request.strip

    def _small_path(self, request: Request) -> str:
        path = self._small.get(self._small_key(request))
        return path or os.path.join(self._workers.small, f"{next(self._numbers)}")

    def _remember(self, request: Request, path: str) -> None:
        with self._turn:
            if not os.path.exists(path):
                return
            self._small[self._small_key(request)] = path
            while len(self._small) > MOST_SMALL:
                with contextlib.suppress(OSError):
                    os.unlink(self._small.popitem(last=False)[1])

    # ------------------------------------------------------------ notices

    def _note_failure(self, request: Request, failed: ScanFailed, tried: int) -> None:
        message = failed.message + (f" ({tried} tries)" if tried > 1 else "")
        record = replace(failed.record, message=message)
        self._failed[request.scan.name] = (request.scan.stamp, record)
        self._notify(request, message)

    def _notify(self, request: Request, message: str) -> None:
        self._notices.append(Notice(next(self._numbers), request.scan.name, message))


class _GridQueue(RequestQueue):
    """The queue of the grid, whose worker is ended when there are no requests."""

    when_idle: Callable[[], None] = staticmethod(lambda: None)

    def on_idle(self) -> None:
        self.when_idle()


def _timed_out(failed: ScanFailed) -> bool:
    return failed.record.kind == "timeout"


def _of_the_grade(failed: ScanFailed) -> bool:
    """Return whether the grade failed and not the scan, so that another grade may succeed."""
    return failed.record.kind in ("profile", "internal")
