"""The public API: plan a batch, run it, grade a file or an array, read a report.

A call does not affect the calling process unless :class:`Host` allows it: no signal handler, no
adopted processes, no change of the environment or of the working folder. Workers are processes of
their own (``isolation="never"``: threads).

Names here stay stable between versions; everything else in the package may change.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from divere_cli.batch import dry_run
from divere_cli.batch import request as batch_request
from divere_cli.batch import run as batch_run
from divere_cli.batch.options import BatchOptions
from divere_cli.errors import (
    DivereError,
    InputMissing,
    OutputExists,
    ProfileError,
    RunError,
    UsageError,
)
from divere_cli.files import regular
from divere_cli.records.events import (
    Event,
    RunStarted,
    RunStopping,
    ScanFinished,
    ScanProgress,
    ScanStarted,
)
from divere_cli.records.outcome import ScanResult
from divere_cli.records.report import PlannedScan, RunReport

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BatchOptions",
    "DivereError",
    "Event",
    "Host",
    "PlannedScan",
    "ProfileError",
    "RunError",
    "RunReport",
    "RunStarted",
    "RunStopping",
    "ScanFinished",
    "ScanProgress",
    "ScanResult",
    "ScanStarted",
    "grade_array",
    "grade_file",
    "plan_batch",
    "read_report",
    "run_batch",
]

StrPath = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Permissions of a run in the calling process; by default none.

    Attributes
    ----------
    signals : bool
        INT, TERM and HUP end the run in order; for the main thread only.
    reap : bool
        Orphaned grandchildren are adopted and ended (Linux's child subreaper).
    """

    signals: bool = False
    reap: bool = False


def plan_batch(
    inputs: Sequence[StrPath], output: StrPath, options: BatchOptions | None = None
) -> tuple[PlannedScan, ...]:
    """Return what :func:`run_batch` would do; headers are read, nothing is written.

    Parameters
    ----------
    inputs : sequence of path
        Folders and files.
    output : path
        A folder, which may be absent.
    options : BatchOptions, optional
        The options of ``divere batch``, with the same names.

    Raises
    ------
    RunError, ProfileError
        No plan is possible; nothing was written.
    """
    return dry_run.preview(_request(inputs, output, options, Host(), None))


def run_batch(
    inputs: Sequence[StrPath],
    output: StrPath,
    options: BatchOptions | None = None,
    *,
    on_event: Callable[[Event], None] | None = None,
    stop: threading.Event | None = None,
    host: Host = Host(),
) -> RunReport:
    """Grade every scan that needs it, and return a report on all.

    Parameters
    ----------
    inputs, output, options
        As in :func:`plan_batch`.
    on_event : callable, optional
        Called with each event, in the thread of the call.
    stop : threading.Event, optional
        Set it to end the run in order: no more scans are started, those in work have ten
        seconds.
    host : Host
        Permissions of the run in this process.

    Returns
    -------
    RunReport
        ``exit_code`` is that of the command; a scan that failed is in ``files``.

    Raises
    ------
    RunError, ProfileError
        Before any scan was touched.
    """
    request = _request(inputs, output, options, host, stop)
    return batch_run.run(request, on_event or (lambda event: None))


def grade_file(scan: StrPath, positive: StrPath, options: BatchOptions | None = None) -> ScanResult:
    """Grade one scan into one file, which is complete or absent afterwards.

    Parameters
    ----------
    scan : path
    positive : path
        Path of the positive, in an existing folder; its suffix is used as given.
        A file that is there is replaced only with ``options.overwrite``.
    options : BatchOptions, optional

    Returns
    -------
    ScanResult
        A scan that failed has ``status`` "failed" and an ``error``; nothing was written.

    Raises
    ------
    InputMissing, UsageError, ProfileError, RunError
        ``OutputExists`` where ``positive`` is there and may not be replaced; ``UsageError``
        where the scan has several pictures.
    """
    target = os.path.abspath(os.fspath(positive))
    options = options or BatchOptions()
    if not os.path.isfile(scan):
        raise InputMissing(f"'{os.fspath(scan)}' is not a file")
    if os.path.lexists(target) and not options.overwrite:
        raise OutputExists(f"'{target}' exists")
    with tempfile.TemporaryDirectory(prefix=".divere-tmp-", dir=os.path.dirname(target)) as work:
        with_report = dataclasses.replace(options, report=(os.path.join(work, "report.json"),))
        report = run_batch([scan], os.path.join(work, "positives"), with_report)
        (result,) = report.files
        if result.status != "ok":
            return result
        if len(result.outputs) != 1:
            raise UsageError(
                f"'{os.fspath(scan)}' has {len(result.outputs)} outputs; use run_batch"
            )
        os.replace(os.path.join(work, "positives", result.outputs[0]), target)
        shutil.rmtree(os.path.join(work, "positives"), ignore_errors=True)
    return dataclasses.replace(result, outputs=(target,))


