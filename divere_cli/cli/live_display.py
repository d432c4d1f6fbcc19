"""The live display on stderr: scans in progress, speed, time left, memory.

Draws a :class:`Board` with rich, without a thread: at most ten times a second, when an event
arrives. Names are made safe before they are passed to rich, as text and never as markup.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from divere_cli.cli.progress import AtWork, Board
from divere_cli.records.events import Event, RunStarted, RunStopping
from divere_cli.text import format_bytes, safe, tail

_EVERY = 0.1  # seconds between two drawings
_NARROW = 72  # columns; with fewer, figures matter more than bars
_STYLES = (("divere: error:", "red"), ("divere: warning:", "yellow"))


class Live:
    """The live display. A context manager that takes events with :meth:`handle`.

    Parameters
    ----------
    stderr : TextIO
        The stream to draw on.
    force : bool
        Draw even if the stream is not a terminal.
    clock : callable
        Monotonic clock in seconds.
    """

    def __init__(
        self,
        stderr: TextIO,
        force: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = Console(file=stderr, force_terminal=force or None, highlight=False)
        self._clock = clock
        self._board = Board(clock)
        self._drawn = float("-inf")
        self._live = RichLive(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.update(Text(""))
        self._live.stop()

    def handle(self, event: Event) -> None:
        """Handle one event, and draw if enough time has passed."""
        self._board.handle(event)
        now = self._clock()
        if now - self._drawn >= _EVERY or isinstance(event, RunStarted | RunStopping):
            self._drawn = now
            self._live.update(self.picture(), refresh=True)

    def print_above(self, line: str) -> None:
        """Print one line above the display."""
        style = next((style for start, style in _STYLES if line.startswith(start)), "")
        self._console.print(Text(line, style=style), soft_wrap=True)

    def picture(self) -> RenderableType:
        """Return the present content of the display."""
        board = self._board
        rows = max(self._console.height - 5, 1)
        scans = sorted(board.at_work.values(), key=lambda scan: scan.since)
        visible = scans if len(scans) <= rows else scans[: rows - 1]
        narrow = self._console.width < _NARROW
        parts: list[RenderableType] = [_headline(board), _overall(board, narrow)]
        if visible:
            parts.append(self._scans(visible, narrow))
        if len(visible) < len(scans):
            parts.append(Text(f"  and {len(scans) - len(visible)} more in progress", style="dim"))
        return Group(*parts)

    def _scans(self, scans: list[AtWork], narrow: bool) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0), expand=False)
        width = self._console.width - (26 if narrow else 58)
        for scan in scans:
            again = f" (attempt {scan.attempt})" if scan.attempt > 1 else ""
            bar, size = ProgressBar(1.0, scan.done, width=16), format_bytes(scan.rss_bytes)
            cells = (
                Text("  " + tail(safe(scan.name), max(width, 8))),
                Text(safe(scan.stage, 12) + again, style="cyan"),
                *(() if narrow else (bar,)),
                Text(f"{scan.done:4.0%}"),
                Text(f"{self._board.seconds_of(scan):5.1f} s"),
                *(() if narrow else (Text(size, style="dim"),)),
            )
            table.add_row(*cells)
        for column in table.columns:
            column.no_wrap = True
        return table


def _headline(board: Board) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    if board.started is None:
        return text.append("planning", style="dim")
    info = board.started.isolation
    text.append(f"{board.finished} of {board.total} scans", style="bold")
    if board.stopping:
        text.append(f"   stopping: {safe(board.stopping)}", style="bold yellow")
    text.append("   ")
    text.append(f"{board.graded} graded", style="green")
    if board.failed:
        text.append(f"   {board.failed} failed", style="bold red")
    if board.left_alone:
        text.append(f"   {board.left_alone} left as they are", style="dim")
    how = info.start_method or "threads"
    text.append(f"   {info.jobs} at once, {how}", style="dim")
    return text


def _overall(board: Board, narrow: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    seconds_left = board.seconds_left()
    now = f"{format_bytes(board.rss_bytes)} now" if board.rss_bytes else ""
    peak = f"{format_bytes(board.peak_rss_bytes)} peak" if board.peak_rss_bytes else ""
    memory = ", ".join(filter(None, (now, peak)))
    table.add_row(
        *(() if narrow else (ProgressBar(1.0, board.done(), width=30),)),
        Text(f"{board.done():4.0%}"),
        Text(f"{board.speed():.1f} MP/s" if board.graded else ""),
        Text(
            f"{_clock(seconds_left)} left"
            if seconds_left is not None
            else f"{_clock(board.elapsed())} so far"
        ),
        Text(now if narrow else memory, style="dim"),
    )
    for column in table.columns:
        column.no_wrap = True
    return table


def _clock(seconds: float) -> str:
    minutes, remainder = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{remainder:02}" if hours else f"{minutes}:{remainder:02}"
