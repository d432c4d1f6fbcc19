"""Keep the decision for a roll, so that later runs do not change it.

Covers the text that the journal stores for a scan (its gains, and gray and exposure of its
roll), and reading it for new scans of the roll. Standard library only.
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

AS_DECIDED = "as an earlier run decided its roll; '--auto roll --force' decides it again"


@dataclass(frozen=True, slots=True)
class Common:
    """Gray and exposure of a roll, and the film base that its frames show; as stored.

    ``stock`` is the film stock; empty if no code was read, or several.
    """

    baseline: Baseline
    base: Triple | None = None
    printed: Triple | None = None
    what: FilmKind = field(default="film", metadata=LATER)
    stock: str = field(default="", metadata=UNSAVED)

    @property
    def group(self) -> Group | None:
        """The film base with which new frames are measured."""
        if self.base is None or self.printed is None:
            return None
        return Group(self.base, self.printed, frozenset(), frozenset(), False, 0.0)


def text(roll: Roll, common: Baseline | None, frames: Iterable[RollFrame]) -> str:
    """Return the text that the journal stores for one scan.

    ``roll`` is null if the roll shows no picture: then only the gains are kept.

    Parameters
    ----------
    roll : Roll
        The frames of the roll and the settings.
    common : Baseline or None
        Gray and exposure of the roll; None without pictures.
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
    """Return the gains with which each frame of a scan was graded; None if unknown.

    Parameters
    ----------
    frozen : str
        The text in the journal.
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
    """Return the decided rolls of a folder; the roll with most scans comes first.

    Parameters
    ----------
    texts : sequence of str
        The text in the journal for each scan.
    stocks : sequence of str
        The film stock of each scan, empty if it is unknown.
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
        The texts in the journal, by scan.
    """
    if scan.name not in frozen:
        return None
    return gains(frozen[scan.name], len(scan.frames))
