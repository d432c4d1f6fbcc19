"""Measuring scans: the first pass of ``--auto``, and ``divere analyze``.

Covers running a measure task for each scan and collecting the measurements. The
measuring itself and the decisions are in ``roll``.
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
    """The scheduler's work that measures scans; writes nothing, and no scan fails."""

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
        self.edges: dict[str, FilmEdge | None] = {}  # of measured scans; None: no code was read

    def all(self, plans: list[ScanPlan]) -> tuple[Measured, ...]:
        """Return the measurements in the order of the plan; empty where measuring failed."""
        return tuple(self._measured.get(plan.scan.name) or measured(plan) for plan in plans)

    def prepare(self, queued: Queued) -> Job:
        """Return the job that measures a scan."""
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
        """Continue without it: grading will report the problem of the scan."""
        self.notes[queued.name] = f"not measured: {error.message}"
        return False

    def leave(self, queued: Queued, outcome: Outcome | None) -> None:
        """Do nothing: the run stops before a decision."""

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """Return None: a measure task writes nothing."""
        return None

    def drop(self, queued: Queued) -> None:
        """Do nothing: a measure task leaves no files."""


def measured(plan: ScanPlan, measurement: str = "") -> Measured:
    """Return a scan as described by its preset, with its measurement.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    measurement : str, default ''
        Measurement of the worker, as JSON; empty if it failed.
    """
    selection = plan.selection
    assert selection is not None
    frames = tuple(
        Frame(_NOWHERE, cut.recipe, cut.crop, cut.orientation, cut.crop_name, turn=cut.turn)
        for cut in selection.frames
    )
    path = os.path.abspath(plan.scan.path)
    return Measured(
        plan.scan.name, path, frames, measurement, selection.film_base, selection.film_base_region
    )
