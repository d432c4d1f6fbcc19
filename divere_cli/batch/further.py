"""Which outputs of a scan are up to date, each by itself.

Covers the keys of further outputs (``--also``), and what a journal's record says of the
main one and of those. Not covered: the scan's own key (:mod:`.staleness`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import replace

from divere_cli.batch.journal.state import Done, Further, OutputStamp
from divere_cli.batch.plan import ScanPlan
from divere_cli.records.serialize import to_plain

Stands = Callable[[OutputStamp], bool]


def keys(plan: ScanPlan, key: str) -> tuple[str, ...]:
    """Return the keys of a scan's further outputs.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    key : str
        The scan's own key, from which each is made.
    """
    return tuple(
        _key(key, names, to_plain(encoding))
        for names, encoding in zip(plan.also, plan.encodings[1:], strict=True)
    )


def _key(key: str, names: Collection[str], encoding: object) -> str:
    said = json.dumps([key, list(names), encoding], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode("ascii")).hexdigest()


def settled(plan: ScanPlan, done: Done | None, stands: Stands) -> ScanPlan:
    """Return the plan with the outputs that are to be made.

    Parameters
    ----------
    plan : ScanPlan
        With its key and its action, which says how the main output is.
    done : Done or None
        What is recorded of the scan.
    stands : callable
        Whether a file is as it was recorded.
    """
    if plan.action not in ("grade", "up_to_date", "moved"):
        return plan
    fresh, known = {}, {}
    if done is not None:
        fresh = {stamp.name: stamp for stamp in done.outputs if not plan.also or stands(stamp)}
        known = {each.key: each.names for each in done.also}
    stale = [0] if plan.action == "grade" else []
    recorded = [] if stale else [fresh[name] for name in plan.main if name in fresh]
    for index, key in enumerate(keys(plan, plan.key), 1):
        names = plan.also[index - 1]
        if known.get(key) == names and fresh.keys() >= set(names):
            recorded += [fresh[name] for name in names]
        else:
            stale.append(index)
    action = plan.action if 0 in stale or not stale else "grade"
    return replace(plan, action=action, stale=tuple(stale), recorded=tuple(recorded))


def record(plan: ScanPlan) -> tuple[Further, ...]:
    """Return what the journal keeps of a scan's further outputs, when all are made.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    """
    return tuple(map(Further, keys(plan, plan.key), plan.also))
