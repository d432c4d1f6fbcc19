"""Measuring as the loop's work: the first pass of ``--auto``.

Covers running a measure task for each scan and gathering what it found. What
it does not: what is measured and decided (``roll``).
"""

from __future__ import annotations

import os

from divere_cli.batch.draft import Draft
from divere_cli.batch.loop import Task
from divere_cli.batch.request import BatchRequest
from divere_cli.errors import RunError
from divere_cli.records import ErrorRecord, FileJob, Frame, Measured, Outcome, Target

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
        return tuple(
            self._found.get(draft.scan.name)
            or Measured(draft.scan.name, os.path.abspath(draft.scan.path), frames(draft))
            for draft in drafts
        )

    def prepare(self, task: Task) -> FileJob:
        """Say what is to be measured."""
        assert task.draft.selection is not None
        return FileJob(
            id=task.id,
            name=task.name,
            input=os.path.abspath(task.draft.scan.path),
            stamp=task.draft.scan.stamp,
            encoding=self._request.outputs.encoding,
            frames=frames(task.draft),
            task=self._task,
            max_pixels=self._request.inputs.max_pixels,
            threads=self._threads,
            base_region=task.draft.selection.film_base_region,
        )

    def succeed(self, task: Task, outcome: Outcome) -> None:
        """Keep the measurement."""
        said = outcome.result.measurement if outcome.result else ""
        path = os.path.abspath(task.draft.scan.path)
        self._found[task.name] = Measured(task.name, path, frames(task.draft), said)

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


def frames(draft: Draft) -> tuple[Frame, ...]:
    """The frames of a scan as its profile has them, without targets."""
    assert draft.selection is not None
    return tuple(
        Frame(_NOWHERE, cut.recipe, cut.crop, cut.orientation, cut.crop_name)
        for cut in draft.selection.frames
    )
