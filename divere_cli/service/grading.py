"""One batch of the service: the files that it grades, and the result of each.

Covers the request of a batch for files that have settled, counting its events, and which files
are left alone afterwards. Not covered: grading, journal and reports, which the batch does.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from divere_cli.batch import failures
from divere_cli.batch import run as batch
from divere_cli.batch.request import BatchRequest, Host
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.outcome import ScanResult
from divere_cli.records.report import RunReport
from divere_cli.service.look import Stamp
from divere_cli.service.settling import Fate

FATES: dict[str, Fate] = {
    "ok": "done",
    "up_to_date": "done",
    "kept": "done",
    "known_failure": "failed",
}
RELOADS = frozenset({signal.SIGHUP} if hasattr(signal, "SIGHUP") else ())


class Grading:
    """A batch over files that have settled.

    Parameters
    ----------
    request : BatchRequest
        The options; its inputs are the whole of INPUT.
    files : mapping of str to Stamp
        The files to grade, with their stamps when they had settled.
    pulse : callable
        The batch's clock; each call also reports that the loop turns.
    emit : callable
        Called with each event, the file of a finished scan (None for other events), and
        the number of files that are not finished.

    Attributes
    ----------
    fates : dict of str to Fate
        The result by path; a file without one waits again.
    """

    def __init__(
        self,
        request: BatchRequest,
        files: Mapping[str, Stamp],
        pulse: Callable[[], float],
        emit: Callable[[Event, str | None, int], None],
    ) -> None:
        self.fates: dict[str, Fate] = {}
        self._files = files
        self._names = names(request.inputs.paths, files)
        self._pulse = pulse
        self._emit = emit
        only = {path: (stamp[0], stamp[1]) for path, stamp in files.items()}
        self._request = replace(
            request,
            inputs=replace(request.inputs, only=only, settle_seconds=0.0),
            outputs=replace(request.outputs, lock_held=True),
            host=Host(stopped=self._turned, gentle=RELOADS),
        )

    def run(self) -> RunReport:
        """Grade; errors are those of :func:`divere_cli.batch.run.run`."""
        report = batch.run(self._request, self._take, self._pulse)
        if report.error is not None:  # the loop waits until that is fixed
            self.fates = {p: "waiting" if f == "again" else f for p, f in self.fates.items()}
        if not report.stopped:
            self._rest_left_out(report)
        return report

    def _turned(self) -> bool:
        """Report that the loop turns when the batch asks whether to stop; never stop it."""
        self._pulse()
        return False

    def _take(self, event: Event) -> None:
        self._pulse()
        path = None
        if isinstance(event, ScanFinished):
            path = self._names.get(file_of(event.result.input))
            if path is not None and self.fates.get(path) != "failed":  # one bad page is enough
                self.fates[path] = _fate(event.result)
        self._emit(event, path, len(self._files) - len(self.fates))

    def _rest_left_out(self, report: RunReport) -> None:
        """Mark files that the batch skips (--exclude, the JPEG of a raw file) as done.

        A file that changed after it had settled is not listed either; the next look finds it.
        """
        listed = {self._names.get(file_of(result.input)) for result in report.files}
        for path in self._files:
            if path not in listed:
                self.fates[path] = "done"


def _fate(result: ScanResult) -> Fate:
    if result.status == "failed":
        lasting = result.error is None or result.error.kind in failures.LASTING
        return "failed" if lasting else "again"
    return FATES.get(result.status, "waiting")


def short(report: RunReport) -> dict[str, Any]:
    """Return a summary of a batch for ``/status``.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    counts: dict[str, int] = {}
    for result in report.files:
        counts[result.status] = counts.get(result.status, 0) + 1
    return {
        "started": report.started,
        "seconds": report.seconds,
        "exit_code": report.exit_code,
        "summary": counts,
    }


def names(inputs: tuple[str, ...], files: Iterable[str]) -> dict[str, str]:
    """Return the paths of files by the names that a batch gives them: relative to their INPUT.

    Parameters
    ----------
    inputs : tuple of str
        The INPUTs.
    files : iterable of str
        Paths of the files.
    """
    by_name = {}
    for path in files:
        for top in map(os.path.abspath, inputs):
            if path == top:
                by_name[os.path.basename(path)] = path
            elif path.startswith(os.path.join(top, "")):
                by_name[os.path.relpath(path, top).replace(os.sep, "/")] = path
    return by_name


def file_of(name: str) -> str:
    """Return the file name of a scan: ``scan.tif#2`` is a page of ``scan.tif``.

    Parameters
    ----------
    name : str
        The name.
    """
    stem, sign, page = name.rpartition("#")
    return stem if sign and page.isdigit() else name
