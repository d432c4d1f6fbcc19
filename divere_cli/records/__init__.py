"""The words that all rooms share: what is to be done, what came of it, what happened.

Plain frozen data that any machine with the same files could take; JSON both
ways through :mod:`divere_cli.records.serialize`. No behaviour lives here, and nothing but
the standard library is imported.

Paths are ``str`` as :func:`os.fsdecode` gives them (surrogate escapes keep
bytes that are no UTF-8). ``name`` is what people are shown: relative, with
``/``, raw; the rim escapes it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

XY = tuple[float, float]
Points = tuple[XY, ...]
Matrix3 = tuple[
    tuple[float, float, float],
    tuple[float, float, float],
    tuple[float, float, float],
]

# ---------------------------------------------------------------- the grade


@dataclass(frozen=True, slots=True)
class Space:
    """A color space: CIE 1931 xy primaries and white; ``gamma`` linearises an encoded value.

    ``primaries`` is None for a gray space.
    """

    name: str
    primaries: tuple[XY, XY, XY] | None
    white: XY
    gamma: float = 1.0


WhiteBalance = Literal["off", "as_shot"]


@dataclass(frozen=True, slots=True)
class Film:
    """Which steps a film type runs (``profiles/film_types.json``)."""

    name: str
    invert: bool
    density_matrix: bool
    rgb_gains: bool
    density_curve: bool
    monochrome: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """Density curves, points ascending in x; an empty list does nothing at all."""

    rgb: Points = ()
    r: Points = ()
    g: Points = ()
    b: Points = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One grade with every name resolved: numbers only, ready for ``color``.

    ``input_space.gamma`` is the IDT gamma. Densities are log10. ``matrix`` is
    None where the preset has none. ``sha256`` is over the recipe's numbers and
    goes into the report and into what counts as up to date.
    """

    profile: str
    film: Film
    input_space: Space
    working_space: Space
    density_gamma: float = 1.0
    density_dmax: float = 2.5
    rgb_gains: tuple[float, float, float] = (0.0, 0.0, 0.0)
    matrix: Matrix3 | None = None
    channel_gamma: tuple[float, float] = (1.0, 1.0)  # r, b
    curves: Curves = field(default_factory=Curves)
    screen_glare_compensation: float = 0.0
    adaptation: Literal["ratio", "bradford"] = "ratio"
    camera_white_balance: WhiteBalance = "off"  # of a camera's raw file; others have none
    sha256: str = ""


# ------------------------------------------------------------ what is to be done


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file was when it was planned; compared before and after reading."""

    size: int
    mtime_ns: int
    ctime_ns: int = 0
    dev: int = 0
    ino: int = 0


@dataclass(frozen=True, slots=True)
class Encoding:
    """How positives are written; the same for all of a run."""

    format: Literal["tiff", "jpeg", "png"]
    bit_depth: Literal[8, 16]
    color_space: Space
    compression: Literal["none", "lzw", "deflate", "zstd"] = "none"
    quality: int = 95
    dither: bool = False
    metadata: bool = True
    infrared: Literal["drop", "sidecar"] = "drop"


@dataclass(frozen=True, slots=True)
class Target:
    """One file to write: the worker writes ``temp``, the parent publishes it as ``path``."""

    name: str
    path: str
    temp: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One positive of a scan: where it lies in the stored rows, its grade, where it goes.

    ``crop`` is (x, y, w, h) in 0..1 of the stored frame, ``orientation`` in
    {0, 90, 180, 270} degrees counter-clockwise, after the crop.
    """

    target: Target
    recipe: Recipe
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    orientation: int = 0
    crop_name: str = ""


@dataclass(frozen=True, slots=True)
class FileJob:
    """One scan to work on. Plain data; nothing in it refers to this process.

    ``task`` is the dotted name (``module:function``) of what the worker runs:
    ``task(job, progress) -> TaskResult``. For a measure task, ``film_base`` are the
    densities (R, G, B) of bare film where the preset knows them, and ``base_region``
    is (x, y, w, h) in 0..1 of the stored frame: bare film is seen there.
    """

    id: int
    name: str
    input: str
    stamp: Stamp
    encoding: Encoding
    frames: tuple[Frame, ...]
    sidecar: Target | None = None
    task: str = "divere_cli.develop.scan:develop"
    max_pixels: int = 2_000_000_000
    threads: int = 1
    thumbnails: bool = False
    film_base: tuple[float, float, float] | None = None
    base_region: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a process may prepare before its first scan; nothing but speed depends on it.

    ``call`` is the dotted name (``module:function``) of what takes it; ``channels``,
    ``bits`` and ``sample`` are the layout of the scans' bands.
    """

    call: str
    recipe: Recipe
    encoding: Encoding
    channels: int
    bits: int
    sample: Literal["uint", "float"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may use."""

    attempt: int = 1
    wall_seconds: float = 300.0
    memory_bytes: int | None = None


Stage = Literal["read", "grade", "write"]


