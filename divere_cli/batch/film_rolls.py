"""Use of film edge data for the rolls of a run.

Covers the film stock of each scan, scans that are not measured with the others, and
frame numbers that are missing or occur twice.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from divere_cli.batch.plan import ScanPlan
from divere_cli.films import notes, stocks
from divere_cli.films import roll as rolls_
from divere_cli.records.outcome import FilmEdge, ScanResult
from divere_cli.records.roll import Decision
from divere_cli.text import quote


def films(edges: Mapping[str, FilmEdge | None]) -> dict[str, str]:
    """Return the film stock of scans by name, where it was read.

    Parameters
    ----------
    edges : Mapping[str, FilmEdge | None]
        Data read from the edge of the film, by the scan's name.
    """
    return {name: notes.film(edge) for name, edge in edges.items() if edge is not None}


def alone(plans: Iterable[ScanPlan], edges: Mapping[str, FilmEdge | None]) -> dict[str, Decision]:
    """Return decisions for scans of slide film with a preset for negatives, and vice versa.

    Their measurements are meaningless, so they are graded by their preset alone.

    Parameters
    ----------
    plans : iterable of ScanPlan
        The plans of the scans.
    edges : Mapping[str, FilmEdge | None]
        Data read from the edge of the film, by the scan's name.
    """
    decisions = {}
    for plan in plans:
        edge = edges.get(plan.scan.name)
        stock = stocks.by_number(edge.dx) if edge is not None else None
        if stock is None or plan.selection is None:
            continue
        recipes = tuple(frame.recipe for frame in plan.selection.frames)
        if any(recipe.film.invert is (stock.process in stocks.REVERSAL) for recipe in recipes):
            note = f"not measured with its roll: the film's edge says {stock.name}"
            decisions[plan.scan.name] = Decision(recipes, (f"{note} ({stock.process})",))
    return decisions


def other_film(plan: ScanPlan, edge: FilmEdge | None) -> tuple[str, ...]:
    """Return a warning if the preset of a scan is for another film than the edge shows.

    Only a preset that names a film of the table is compared, and only one for the same process:
    of another process the worker warns.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    edge : FilmEdge or None
        What was read at the film's edge.
    """
    selection = plan.selection
    if edge is None or edge.film is None or selection is None or not selection.film:
        return ()
    film, edge_film = stocks.by_name_or_number(selection.film), stocks.by_number(edge.dx)
    if (
        film is None
        or edge_film is None
        or film.name == edge_film.name
        or film.process != edge_film.process
    ):
        return ()
    return (
        f"the film's edge says {edge_film.name}, and the preset {selection.profile.name!r} is for "
        f"{film.name}: choose a preset for that film",
    )


def numbers(
    results: Iterable[ScanResult], not_read: Collection[str] = frozenset()
) -> tuple[str, ...]:
    """Return warnings about frame numbers of a roll that are on no scan, or on several.

    A roll is all scans of one folder on one film stock. A folder is checked when this run graded
    some of its scans and the edge of every other one is known from an earlier run.

    Parameters
    ----------
    results : iterable of ScanResult
        The results of the scans.
    not_read : collection of str
        Names of the scans whose edge no earlier run read.
    """
    folders: dict[str, list[ScanResult]] = {}
    for result in results:
        folders.setdefault(os.path.dirname(result.input), []).append(result)
    lines: list[str] = []
    for folder, scans in sorted(folders.items()):
        graded = [scan for scan in scans if scan.status == "ok"]
        not_graded = [scan for scan in scans if scan.status != "ok"]
        if not graded or any(
            scan.status not in ("up_to_date", "kept") or scan.input in not_read
            for scan in not_graded
        ):
            continue
        rolls: dict[str, list[rolls_.ScanCodes]] = {}
        for scan in scans:
            edge = scan.film_edge
            if edge is not None and edge.frames:
                scan_frames = rolls_.scan_codes(scan.input, edge.frames)
                rolls.setdefault(notes.film(edge), []).append(scan_frames)
        unread = sum(scan.film_edge is None for scan in scans)
        for film, roll_frames in sorted(rolls.items()):
            roll_name = f"{film} in {quote(folder)}" if folder else film
            lines += [
                f"{roll_name}: {line}" for line in rolls_.number_warnings(roll_frames, unread)
            ]
    return tuple(lines)
