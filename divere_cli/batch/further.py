"""Decide for each output of a scan separately whether it is up to date.

Covers the keys of further outputs (``--also``), and their records and that of the main
output in the journal. The scan's own key is in :mod:`.staleness`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection

from divere_cli.batch.journal.record import Done, Further, OutputStamp
from divere_cli.batch.plan import ScanPlan
from divere_cli.records.copies import replace
from divere_cli.records.serialize import to_plain

Stands = Callable[[OutputStamp], bool]


def keys(plan: ScanPlan, key: str) -> tuple[str, ...]:
    """Return the keys of a scan's further outputs.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    key : str
        The scan's own key, from which each further key is computed.
    """
    if not plan.also:
        return ()
    return tuple(
        _key(key, names, to_plain(encoding))
        for names, encoding in zip(plan.also, plan.encodings[1:], strict=True)
    )


def _key(key: str, names: Collection[str], encoding: object) -> str:
    text = json.dumps([key, list(names), encoding], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def settled(plan: ScanPlan, done: Done | None, stands: Stands) -> ScanPlan:
    """Return the plan with the outputs to make.

    Parameters
    ----------
    plan : ScanPlan
        With its key and action; the action is that of the main output.
    done : Done or None
        The journal's record of the scan.
    stands : callable
        Returns whether a file is as it was recorded.
    """
    if plan.action not in ("grade", "up_to_date", "moved"):
        return plan
    fresh, recorded_names = {}, {}
    if done is not None:
        fresh = {stamp.name: stamp for stamp in done.outputs if not plan.also or stands(stamp)}
        recorded_names = {each.key: each.names for each in done.also}
    stale = [0] if plan.action == "grade" else []
    if done is not None and not plan.also and plan.main == tuple(fresh):
        # one scan in an archive: the record's own tuple, and nothing to compare
        recorded_now = () if stale else done.outputs
        return replace(plan, stale=tuple(stale), recorded=recorded_now)
    recorded = [] if stale else [fresh[name] for name in plan.main if name in fresh]
    for index, key in enumerate(keys(plan, plan.key), 1):
        names = plan.also[index - 1]
        if recorded_names.get(key) == names and fresh.keys() >= set(names):
            recorded += [fresh[name] for name in names]
        else:
            stale.append(index)
    action = plan.action if 0 in stale or not stale else "grade"
    return replace(plan, action=action, stale=tuple(stale), recorded=tuple(recorded))


def record(plan: ScanPlan) -> tuple[Further, ...]:
    """Return the journal's entries for a scan's further outputs, once all are made.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    """
    return tuple(map(Further, keys(plan, plan.key), plan.also))
