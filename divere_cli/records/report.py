"""A planned scan, the parent process, and the report of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.records.grade import ProfileRef
from divere_cli.records.light import FlatFieldRecord
from divere_cli.records.outcome import ErrorRecord, Incident, IsolationInfo, ScanResult
from divere_cli.records.roll import RollRecord
from divere_cli.records.serialize import UNSAVED


@dataclass(frozen=True, slots=True)
class ParentInfo:
    """What the divere process itself used."""

    pid: int = 0
    rss_bytes_start: int = 0
    rss_bytes_end: int = 0
    peak_rss_bytes: int = 0


OptionValue = str | int | float | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """A whole run, as ``divere-report/1`` tells it.

    ``command`` holds the resolved options by their long names. ``exit_code`` is
    chosen in one place (``batch``); ``error`` says what ended the run early, if
    anything did.
    """

    version: str
    started: str
    seconds: float
    exit_code: int
    output: str
    command: dict[str, OptionValue]
    isolation: IsolationInfo
    parent: ParentInfo
    files: tuple[ScanResult, ...] = ()
    error: ErrorRecord | None = None
    stopped: str = ""  # why no more scans were started: a signal, --max-failures
    warnings: tuple[str, ...] = ()  # of the run; those of a scan are in ``files``
    incidents: tuple[Incident, ...] = ()
    rolls: tuple[RollRecord, ...] = ()  # with --auto and --from: what was decided, and why
    grade: int = 1  # version of the grade that this divere makes
    orphans: int = 0  # positives whose scans are gone
    saved: tuple[str, ...] = field(default=(), metadata=UNSAVED)  # reports that were written
    flat_field: FlatFieldRecord | None = None  # with --flat-field, where it was measured


@dataclass(frozen=True, slots=True)
class PlannedScan:
    """What ``--dry-run`` says of one scan: what would be done, and into what."""

    input: str
    outputs: tuple[str, ...]
    action: Literal["grade", "up_to_date", "kept", "known_failure", "deferred", "fail"]
    profile: ProfileRef | None = None
    error: ErrorRecord | None = None
    warnings: tuple[str, ...] = ()
