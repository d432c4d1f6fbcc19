"""The look task of ``divere inspect``: how good a scan is, and what it shows of its film.

Covers one scan by itself, read once: what is clipped, density range and noise, film base where
one frame alone shows it, and the code at the film's edge. Writes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from divere_cli.develop import source
from divere_cli.develop.ends import Ends
from divere_cli.develop.film_edge import EdgeView
from divere_cli.develop.quality import Measured
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult
from divere_cli.roll import films, measure
from divere_cli.roll.downsample import Reduction


def look(job: Job, progress: Progress) -> TaskResult:
    """Read a scan for its quality alone.

    Parameters
    ----------
    job : Job
        The recipe of its first frame says in which space film base is told; without a
        frame none is looked for. ``film_edge`` asks for the edge's code.
    progress : Progress

    Returns
    -------
    TaskResult
        With ``clipped``, ``quality``, ``film_edge`` and warnings of what is clipped.

    Raises
    ------
    ScanError
        As the reader raises it.
    """
    with progress.stage("read"), source.open(job) as scan:
        head = scan.header
        ends = Ends(head.width, head.height, head.channels)
        counted = Measured(head.width, head.height, head.channels)
        view = EdgeView(head) if job.film_edge else None
        full = {"uint8": 255.0, "uint16": 65535.0}.get(head.layout.dtype, 1.0)
        cells = Reduction((0, 0, head.width, head.height), full)
        for first, band in scan.bands():
            ends.take(first, band)
            counted.take(first, band)
            cells.add(first, band)
            if view is not None:
                view.take(first, band)
            progress.advance((first + len(band)) / head.height)
        edge = view.read() if view is not None else None
    quality = counted.quality
    if quality is not None and job.frames and job.frames[0].recipe.film.invert:
        looks = measure.examine(cells.grid(), job.frames[0].recipe)
        base = None if looks is None else films.part([looks])[0].base
        quality = replace(quality, film_base=None if base is None else base.density)
    return TaskResult(
        width=head.width,
        height=head.height,
        warnings=ends.warnings,
        clipped=ends.clipped,
        quality=quality,
        film_edge=edge,
    )
