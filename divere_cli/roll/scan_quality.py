"""The task of ``divere inspect``: quality of a scan, and data of its film.

Reads one scan once: clipped shares, density range, noise, film base if this frame alone shows
it, and the code at the film's edge. Writes nothing.
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
    """Measure the quality of a scan.

    Parameters
    ----------
    job : Job
        The recipe of its first frame defines the space of the film base; without a frame, no
        film base is measured. With ``film_edge``, the code at the edge is read.
    progress : Progress

    Returns
    -------
    TaskResult
        With ``clipped``, ``quality``, ``film_edge`` and warnings about clipping.

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
