"""Complete the film data of a picture from the code at the film's edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from divere_cli.films import stocks
from divere_cli.films.numbering import Crop, Numbering
from divere_cli.records.film import FilmNotes
from divere_cli.records.outcome import FilmEdge


def film(edge: FilmEdge | None) -> str:
    """Return the stock's name, or its DX number if unknown; empty if nothing was read.

    Parameters
    ----------
    edge : FilmEdge or None
        What was read at the film's edge; None where nothing was read.
    """
    return "" if edge is None else edge.film or edge.dx


def frame(edge: FilmEdge | None) -> str:
    """Return the number of the first full frame, or of the first half frame if there is none.

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
    """Return the frame number of each picture of a scan; empty if no numbers were read.

    A scan of one picture gets the number of :func:`frame`, which names and metadata use, too.
    Several pictures get theirs by their positions along the film.

    Parameters
    ----------
    edge : FilmEdge or None
        What was read at the film's edge.
    numbering : Numbering or None
        Positions of the numbers along the film.
    crops : sequence of (x, y, width, height)
        The pictures, in shares of the stored frame.
    """
    if edge is None or numbering is None:
        return ()
    if len(crops) == 1:
        return (frame(edge),)
    return tuple(map(numbering.of_crop, crops))


def completed(notes: FilmNotes | None, edge: FilmEdge | None) -> FilmNotes | None:
    """Add film, process, speed and frame from the edge if the notes do not have them.

    Parameters
    ----------
    notes : FilmNotes or None
        Film data of ``--film-data``; never replaced.
    edge : FilmEdge or None
        What was read at the film's edge.
    """
    stock = stocks.by_number(edge.dx) if edge is not None else None
    if edge is None or (stock is None and not edge.frames):
        return notes
    out = notes or FilmNotes()
    if stock is not None and not out.film:
        iso = out.iso if out.iso is not None else stock.speed
        out = replace(out, film=stock.name, process=stock.process, iso=iso)
    return replace(out, frame=out.frame or frame(edge))
