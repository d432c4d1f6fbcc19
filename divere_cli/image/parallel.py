"""Threads that share the work on one scan and end with it.

Covers splitting a step into parts that do not depend on each other and
waiting for all of them. Codecs, the grade and system calls let go of the
interpreter's lock, so that parts run at the same time. One thread runs
everything in the caller's thread. Not covered: which results go
where; parts write to places of their own, so that the order in which they
are done changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from divere_cli.image.closing import Closing

Part = TypeVar("Part")
Made = TypeVar("Made")


class Parallel(Closing):
    """A fixed number of threads. A context manager: leaving it waits for running work.

    Parameters
    ----------
    threads : int
        1 starts none.
    """

    def __init__(self, threads: int = 1) -> None:
        self.size = max(1, threads)
        self._pool = ThreadPoolExecutor(self.size, "divere-parallel") if threads > 1 else None
        # its thread starts with the first work, which would wait behind the parts in the pool;
        # two threads are busy without it: it would cost them a twentieth
        self._beside = ThreadPoolExecutor(1, "divere-beside") if threads > 2 else None

    def map(self, work: Callable[[Part], Made], parts: Iterable[Part]) -> Iterator[Made]:
        """Run ``work`` on every part; return results in the order of the parts.

        The first error of a part is raised; by then no part runs any more.
        """
        if self._pool is None:
            yield from map(work, parts)
            return
        running = [self._pool.submit(work, part) for part in parts]
        try:
            for future in running:
                yield future.result()
        finally:
            settle(running)

    def each(self, work: Callable[..., object], parts: Iterable[tuple[Any, ...]]) -> None:
        """Call ``work`` with the arguments of every part and wait for all.

        The first error of a part is raised; by then no part runs any more.
        """
        if self._pool is None:
            for arguments in parts:
                work(*arguments)
            return
        running = [self._pool.submit(work, *arguments) for arguments in parts]
        try:
            for future in running:
                future.result()
        finally:
            settle(running)

    def later(self, work: Callable[[], None]) -> Future[None] | None:
        """Run ``work`` in the background; with one thread, at once.

        ``result()`` of what is returned waits for it and raises its error.
        """
        if self._pool is None:
            work()
            return None
        return self._pool.submit(work)

    def both(self, work: Callable[[], Made], beside: Callable[[], object]) -> Made:
        """Run two steps at the same time and wait for both; return the result of the first.

        With one or two threads, one runs after the other. Where both fail, the error of the first
        is raised; by then none runs any more.
        """
        if self._beside is None:
            made = work()
            beside()
            return made
        running = self._beside.submit(beside)
        try:
            made = work()
        finally:
            running.exception()  # waits for it
        running.result()
        return made

    def close(self) -> None:
        for pool in (self._pool, self._beside):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)


class Serial(Closing):
    """Runs one step at a time in the background, in order.

    With one thread, steps run in the caller's thread. A context manager:
    leaving it waits for the step that still runs.
    """

    def __init__(self, parallel: Parallel) -> None:
        self._pool = ThreadPoolExecutor(1, "divere-serial") if parallel.size > 1 else None
        self._running: Future[None] | None = None

    def put(self, work: Callable[[], None]) -> None:
        """Wait for the previous step, raise its error, and start the next."""
        self.settle()
        if self._pool is None:
            work()
        else:
            self._running = self._pool.submit(work)

    def settle(self) -> None:
        """Wait for the last step and raise its error."""
        if self._running is not None:
            running, self._running = self._running, None
            running.result()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)


def settle(running: Sequence[Future[Any]]) -> None:
    """Cancel work that has not started and wait for the rest; errors are raised elsewhere.

    Parameters
    ----------
    running : Sequence[Future[Any]]
        The work.
    """
    for future in running:
        future.cancel()
    for future in running:
        if not future.cancelled():
            future.exception()


def slices(length: int, parts: int) -> list[slice]:
    """Cut ``length`` into at most ``parts`` slices of nearly the same length.

    Parameters
    ----------
    length : int
        Number of items.
    parts : int
        Most slices.
    """
    count = max(1, min(parts, length))
    return [slice(length * n // count, length * (n + 1) // count) for n in range(count)]
