"""What was decided for a roll, kept for later runs: a roll that was decided stays decided.

Covers the text that the journal keeps of a scan (its gains, and what its roll had
in common) and what a new scan of the roll gets from it. Standard library only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from divere_cli.records.roll import Measured, RollFrame
from divere_cli.records.serialize import LATER, UNSAVED, from_plain, to_plain
from divere_cli.roll.bare import Group
from divere_cli.roll.baseline import Baseline, Roll, Triple
from divere_cli.roll.films import FilmKind

AS_DECIDED = "as an earlier run decided its roll; '--auto roll --force' decides it anew"


@dataclass(frozen=True, slots=True)
class Common:
    """What frames of a roll have in common, with the film base that they show.

    ``stock`` is the film that they are on, empty where no code or several were read.
    """

    baseline: Baseline
    base: Triple | None = None
    printed: Triple | None = None
    what: FilmKind = field(default="film", metadata=LATER)
    stock: str = field(default="", metadata=UNSAVED)

    @property
    def group(self) -> Group | None:
        """Film base as new frames are looked at under."""
        if self.base is None or self.printed is None:
            return None
        return Group(self.base, self.printed, frozenset(), frozenset(), False, 0.0)


def text(roll: Roll, common: Baseline | None, frames: Iterable[RollFrame]) -> str:
    """Return what the journal keeps of one scan.

    ``roll`` is null where its roll shows no picture: then its gains alone stay.

    Parameters
    ----------
    roll : Roll
        The frames of the roll and what was asked for.
    common : Baseline or None
        What the roll's pictures have in common; None without pictures.
    frames : iterable of RollFrame
        The scan's frames.
    """
    plain_common = None
    if common is not None:
        base = roll.base
        baseline = replace(common, neutral=None, card_gray=None, far=min(common.far, 9.0))
        density, printed = (base.density, base.printed) if base is not None else (None, None)
        plain_common = to_plain(Common(baseline, density, printed, roll.film_kind))
    gains = [list(frame.rgb_gains) for frame in frames]
    plain = {"gains": gains, "roll": plain_common}
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)


def gains(frozen: str, frames: int) -> tuple[Triple, ...] | None:
    """Return the gains by which each frame of a scan was graded; None where not known.

    Parameters
    ----------
    frozen : str
        What the journal kept.
    frames : int
        Number of frames.
    """
    try:
        triples = [tuple(map(float, triple)) for triple in json.loads(frozen)["gains"]]
    except (ValueError, KeyError, TypeError):
        return None
    if len(triples) != frames or any(len(triple) != 3 for triple in triples):
        return None
    return tuple((red, green, blue) for red, green, blue in triples)


def commons(texts: Sequence[str], stocks: Sequence[str]) -> tuple[Common, ...]:
    """Return what the scans of a folder were decided by; the roll of most scans first.

    Parameters
    ----------
    texts : sequence of str
        What the journal kept of each scan.
    stocks : sequence of str
        The film that each scan is on, empty where it is not known.
    """
    counts: Counter[str] = Counter()
    films: dict[str, set[str]] = {}
    for stored, stock in zip(texts, stocks, strict=True):
        with suppress(ValueError, KeyError, TypeError):
            roll = json.dumps(json.loads(stored)["roll"], sort_keys=True)
            counts[roll] += 1
            films.setdefault(roll, set()).update([stock] if stock else [])
    decoded = []
    for roll in sorted(counts, key=lambda text: (-counts[text], text)):
        stock = next(iter(films[roll])) if len(films[roll]) == 1 else ""
        with suppress(TypeError, KeyError, ValueError):
            decoded.append(replace(from_plain(Common, json.loads(roll)), stock=stock))
    return tuple(decoded)


def kept_gains(scan: Measured, frozen: Mapping[str, str]) -> tuple[Triple, ...] | None:
    """Return the gains that a scan keeps; None for a new one.

    Parameters
    ----------
    scan : Measured
        The scan.
    frozen : Mapping[str, str]
        What the journal kept, by scan.
    """
    if scan.name not in frozen:
        return None
    return gains(frozen[scan.name], len(scan.frames))
