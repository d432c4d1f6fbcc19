"""Scans with a final failure: recorded, so that later runs can skip them or try them last.

Covers which failures are caused by a scan itself, their lines in the journal, and the
order of a run. Retries within a run are in :mod:`.retries`.
"""

from __future__ import annotations

from divere_cli import __version__
from divere_cli.batch.journal.record import Failure
from divere_cli.batch.journal.state import State
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.workspace import Workspace
from divere_cli.records.outcome import ErrorRecord

# Errors that would occur again: not those of the machine, of OUTPUT, or temporary ones.
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
    """Record a failure in the journal if the scan itself caused it and it is not recorded yet.

    Parameters
    ----------
    space : Workspace
    plan : ScanPlan
    error : ErrorRecord, optional
        The error of the scan; the plan's own error if None.
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
        State read from the journal.
    plans : list of ScanPlan
        Plans of all scans.
    """

    def harmful(plan: ScanPlan) -> bool:
        failure = state.failed.get(plan.scan.name)
        return failure is not None and failure.error in _HARMFUL

    return sorted(plans, key=harmful)  # a stable order