class Progress(Protocol):
    """How a task says where it is. Cheap: calls may come once a band."""

    def stage(self, name: Stage) -> AbstractContextManager[None]:
        """Time spent inside counts for stage ``name``; stages may interleave, not nest."""

    def advance(self, done: float) -> None:
        """Say that ``done`` of 0..1 of the whole scan is behind us.

        On threads this is also where a cancelled or timed out task is stopped:
        it may raise, and the task lets that pass.
        """


# ---------------------------------------------------------------- what came of it


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error as data; ``kind`` is one of the words of ``errors.ScanError``'s tree."""

    kind: str
    message: str
    hint: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """One file that the worker wrote to ``Target.temp``."""

    name: str
    bytes: int
    width: int
    height: int
    channels: int


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
class Stages:
    """Seconds by stage, one clock for all (``time.perf_counter`` of the worker)."""

    start: float = 0.0
    read: float = 0.0
    grade: float = 0.0
    write: float = 0.0


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


@dataclass(frozen=True, slots=True)
class IsolationInfo:
    """How scans are kept apart in this run."""

    requested: Literal["auto", "always", "never"]
    effective: Literal["process", "thread"]
    start_method: str | None
    jobs: int
    fallback_reason: str | None = None


Status = Literal["ok", "up_to_date", "deferred", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class ProfileRef:
    """Which profile served a scan."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """The last word on one scan: an entry of ``files`` in the report."""

    input: str
    outputs: tuple[str, ...] = ()
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
    peak_rss_bytes: int = 0
    peak_rss_source: str = ""
    rss_bytes_start: int = 0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()


# ------------------------------------------------------------------ a roll


Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class RollFrame:
    """What was decided for one frame of a roll, and from what.

    ``kind`` is ``picture``, ``outlier`` (far from the roll's neutral or
    exposure: kept at roll values), ``no_picture`` (blank, leader, holder) or
    ``unmeasured`` (its measuring failed). ``exposure`` is what this frame got
    on top of the roll's, ``measured_exposure`` what it would have taken alone;
    densities. ``pixels`` were used, of them low in chroma: ``neutral_pixels``.
    """

    input: str
    crop_name: str = ""
    kind: Literal["picture", "outlier", "no_picture", "unmeasured"] = "picture"
    rgb_gains: tuple[float, float, float] = (0.0, 0.0, 0.0)
    exposure: float = 0.0
    measured_exposure: float | None = None
    pixels: int = 0
    neutral_pixels: int = 0
    spread: float | None = None
    confidence: Confidence = "high"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RollRecord:
    """What was decided for a roll, with its evidence: an entry of the report's ``rolls``.

    ``rgb_gains`` are the roll's, exposure included; ``exposure`` is the part
    common to the three; ``film_base`` is in densities of the scan (R, G, B),
    None where none was seen.
    """

    name: str
    profile: str
    mode: Literal["frame", "roll"]
    rgb_gains: tuple[float, float, float]
    exposure: float
    film_base: tuple[float, float, float] | None = None
    film_base_source: str = ""
    spread: float | None = None
    pixels: int = 0
    confidence: Confidence = "high"
    reasons: tuple[str, ...] = ()
    frames: tuple[RollFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """A scan as it was measured: ``measurement`` is the task's JSON, empty when it failed.

    ``film_base`` and ``base_region`` are those of its preset, as in :class:`FileJob`.
    """

    name: str
    input: str
    frames: tuple[Frame, ...]
    measurement: str = ""
    film_base: tuple[float, float, float] | None = None
    base_region: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How a scan is graded: a recipe for each of its frames; ``error`` when it must not be."""

    recipes: tuple[Recipe, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ErrorRecord | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of measuring: a decision for each scan by name, and the rolls for the report."""

    scans: dict[str, Decision]
    rolls: tuple[RollRecord, ...] = ()


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
    files: tuple[FileResult, ...] = ()
    error: ErrorRecord | None = None
    stopped: str = ""  # why no more scans were started: a signal, --max-failures
    warnings: tuple[str, ...] = ()  # of the run; those of a scan are in ``files``
    rolls: tuple[RollRecord, ...] = ()  # with --auto and --from: what was decided, and why


@dataclass(frozen=True, slots=True)
class PlannedScan:
    """What ``--dry-run`` says of one scan: what would be done, and into what."""

    input: str
    outputs: tuple[str, ...]
    action: Literal["grade", "up_to_date", "deferred", "fail"]
    profile: ProfileRef | None = None
    error: ErrorRecord | None = None
    warnings: tuple[str, ...] = ()


# ---------------------------------------------------------------- what happened


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The plan stands; ``total`` scans were selected, ``todo`` of them need work."""

    version: str
    started: str
    output: str
    total: int
    todo: int
    isolation: IsolationInfo


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """A worker took the scan (again, when ``attempt`` > 1)."""

    job_id: int
    input: str
    attempt: int
    pid: int


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is: ``done`` of 0..1, and the stage it is in."""

    job_id: int
    input: str
    stage: str
    done: float
    rss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """The last word on one scan."""

    result: FileResult


@dataclass(frozen=True, slots=True)
class RunStopping:
    """No new scans are started; ``reason`` says why, ``running`` are still at work."""

    reason: str
    running: int


Event = RunStarted | ScanStarted | ScanProgress | ScanFinished | RunStopping
