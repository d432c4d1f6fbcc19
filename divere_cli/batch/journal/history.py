"""Runs recorded in a journal, and the figures written when a run ends.

Covers the figures of a run, reading them back from a journal of any version, and the
number of runs that are kept. Comparing runs is in ``report.history``.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from statistics import median_low

from divere_cli.batch.journal import lines as journal_lines
from divere_cli.batch.journal import state as journal_state
from divere_cli.errors import InputMissing, UsageError
from divere_cli.files import directory
from divere_cli.files.output_folder import Folder
from divere_cli.records.history import PastRun, RunFigures
from divere_cli.records.outcome import ScanResult
from divere_cli.records.serialize import from_plain
from divere_cli.text import quote

KEPT = 1000  # runs that outlive a compaction: 10 days of a run every quarter of an hour
_STAGES = ("start", "read", "measure", "grade", "write")
_MARKS = (b'{"kind":"run"', b'{"kind":"end"')


def figures(
    files: Sequence[ScanResult],
    *,
    seconds: float,
    exit_code: int,
    version: str,
    jobs: int,
    parent_peak_rss_bytes: int,
) -> RunFigures:
    """Return the figures of a run; those of its scans are computed here.

    Parameters
    ----------
    files : sequence of ScanResult
    seconds : float
        Wall clock of the whole run.
    exit_code : int
    version : str
        Version of divere.
    jobs : int
        Number of scans graded at once.
    parent_peak_rss_bytes : int
    """
    graded = [file for file in files if file.status == "ok"]
    by_stage = {
        stage: round(sum(getattr(file.seconds_by_stage, stage) for file in graded), 3)
        for stage in _STAGES
    }
    return RunFigures(
        seconds=round(seconds, 3),
        exit_code=exit_code,
        version=version,
        jobs=jobs,
        scans=dict(Counter(file.status for file in files)),
        megapixels=round(sum(file.width * file.height for file in graded) / 1e6, 6),
        scan_seconds=round(sum(file.seconds for file in graded), 3),
        median_seconds=round(median_low([file.seconds for file in graded] or [0.0]), 4),
        seconds_by_stage={stage: total for stage, total in by_stage.items() if total},
        peak_rss_bytes=max((file.peak_rss_bytes for file in files), default=0),
        parent_peak_rss_bytes=parent_peak_rss_bytes,
    )


def load(output: str) -> tuple[PastRun, ...]:
    """Return the runs that worked on a folder, oldest first.

    Parameters
    ----------
    output : str
        The output folder.

    Raises
    ------
    InputMissing
        There is no such folder.
    UsageError
        No journal is in it.
    JournalFailed
        The journal cannot be read.
    """
    folder = Folder.open(output, create=False)
    if folder is None:
        raise InputMissing(f"{quote(output)}: no such folder")
    try:
        name = journal_state.NAME
        with open(directory.open_regular(folder.handle, name, os.O_RDONLY), "rb") as stream:
            return runs(stream)
    except FileNotFoundError as problem:
        raise UsageError(
            f"{quote(output)}: no run is recorded here",
            hint="give the OUTPUT folder of a batch; a report file needs no --history",
        ) from problem
    except OSError as problem:
        raise journal_state.failed(problem, "read") from problem
    finally:
        folder.close()


def runs(lines: Iterable[bytes]) -> tuple[PastRun, ...]:
    """Return the runs of a journal; lines of other kinds are skipped.

    Parameters
    ----------
    lines : iterable of bytes
        Lines of the journal.
    """
    by_id: dict[str, PastRun] = {}
    marks = (line for line in lines if line.startswith(_MARKS))
    for _, line in journal_lines.read(marks):
        if line is None or not line.run:
            continue
        if line.kind == "run":
            by_id[line.run] = PastRun(line.run, line.started)
        else:
            started = by_id[line.run].started if line.run in by_id else ""
            by_id[line.run] = PastRun(line.run, started, True, _figures(line.figures))
    return tuple(by_id.values())


def _figures(data: object) -> RunFigures | None:
    """Return the figures of an ``end`` line; None if this version cannot read them."""
    if data is None:
        return None
    try:
        figures = from_plain(RunFigures, data)
        numbers = [*figures.scans.values(), *figures.seconds_by_stage.values()]
        numbers += [value for value in astuple(figures) if isinstance(value, int | float)]
        return figures if all(map(math.isfinite, numbers)) else None
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None
