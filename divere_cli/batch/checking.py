"""Hash scans and positives in workers if their times differ from those in the journal.

Covers the pass over such scans before grading. The decisions that follow from the
hashes are in :mod:`.staleness`.
"""

from __future__ import annotations

import json
import os

from divere_cli.batch.request import BatchRequest
from divere_cli.batch.scheduler import Queued
from divere_cli.batch.staleness import Staleness
from divere_cli.errors import RunError
from divere_cli.records.job import Job
from divere_cli.records.outcome import ErrorRecord, Outcome

TASK = "divere_cli.files.hashing:hash_files"


class Checking:
    """The scheduler's work that hashes unsure scans; writes nothing, and no scan fails.

    Attributes
    ----------
    hashes : dict
        SHA-256 by path; without files that could not be read or took too long.
    """

    def __init__(self, request: BatchRequest, stale: Staleness) -> None:
        self._request = request
        self._stale = stale
        self.hashes: dict[str, str] = {}

    def prepare(self, queued: Queued) -> Job:
        """Return the job that hashes the files of a scan."""
        paths = sorted(self._stale.paths(queued.plan).values())
        return Job(
            id=queued.id,
            name=queued.name,
            input=os.path.abspath(queued.plan.scan.path),
            stamp=queued.plan.scan.stamp,
            encoding=self._request.outputs.encoding,
            frames=(),
            task=TASK,
            parameters=json.dumps(paths),
        )

    def succeed(self, queued: Queued, outcome: Outcome) -> None:
        """Keep the hashes."""
        if outcome.result is not None:
            self.hashes.update(json.loads(outcome.result.measurement))

    def fail(self, queued: Queued, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """Continue without hashes: a scan is graded again, a positive is left as it is."""
        return False

    def leave(self, queued: Queued, outcome: Outcome | None) -> None:
        """Do nothing: the run stops before a decision."""

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """Return None: hashing writes nothing."""
        return None

    def drop(self, queued: Queued) -> None:
        """Do nothing: hashing leaves no files."""
