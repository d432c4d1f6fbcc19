"""What the film's edge says of the rolls of a run.

Covers which film each scan is on, which scans are not measured with the others, and
frame numbers that are missing or there twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from divere_cli.batch.plan import ScanPlan
from divere_cli.films import notes, stocks
from divere_cli.films import roll as rolls_
from divere_cli.records.outcome import FilmEdge, ScanResult
from divere_cli.records.roll import Decision
from divere_cli.text import quote


def films(edges: Mapping[str, FilmEdge | None]) -> dict[str, str]:
    """Return the film that a scan is on, by the scan's name, where it was read.

    Parameters
    ----------
    edges : Mapping[str, FilmEdge | None]
        What was read at the film's edge, by the scan's name.
    """
    return {name: notes.film(edge) for name, edge in edges.items() if edge is not None}


def alone(plans: Iterable[ScanPlan], edges: Mapping[str, FilmEdge | None]) -> dict[str, Decision]:
    """Return, by name, scans of slide film under a preset for negatives, or the other way round.

    What is measured of them means nothing: they are graded as their preset says.

    Parameters
    ----------
    plans : iterable of ScanPlan
        The plans of the scans.
    edges : Mapping[str, FilmEdge | None]
        What was read at the film's edge, by the scan's name.
    """
    found = {}
    for plan in plans:
        edge = edges.get(plan.scan.name)
        stock = stocks.by_number(edge.dx) if edge is not None else None
        if stock is None or plan.selection is None:
            continue
        recipes = tuple(frame.recipe for frame in plan.selection.frames)
        if any(recipe.film.invert is (stock.process in stocks.REVERSAL) for recipe in recipes):
            note = f"not measured with its roll: the film's edge says {stock.name}"
            found[plan.scan.name] = Decision(recipes, (f"{note} ({stock.process})",))
    return found


def numbers(results: Iterable[ScanResult]) -> tuple[str, ...]:
    """Return which frame numbers of a roll are on no scan, or on several.

    A roll is what lies in one folder and is on one film. Said only of folders whose scans were
    all graded in this run: of others not all edges are known.

    Parameters
    ----------
    results : iterable of ScanResult
        The results of the scans.
    """
    folders: dict[str, list[ScanResult]] = {}
    for result in results:
        folders.setdefault(os.path.dirname(result.input), []).append(result)
    lines: list[str] = []
    for folder, scans in sorted(folders.items()):
        if any(scan.status != "ok" for scan in scans):
            continue
        rolls: dict[str, list[rolls_.Seen]] = {}
        for scan in scans:
            edge = scan.film_edge
            if edge is not None and edge.frames:
                seen = rolls_.seen(scan.input, edge.frames)
                rolls.setdefault(notes.film(edge), []).append(seen)
        unread = sum(scan.film_edge is None for scan in scans)
        for film, shown in sorted(rolls.items()):
            where = f"{film} in {quote(folder)}" if folder else film
            lines += [f"{where}: {line}" for line in rolls_.doubts(shown, unread)]
    return tuple(lines)
