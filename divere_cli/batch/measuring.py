"""Measuring as the loop's work: the first pass of ``--auto``.

Covers running a measure task for each scan and gathering what it found. What
it does not: what is measured and decided (``roll``).
"""

from __future__ import annotations

import os

from divere_cli.batch.plan import Draft
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.scheduler import Task
from divere_cli.errors import RunError
from divere_cli.records.job import Frame, Job, Target
from divere_cli.records.outcome import ErrorRecord, Outcome
from divere_cli.records.roll import Measured

_NOWHERE = Target("", "", "")


class Measuring:
    """The loop's work of measuring; nothing is written and no scan fails by it."""

    def __init__(self, request: BatchRequest, task: str, threads: int) -> None:
        self._request = request
        self._task = task
        self._threads = threads
        self._found: dict[str, Measured] = {}
        self.notes: dict[str, str] = {}

    def all(self, drafts: list[Draft]) -> tuple[Measured, ...]:
        """What was found, in the order of the plan; empty where measuring failed."""
        return tuple(self._found.get(draft.scan.name) or _measured(draft) for draft in drafts)

    def prepare(self, task: Task) -> Job:
        """Say what is to be measured."""
        scan = _measured(task.draft)
        return Job(
            id=task.id,
            name=task.name,
            input=scan.input,
            stamp=task.draft.scan.stamp,
            encoding=self._request.outputs.encoding,
            frames=scan.frames,
            task=self._task,
            max_pixels=self._request.inputs.max_pixels,
            threads=self._threads,
            film_base=scan.film_base,
            base_region=scan.base_region,
        )

    def succeed(self, task: Task, outcome: Outcome) -> None:
        """Keep the measurement."""
        said = outcome.result.measurement if outcome.result else ""
        self._found[task.name] = _measured(task.draft, said)

    def fail(self, task: Task, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """Go on without it: grading will say what is wrong with the scan."""
        self.notes[task.name] = f"not measured: {error.message}"
        return False

    def leave(self, task: Task, outcome: Outcome | None) -> None:
        """The run stops: nothing was decided, nothing will be graded."""

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """None: a measure task writes nothing."""
        return None

    def drop(self, task: Task) -> None:
        """A measure task leaves nothing behind."""


def _measured(draft: Draft, said: str = "") -> Measured:
    """A scan as its preset has it, its frames without targets, with what was measured."""
    chosen = draft.selection
    assert chosen is not None
    frames = tuple(
        Frame(_NOWHERE, cut.recipe, cut.crop, cut.orientation, cut.crop_name)
        for cut in chosen.frames
    )
    path = os.path.abspath(draft.scan.path)
    return Measured(draft.scan.name, path, frames, said, chosen.film_base, chosen.film_base_region)
