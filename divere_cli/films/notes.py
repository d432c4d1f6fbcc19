"""What a film's edge adds to what was written down about a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from divere_cli.films import stocks
from divere_cli.films.numbering import Crop, Numbering
from divere_cli.records.film import FilmNotes
from divere_cli.records.outcome import FilmEdge


def film(edge: FilmEdge | None) -> str:
    """Return the stock's name, else its number; empty where nothing was read.

    Parameters
    ----------
    edge : FilmEdge or None
        What was read at the film's edge; None where nothing was read.
    """
    return "" if edge is None else edge.film or edge.dx


def frame(edge: FilmEdge | None) -> str:
    """Return the number of the first whole frame; else of the first half one.

    Parameters
    ----------
    edge : FilmEdge or None
        What was read at the film's edge; None where nothing was read.
    """
    frames = edge.frames if edge is not None else ()
    return next((name for name in frames if not name.endswith("A")), frames[0] if frames else "")


def numbers(
    edge: FilmEdge | None, numbering: Numbering | None, crops: Sequence[Crop]
) -> tuple[str, ...]:
    """Return the frame number of each picture of a scan; empty where none was read.

    A scan of one picture has the number that :func:`frame` gives, as names and metadata have
    it. Several have theirs by where they lie along the film.

    Parameters
    ----------
    edge : FilmEdge or None
        What was read at the film's edge.
    numbering : Numbering or None
        Where numbers lie along the film.
    crops : sequence of (x, y, width, height)
        The pictures, in parts of the stored frame.
    """
    if edge is None or numbering is None:
        return ()
    if len(crops) == 1:
        return (frame(edge),)
    return tuple(map(numbering.of_crop, crops))


def completed(notes: FilmNotes | None, edge: FilmEdge | None) -> FilmNotes | None:
    """Add film, process, speed and frame of the edge where the notes do not name them.

    Parameters
    ----------
    notes : FilmNotes or None
        What was written down (``--film-data``): it stays as it is.
    edge : FilmEdge or None
        What was read.
    """
    stock = stocks.by_number(edge.dx) if edge is not None else None
    if edge is None or (stock is None and not edge.frames):
        return notes
    out = notes or FilmNotes()
    if stock is not None and not out.film:
        iso = out.iso if out.iso is not None else stock.speed
        out = replace(out, film=stock.name, process=stock.process, iso=iso)
    return replace(out, frame=out.frame or frame(edge))
