"""What came of a job: error, written files, stages, task result, outcome, scan result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.errors import DivereError
from divere_cli.records.grade import ProfileRef
from divere_cli.records.serialize import LATER


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error as data; ``kind`` is one of the words of ``errors.ScanError``'s tree."""

    kind: str
    message: str
    hint: str = ""
    detail: str = ""

    @classmethod
    def of(cls, error: DivereError) -> ErrorRecord:
        """Return an error as data, under its own kind."""
        return cls(error.kind, error.message, error.hint, error.detail)

    @classmethod
    def of_scan(cls, error: DivereError) -> ErrorRecord:
        """Return what an error means for the scan that met it: its kind is a scan's."""
        return cls(error.scan_kind or error.kind, error.message, error.hint, error.detail)


@dataclass(frozen=True, slots=True)
class Written:
    """One file that the worker wrote to ``Target.temp``."""

    name: str
    bytes: int
    width: int
    height: int
    channels: int
    sha256: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Positive:
    """One file of a scan in OUTPUT, for the report.

    ``width`` and ``height`` are None where the file was made by an earlier run, ``sha256``
    is empty where a divere made it that did not record it. What is no positive (infrared)
    has neither ``bit_depth`` nor ``color_space``.
    """

    path: str
    format: str
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None
    bit_depth: int | None = None
    color_space: str | None = None


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small sRGB JPEG for a report, as base64 text; its longest side is 256 pixels.

    ``of`` is empty for the scan itself (turned as its first positive is), else
    the ``Target.name`` of the positive.
    """

    of: str
    width: int
    height: int
    jpeg: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """What ``--ir repair`` did to a scan.

    ``share`` of the picture's pixels were filled; the biggest place has
    ``biggest_pixels`` and its middle at column ``x``, row ``y``. ``shift`` is how
    far infrared lay down and to the right of the picture, in pixels; None where
    no shift was found.
    """

    share: float
    biggest_pixels: int = 0
    x: int = 0
    y: int = 0
    shift: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class FilmEdge:
    """What the DX edge code of a scan says.

    ``film`` is the stock's name, None where the number is not known. ``frames``
    are as on the film (``12``, ``12A``), none where the code has none.
    """

    dx: str
    film: str | None = None
    frames: tuple[str, ...] = ()
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Stages:
    """Seconds by stage, one clock for all (``time.perf_counter`` of the worker).

    ``measure`` is the whole pass that ``--auto`` makes over a scan before it is graded, in
    a worker of its own; 0, and not in a report, where nothing was measured.
    """

    start: float = 0.0
    read: float = 0.0
    grade: float = 0.0
    write: float = 0.0
    measure: float = field(default=0.0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Clipped:
    """Share of each channel (red, green, blue; one of a gray scan) at either end of the scan."""

    top: tuple[float, ...]
    bottom: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a scan is, by channel (red, green, blue; one of a gray scan), as density.

    ``thin`` and ``dense`` are percentiles 2 and 97 of the inner picture, ``noise`` the
    deviation between neighboring pixels where the picture is plainest. ``film_base`` is
    that of its roll, None where no bare film was seen or looked for.
    """

    thin: tuple[float, ...]
    dense: tuple[float, ...]
    noise: tuple[float, ...]
    film_base: tuple[float, float, float] | None = None

    @property
    def range(self) -> tuple[float, ...]:
        """Density range of each channel."""
        return tuple(round(d - t, 3) for t, d in zip(self.thin, self.dense, strict=True))


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task hands back: facts about the scan and what was written.

    ``width`` and ``height`` are those of the stored picture, pixels.
    ``measurement`` is JSON text of what a measure task found, else empty.
    ``thumbnails`` are made when the job asks for them.
    """

    width: int = 0
    height: int = 0
    written: tuple[Written, ...] = ()
    stages: Stages = field(default_factory=Stages)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    input_sha256: str = ""
    measurement: str = ""
    thumbnails: tuple[Thumbnail, ...] = ()
    repaired: Repaired | None = None
    film_edge: FilmEdge | None = None
    input_transfer: str = ""
    clipped: Clipped | None = None
    quality: Quality | None = None


End = Literal[
    "result", "error", "crashed", "timeout", "out_of_memory", "lost", "infrastructure", "cancelled"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt at one job ended, as the runner saw it.

    ``end``: ``result`` (``result`` is set), ``error`` (the task raised: ``error``
    is set, not retried), or how the worker died (``error`` is set too).
    ``peak_source`` is ``vmhwm``, ``vmhwm>=`` (last sample of a killed worker),
    ``peak_wset``, ``maxrss`` or ``process-wide``. ``host`` and ``token`` are set
    where another machine ran it: ``token`` ends the names of its temporary files.
    ``begun`` is whether the task itself began; ``sandbox`` is how the worker was confined.
    """

    job_id: int
    attempt: int
    end: End
    result: TaskResult | None = None
    error: ErrorRecord | None = None
    pid: int = 0
    seconds: float = 0.0
    boot_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss_bytes: int = 0
    peak_source: str = ""
    rss_bytes_start: int = 0
    records_dropped: int = 0
    host: str = ""
    token: str = ""
    begun: bool = False
    sandbox: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """A fault of the run's own machinery that cost no scan its result.

    ``at`` is seconds from the start of the run, ``scans`` how many were taken along.
    """

    at: float
    kind: str
    message: str
    scans: int = 0


@dataclass(frozen=True, slots=True)
class IsolationInfo:
    """How scans are kept apart in this run; ``sandbox`` is how workers are confined."""

    requested: Literal["auto", "always", "never"]
    effective: Literal["process", "thread"]
    start_method: str | None
    jobs: int
    fallback_reason: str | None = None
    sandbox: str = "none"


Status = Literal["ok", "up_to_date", "kept", "known_failure", "deferred", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Pages:
    """Which picture of a file this is, from 1 on, of how many; and all pages of the file."""

    picture: int
    pictures: int
    pages: int


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The last word on one scan: an entry of ``files`` in the report.

    ``repaired`` is the share of the picture that ``--ir repair`` filled, ``repair``
    all that is known of it; None, and not in a report, where nothing was asked for or
    could be done. ``pages`` says where it stands in a file of several.
    """

    input: str
    outputs: tuple[str, ...] = ()
    positives: tuple[Positive, ...] = ()
    status: Status = "ok"
    error: ErrorRecord | None = None
    profile: ProfileRef | None = None
    width: int = 0
    height: int = 0
    attempts: int = 0
    worker_pid: int = 0
    host: str = ""
    seconds: float = 0.0
    seconds_by_stage: Stages = field(default_factory=Stages)
    cpu_seconds: float = 0.0
    sandbox: str = ""
    peak_rss_bytes: int = 0
    peak_rss_source: str = ""
    rss_bytes_start: int = 0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    repaired: float | None = field(default=None, metadata=LATER)
    repair: Repaired | None = field(default=None, metadata=LATER)
    film_edge: FilmEdge | None = field(default=None, metadata=LATER)
    pages: Pages | None = field(default=None, metadata=LATER)
    input_transfer: str = field(default="", metadata=LATER)
    orientation: str = field(default="", metadata=LATER)
    clipped: Clipped | None = field(default=None, metadata=LATER)
    quality: Quality | None = field(default=None, metadata=LATER)
