"""The five events of a run."""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.records.outcome import IsolationInfo, ScanResult

ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The plan stands; ``total`` scans were selected, ``todo`` of them need work.

    ``measuring`` says what is measured first and why, where anything is.
    """

    version: str
    started: str
    output: str
    total: int
    todo: int
    isolation: IsolationInfo
    measuring: str = ""


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """A worker took the scan (again, when ``attempt`` > 1)."""

    job_id: int
    input: str
    attempt: int
    pid: int


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is: ``done`` of 0..1, and the stage it is in.

    The stage :data:`ENDED` comes once a scan that was only measured or hashed is done
    with; what is graded ends with :class:`ScanFinished`.
    """

    job_id: int
    input: str
    stage: str
    done: float
    rss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """The last word on one scan."""

    result: ScanResult


@dataclass(frozen=True, slots=True)
class RunStopping:
    """No new scans are started; ``reason`` says why, ``running`` are still at work."""

    reason: str
    running: int


Event = RunStarted | ScanStarted | ScanProgress | ScanFinished | RunStopping
