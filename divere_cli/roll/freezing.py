"""What was decided for a roll, kept for later runs: a roll that was decided stays decided.

Covers the text that the journal keeps of a scan (its gains, and what its roll had
in common) and what a new scan of the roll gets from it. Standard library only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from divere_cli.records.roll import Measured, RollFrame
from divere_cli.records.serialize import from_plain, to_plain
from divere_cli.roll.bare import Group
from divere_cli.roll.baseline import Baseline, Roll, Triple

AS_DECIDED = "as an earlier run decided its roll; '--auto roll --force' decides it anew"


@dataclass(frozen=True, slots=True)
class Common:
    """What frames of a roll have in common, with the film base that they show."""

    baseline: Baseline
    base: Triple | None = None
    printed: Triple | None = None

    @property
    def group(self) -> Group | None:
        """Film base as new frames are looked at under."""
        if self.base is None or self.printed is None:
            return None
        return Group(self.base, self.printed, frozenset(), frozenset(), False, 0.0)


def text(asked: Roll, common: Baseline | None, frames: Iterable[RollFrame]) -> str:
    """Give what the journal keeps of one scan; empty where nothing was decided."""
    if common is None or asked.what != "film":
        return ""
    base = asked.base
    kept = replace(common, neutral=None, far=min(common.far, 9.0))
    known = Common(kept) if base is None else Common(kept, base.density, base.printed)
    gains = [list(frame.rgb_gains) for frame in frames]
    plain = {"gains": gains, "roll": to_plain(known)}
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)


def gains(frozen: str, frames: int) -> tuple[Triple, ...] | None:
    """Give the gains that each frame of a scan was graded with; None where that is not known."""
    try:
        found = [tuple(map(float, one)) for one in json.loads(frozen)["gains"]]
    except (ValueError, KeyError, TypeError):
        return None
    if len(found) != frames or any(len(one) != 3 for one in found):
        return None
    return tuple((red, green, blue) for red, green, blue in found)


def common(texts: Iterable[str]) -> Common | None:
    """Give what most scans of a roll were decided by; None where none says so."""
    told: Counter[str] = Counter()
    for one in texts:
        try:
            told[json.dumps(json.loads(one)["roll"], sort_keys=True)] += 1
        except (ValueError, KeyError, TypeError):
            continue
    if not told:
        return None
    best: Any = json.loads(min(told, key=lambda one: (-told[one], one)))
    try:
        return from_plain(Common, best)
    except (TypeError, KeyError, ValueError):
        return None


def kept(scan: Measured, frozen: Mapping[str, str]) -> tuple[Triple, ...] | None:
    """Give the gains that a scan keeps; None for a new one."""
    if scan.name not in frozen:
        return None
    return gains(frozen[scan.name], len(scan.frames))
