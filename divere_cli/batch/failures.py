"""Scans that failed for good: recorded, so that a later run can leave them or try them last.

Covers which failures lie in a scan, their lines in the journal, and the order of a
run. What it does not: whether a scan is tried again within a run (:mod:`.retries`).
"""

from __future__ import annotations

from divere_cli import __version__
from divere_cli.batch.journal.state import Failure, State
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.workspace import Workspace
from divere_cli.records.outcome import ErrorRecord

# What would come again: not trouble of the machine, of OUTPUT, or of the moment.
LASTING = frozenset(
    {
        "unsupported",
        "corrupt_input",
        "limit_exceeded",
        "profile",
        "crashed",
        "timeout",
        "out_of_memory",
        "internal",
    }
)
_HARMFUL = frozenset({"crashed", "timeout", "out_of_memory"})


def record(space: Workspace, plan: ScanPlan, error: ErrorRecord | None = None) -> None:
    """Note in the journal that a scan failed, where that lies in it and is not known yet.

    Parameters
    ----------
    space : Workspace
    plan : ScanPlan
    error : ErrorRecord, optional
        What the scan met; the plan's own error when None.
    """
    if error is None and plan.action == "fail" and plan.error is not None:
        error = ErrorRecord.of_scan(plan.error)
    if error is None or error.kind not in LASTING or not plan.scan.stamp.size:
        return
    failure = Failure(
        input=plan.scan.name,
        size=plan.scan.stamp.size,
        mtime_ns=plan.scan.stamp.mtime_ns,
        key=plan.key,
        version=__version__,
        error=error.kind,
        message=error.message,
    )
    if space.state.failed.get(plan.scan.name) != failure:
        space.journal.failed(failure)


def crashed_last(state: State, plans: list[ScanPlan]) -> list[ScanPlan]:
    """Put scans whose workers died in an earlier run at the end.

    Parameters
    ----------
    state : State
        What the journal says.
    plans : list of ScanPlan
        Plans of all scans.
    """

    def harmful(plan: ScanPlan) -> bool:
        failure = state.failed.get(plan.scan.name)
        return failure is not None and failure.error in _HARMFUL

    return sorted(plans, key=harmful)  # a stable order
