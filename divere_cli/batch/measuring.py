"""Measuring scans: the first pass of ``--auto``, and ``divere analyze``.

Covers running a measure task for each scan and gathering the measurements. What
it does not: what is measured and decided (``roll``).
"""

from __future__ import annotations

import os

from divere_cli.batch import reading
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.scheduler import Queued
from divere_cli.errors import RunError
from divere_cli.records.job import Frame, Job, Target
from divere_cli.records.light import LightMap
from divere_cli.records.outcome import ErrorRecord, FilmEdge, Outcome
from divere_cli.records.roll import Measured

_NOWHERE = Target("", "", "")


class Measuring:
    """What the scheduler does with scans that are measured; nothing is written, no scan fails."""

    def __init__(
        self, request: BatchRequest, task: str, threads: int, light: LightMap | None = None
    ) -> None:
        self._light = light
        self._request = request
        self._task = task
        self._threads = threads
        self._measured: dict[str, Measured] = {}
        self.notes: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.edges: dict[str, FilmEdge | None] = {}  # of what was measured; None: nothing read

    def all(self, plans: list[ScanPlan]) -> tuple[Measured, ...]:
        """Return the measurements in the order of the plan; empty where measuring failed."""
        return tuple(self._measured.get(plan.scan.name) or measured(plan) for plan in plans)

    def prepare(self, queued: Queued) -> Job:
        """Say what is to be measured."""
        scan = measured(queued.plan)
        return Job(
            id=queued.id,
            name=queued.name,
            input=scan.input,
            stamp=queued.plan.scan.stamp,
            encoding=self._request.outputs.encoding,
            frames=scan.frames,
            task=self._task,
            max_pixels=self._request.inputs.max_pixels,
            picture=queued.plan.scan.picture,
            threads=self._threads,
            film_base=scan.film_base,
            base_region=scan.base_region,
            parameters=self._request.roll.parameters(queued.name) if self._request.roll else "",
            flat_field=self._light,
            transfer=reading.transfer(queued.plan, self._request.inputs),
            film_edge=self._request.inputs.film_edge,
        )

    def succeed(self, queued: Queued, outcome: Outcome) -> None:
        """Keep the measurement, and how many seconds it took."""
        self.seconds[queued.name] = outcome.seconds
        measurement = outcome.result.measurement if outcome.result else ""
        self.edges[queued.name] = outcome.result.film_edge if outcome.result else None
        self._measured[queued.name] = measured(queued.plan, measurement)

    def fail(self, queued: Queued, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """Go on without it: grading will say what is wrong with the scan."""
        self.notes[queued.name] = f"not measured: {error.message}"
        return False

    def leave(self, queued: Queued, outcome: Outcome | None) -> None:
        """The run stops: nothing was decided, nothing will be graded."""

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """None: a measure task writes nothing."""
        return None

    def drop(self, queued: Queued) -> None:
        """A measure task leaves nothing behind."""


def measured(plan: ScanPlan, measurement: str = "") -> Measured:
    """Return a scan as its preset describes it, with what was measured.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    measurement : str, default ''
        What the worker measured, as JSON; empty where it failed.
    """
    chosen = plan.selection
    assert chosen is not None
    frames = tuple(
        Frame(_NOWHERE, cut.recipe, cut.crop, cut.orientation, cut.crop_name)
        for cut in chosen.frames
    )
    path = os.path.abspath(plan.scan.path)
    return Measured(
        plan.scan.name, path, frames, measurement, chosen.film_base, chosen.film_base_region
    )
