"""What a worker is asked to do: file stamp, encoding, targets, limits, warm-up, progress."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from divere_cli.records.film import FilmNotes
from divere_cli.records.grade import Recipe, Space
from divere_cli.records.light import LightMap
from divere_cli.records.outcome import FilmEdge
from divere_cli.records.serialize import LATER


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
    """How a positive is written; the same for all of a run.

    ``quality`` is of jpeg and jxl, for which 100 is lossless. ``size`` is the long
    edge in pixels, 0 as scanned. ``flat`` leaves out the print's curve.
    ``ir_strength`` and ``ir_mask`` are of ``infrared="repair"``.
    """

    format: Literal["tiff", "jpeg", "png", "jxl", "dng"]
    bit_depth: Literal[8, 16, 32]
    color_space: Space
    compression: Literal["none", "lzw", "deflate", "zstd"] = "none"
    quality: int = 95
    dither: bool = False
    metadata: bool = True
    infrared: Literal["drop", "sidecar", "repair"] = "drop"
    size: int = field(default=0, metadata=LATER)
    flat: bool = field(default=False, metadata=LATER)
    ir_strength: Literal["low", "normal", "high"] = field(default="normal", metadata=LATER)
    ir_mask: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Target:
    """One file to write: the worker writes ``temp``, the parent publishes it as ``path``.

    ``inode`` is the device and number of the file that was made for it, where one was made
    on this machine.
    """

    name: str
    path: str
    temp: str
    inode: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class InputTransfer:
    """How a scan's samples are to be taken: ``option`` as ``--input-transfer`` has it.

    ``preset_gamma`` is what the user's preset says, None where it says nothing.
    """

    option: str = "auto"
    preset_gamma: float | None = None

    @classmethod
    def of(cls, option: str, preset_gamma: float | None, profile_gamma: float) -> InputTransfer:
        """Return how samples are taken; a profile of a scanner that encodes has its own gamma.

        Parameters
        ----------
        option : str
            As ``--input-transfer`` has it.
        preset_gamma : float or None
            What the user's preset says.
        profile_gamma : float
            Of the recipe's input space; 1 says nothing.
        """
        encodes = preset_gamma is None and profile_gamma != 1.0
        return cls(option, profile_gamma if encodes else preset_gamma)


@dataclass(frozen=True, slots=True)
class Frame:
    """One positive of a scan: where it lies in the stored rows, its grade, where it goes.

    ``crop`` is (x, y, w, h) in 0..1 of the stored frame, ``orientation`` in
    {0, 90, 180, 270} degrees counter-clockwise, after the crop; ``mirrored`` is left for
    right, before the turn. ``also`` are the
    targets of the job's further outputs, one for each of ``Job.also``. ``turn`` are the
    degrees counter-clockwise that the picture within the crop is turned by in the scan,
    which are taken off. ``film`` is what was
    written down about this picture, where its scan has several; else ``Job.film`` counts.
    """

    target: Target
    recipe: Recipe
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    orientation: int = 0
    crop_name: str = ""
    also: tuple[Target, ...] = ()
    mirrored: bool = False
    turn: float = 0.0
    film: FilmNotes | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Job:
    """One scan to work on. Plain data; nothing in it refers to this process.

    ``task`` is the dotted name (``module:function``) of what the worker runs:
    ``task(job, progress) -> TaskResult``. For a measure task, ``film_base`` are the
    densities (R, G, B) of bare film where the preset knows them, and ``base_region``
    is (x, y, w, h) in 0..1 of the stored frame: bare film is seen there.
    ``film`` is what was written down about it, ``also`` are the encodings of further
    outputs of the same decode.
    ``parameters`` is JSON text with what other tasks want to know, empty for none.
    ``flat_field`` evens out the light before anything else is made of the samples.
    ``reads`` are files besides ``input`` that the task may open. ``film_edge`` asks for
    the code at the film's edge, ``known_edge`` is what it says where that is known already.
    ``transfer`` says how samples relate to light; None: they are linear. ``oriented`` says
    that its frames are turned by the file's own tag, too.
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
    picture: int = 0
    threads: int = 1
    thumbnails: bool = False
    film_base: tuple[float, float, float] | None = None
    base_region: tuple[float, float, float, float] | None = None
    parameters: str = ""
    flat_field: LightMap | None = None
    also: tuple[Encoding, ...] = ()
    film: FilmNotes | None = None
    reads: tuple[str, ...] = ()
    film_edge: bool = False
    transfer: InputTransfer | None = None
    oriented: bool = False
    known_edge: FilmEdge | None = None


@dataclass(frozen=True, slots=True)
class WarmUp:
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
    """What one attempt may use; ``file_bytes`` is for the largest file that it writes."""

    attempt: int = 1
    wall_seconds: float = 300.0
    memory_bytes: int | None = None
    file_bytes: int | None = None


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
