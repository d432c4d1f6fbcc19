"""Measurements and decisions of a roll."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from divere_cli.records.grade import Recipe
from divere_cli.records.job import Frame
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.serialize import LATER

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class RollFrame:
    """What was decided for one frame of a roll, and from what.

    ``kind`` is ``picture``, ``outlier`` (its colors lie far from the roll's neutral),
    ``no_picture`` (blank, leader, holder), ``positive`` (a slide among negatives: kept
    at roll values) or ``unmeasured`` (its measuring failed). ``exposure`` is what this frame got
    on top of the roll's, ``measured_exposure`` what it would have taken alone;
    densities. ``pixels`` were used, of them low in chroma: ``neutral_pixels``.
    """

    input: str
    crop_name: str = ""
    kind: Literal["picture", "outlier", "no_picture", "positive", "unmeasured"] = "picture"
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
    None where none was seen. ``gray_frames`` are the frames whose gray card set the gray;
    ``stay`` are scans of the roll that an earlier run decided: they keep its decision, and
    a new one could change them.
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
    gray_frames: tuple[str, ...] = field(default=(), metadata=LATER)
    stay: tuple[str, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class Measured:
    """A scan as it was measured: ``measurement`` is the task's JSON, empty when it failed.

    ``film_base`` and ``base_region`` are those of its preset, as in :class:`Job`.
    """

    name: str
    input: str
    frames: tuple[Frame, ...]
    measurement: str = ""
    film_base: tuple[float, float, float] | None = None
    base_region: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How a scan is graded: a recipe for each of its frames; ``error`` when it must not be.

    ``frozen`` is JSON text of what was decided, for the journal: later runs keep to it.
    """

    recipes: tuple[Recipe, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ErrorRecord | None = None
    frozen: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What came of measuring: a decision for each scan by name, and the rolls for the report.

    ``warnings`` are of the run as a whole.
    """

    scans: dict[str, Decision]
    rolls: tuple[RollRecord, ...] = ()
    warnings: tuple[str, ...] = ()
