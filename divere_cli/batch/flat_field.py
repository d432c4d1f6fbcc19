"""``--flat-field``: the picture of the light, measured once per run, and its part of the key.

Covers the file's part of the key of outputs (its content, not its name: if it is
replaced, all scans are graded again) and the task that measures it. The measuring itself
is in ``develop``.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace

from divere_cli.batch.request import BatchRequest
from divere_cli.errors import PlanError, UsageError
from divere_cli.files import stamp
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.records.job import InputTransfer, Job, Limits
from divere_cli.records.light import FlatFieldRecord, LightMap
from divere_cli.records.serialize import from_plain
from divere_cli.text import quote

TASK = "divere_cli.develop.light_task:measure"
VERSION = 2  # raised when the same picture would give another correction


class Light:
    """The light of a run.

    Parameters
    ----------
    request : BatchRequest
        A request with ``flat_field``.

    Attributes
    ----------
    key : str
        Part of the key of outputs.
    transfer : InputTransfer
        How its samples relate to light: the same as for the scans.
    record : FlatFieldRecord or None
        For the report; None until the light was measured.
    warnings : tuple of str

    Raises
    ------
    UsageError
        The file cannot be read.
    """

    def __init__(self, request: BatchRequest) -> None:
        self._request = request
        self._map: LightMap | None = None
        self.transfer = InputTransfer(request.inputs.transfer)
        self.record: FlatFieldRecord | None = None
        self.warnings: tuple[str, ...] = ()
        self._path = os.path.abspath(request.flat_field)
        try:
            self._sha256 = stamp.sha256(self._path)
        except OSError as error:
            raise UsageError(
                f"--flat-field {quote(request.flat_field)}: {error.strerror or error}",
                hint="name a picture of the light without film",
            ) from error
        self.key = hashlib.sha256(f"{VERSION} {self._sha256}".encode("ascii")).hexdigest()

    def measured(self, threads: int = 1) -> LightMap:
        """Return the map; the first call measures it in a worker.

        Raises
        ------
        PlanError
            The file is not a picture of a light, or cannot be read.
        """
        if self._map is None:
            self._map = self._measure(threads)
        return self._map

    def _measure(self, threads: int) -> LightMap:
        request = self._request
        job = Job(
            id=0,
            name=os.path.basename(self._path),
            input=self._path,
            stamp=stamp.take(self._path),
            encoding=request.outputs.encoding,
            frames=(),
            task=TASK,
            max_pixels=request.inputs.max_pixels,
            threads=threads,
            transfer=self.transfer,
        )
        isolation = IsolationRequest(request.isolation.requested, request.isolation.start_method)
        limits = Limits(wall_seconds=request.bounds.timeout_seconds)
        stopped = request.host.stopped
        (outcome,) = run_tasks([job], request=isolation, limits=limits, stopped=stopped)
        if outcome.result is None:
            assert outcome.error is not None
            raise PlanError(
                f"--flat-field {quote(request.flat_field)}: {outcome.error.message}",
                hint=outcome.error.hint,
            )
        measurement = json.loads(outcome.result.measurement)
        record = from_plain(FlatFieldRecord, measurement["record"])
        self.record = replace(record, file=request.flat_field, sha256=self._sha256)
        warnings = (
            f"--flat-field {quote(request.flat_field)}: {w}" for w in outcome.result.warnings
        )
        self.warnings = tuple(warnings)
        return from_plain(LightMap, measurement["map"])


def of(request: BatchRequest) -> Light | None:
    """Return the light map of a run; None without ``--flat-field``.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    """
    return Light(request) if request.flat_field else None
