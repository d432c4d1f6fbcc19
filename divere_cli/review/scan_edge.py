"""The film and the frame numbers of a scan, as the page shows them.

Covers what a worker says of a film's edge, and from that the numbers of a scan's pictures. What
it does not: reading the edge (:mod:`divere_cli.develop.film_edge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from divere_cli.films import notes
from divere_cli.films.numbering import Crop, Numbering
from divere_cli.records.outcome import FilmEdge
from divere_cli.records.serialize import from_plain


@dataclass(frozen=True, slots=True)
class ScanEdge:
    """What the film's edge on a scan shows."""

    code: FilmEdge
    numbering: Numbering | None = None

    def shown(self, crops: Sequence[Crop]) -> dict[str, Any]:
        """Return ``film`` and the ``numbers`` of a scan's pictures, as the page takes them."""
        numbers = notes.numbers(self.code, self.numbering, crops)
        return {"film": notes.film(self.code), "numbers": list(numbers)}


def of_facts(facts: dict[str, Any]) -> ScanEdge | None:
    """Return the edge of a scan from what its worker said; None where it shows no code.

    Parameters
    ----------
    facts : dict
        Answer to an order to open a scan: ``film_edge`` and ``numbering``.
    """
    code, numbering = facts.get("film_edge"), facts.get("numbering")
    if code is None:
        return None
    along = None if numbering is None else from_plain(Numbering, numbering)
    return ScanEdge(from_plain(FilmEdge, code), along)
