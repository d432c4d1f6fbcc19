"""The scans of a run parted: those that need work, and those that have their last word.

Covers judging all of them and recording anew what the next run can then tell with less
work. What it does not: judging one (:mod:`verdict`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from divere_cli.batch import ownership, results
from divere_cli.batch.grading import Ready
from divere_cli.batch.journal.state import Done
from divere_cli.batch.ownership import Judge
from divere_cli.batch.plan import Draft
from divere_cli.batch.workspace import Workspace
from divere_cli.records.outcome import ScanResult
from divere_cli.records.roll import Decision


def part(
    here: Workspace, judge: Judge, decisions: dict[str, Decision]
) -> tuple[list[tuple[Draft, Ready]], list[tuple[Draft, ScanResult]]]:
    """Part the scans into those that need work and those that have their last word."""
    ready: list[tuple[Draft, Ready]] = []
    settled: list[tuple[Draft, ScanResult]] = []
    renewed: list[Done] = []
    for each in here.drafts:
        decision = decisions.get(each.scan.name)
        if decision is not None and decision.error is not None:
            settled.append((each, results.plain(each, "failed", decision.error)))
            continue
        said = judge.judge(each, decision.recipes if decision else None)
        if said.action == "grade":
            ready.append((each, Ready.of(each, said, decision)))
            continue
        renewed.extend(_renewed(here, judge, each, said))
        settled.append((each, results.settled(each, said)))
    here.journal.renew(renewed)
    return ready, settled


def anew(ready: list[tuple[Draft, Ready]]) -> tuple[str, ...]:
    """Say that positives of earlier runs are made again, and how to keep them."""
    again = sum(ownership.DECIDED_ANEW in how.verdict.notes for _, how in ready)
    if not again:
        return ()
    return (
        f"scans of earlier runs that are graded again, for their roll was decided anew: {again} "
        "(--from keeps what an analysis decided)",
    )


def _renewed(here: Workspace, judge: Judge, each: Draft, said: ownership.Verdict) -> Iterator[Done]:
    """Give the record of an up-to-date scan by which the next run can tell so with less work."""
    if said.action not in ("moved", "up_to_date"):
        return
    known = here.state.done[each.scan.name]
    basis = judge.basis or known.basis
    if said.action == "moved" or basis != known.basis:
        path = os.path.abspath(each.scan.path)
        yield replace(known, path=path, stamp=each.scan.stamp, basis=basis)