def grade_array(
    pixels: NDArray[Any],
    profile: StrPath,
    *,
    color_space: str = "DisplayP3",
    bit_depth: Literal[8, 16] = 8,
) -> NDArray[Any]:
    """Grade a picture in memory, in this process.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns, 1 or 3)
        uint8 or uint16 codes, or float32 of 0..1, linear in the profile's input space.
    profile : path or str
        A preset file, or the name of a shipped profile.
    color_space : str
        Of the positive.
    bit_depth : {8, 16}

    Returns
    -------
    ndarray, shape (rows, columns, 1 or 3), uint8 or uint16

    Raises
    ------
    UsageError
        An array of another shape or type.
    ProfileError
        The profile cannot be used, or is a contact sheet.
    """
    import numpy as np

    from divere_cli.color import grade
    from divere_cli.image.layout import Layout
    from divere_cli.profile import inherit, library, loading, resolve

    kinds: dict[str, tuple[Literal[8, 16, 32], Literal["uint", "float"]]] = {
        "uint8": (8, "uint"),
        "uint16": (16, "uint"),
        "float32": (32, "float"),
    }
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype.name not in kinds:
        raise UsageError(
            f"pixels are {pixels.dtype} {pixels.shape}; needed: (rows, columns, 1 or 3) of "
            "uint8, uint16 or float32"
        )
    name = os.fspath(profile)
    preset = loading.load(name) if os.path.isfile(name) else library.load(name)
    preset = inherit.complete(preset)
    if preset.sheet:
        raise ProfileError(f"'{name}' is a contact sheet; grade_array takes one picture")
    bits, sample = kinds[pixels.dtype.name]
    channels: Literal[1, 3] = 1 if pixels.shape[2] == 1 else 3
    recipe = resolve.recipe(preset, channels=channels)
    space = library.output_space(color_space)
    compiled = grade.compile(recipe, space, Layout(channels, bits, sample), bit_depth)
    out = np.empty((*pixels.shape[:2], compiled.channels), dtype=f"uint{bit_depth}")
    compiled.apply(np.ascontiguousarray(pixels), out)
    return out


def read_report(path: StrPath) -> RunReport:
    """Read a report that a run saved as JSON.

    Parameters
    ----------
    path : StrPath
        Path of the report, a JSON file.

    Raises
    ------
    InputMissing
        The file cannot be read.
    UsageError
        It is no report; the message gives the position.
    """
    from divere_cli.report import json_report

    name = os.fspath(path)
    try:
        with open(name, encoding="utf-8", opener=regular.opener) as file:
            text = file.read()
    except OSError as error:
        raise InputMissing(f"'{name}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"'{name}': not UTF-8 text at byte {error.start}") from error
    return json_report.parse(text, name)


def _request(
    inputs: Sequence[StrPath],
    output: StrPath,
    options: BatchOptions | None,
    host: Host,
    stop: threading.Event | None,
) -> batch_request.BatchRequest:
    paths = [os.fspath(path) for path in inputs]
    request = (options or BatchOptions()).request(paths, os.fspath(output))
    allowed = batch_request.Host(
        signals=host.signals,
        reap=host.reap,
        stopped=stop.is_set if stop is not None else lambda: False,
    )
    return dataclasses.replace(request, host=allowed)
