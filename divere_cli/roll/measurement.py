"""What a worker hands over of one frame: a few thousand numbers, whatever the scan's size.

Covers the records and their JSON. Plain data; both sides of the process
boundary import it. Densities are log10; print densities are those after the
matrix with the gains taken as zero.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from divere_cli.records.serialize import from_plain, to_plain

SCHEMA = "divere-measurement/1"
BIN = 0.01  # density; width of a bin of the chroma maps

Triple = tuple[float, float, float]
BaseSource = Literal["profile", "given region", "unexposed", "rebate", "thin end"]


@dataclass(frozen=True, slots=True)
class FilmBase:
    """The thinnest film that was seen, as density of the scan in the working space (R, G, B).

    ``printed`` is the same as print density; ``spread`` is the largest of the
    channels' standard deviations.
    """

    density: Triple
    printed: Triple
    source: BaseSource
    cells: int
    spread: float


@dataclass(frozen=True, slots=True)
class ChromaMap:
    """A map over chroma, in bins of ``BIN``: u is red minus green, v blue minus green.

    ``rows`` holds, for the bins of u from ``first_u`` on, the first bin of v and
    the values from there.
    """

    first_u: int
    rows: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class FrameMeasurement:
    """What was measured of one frame (one crop of a scan).

    ``excluded`` counts cells by the reason: ``outside`` (holder, holes, light
    beside the film), ``rebate``, ``clipped``. ``lumas`` are the percentiles 1,
    5, 25, 50, 75, 95, 99 of print density (mean of the channels); ``key`` is
    the frame's brightness. ``span`` is the range of film density,
    ``plateau`` the share of cells in the two fullest windows of brightness.
    ``chroma`` is the middle of the mid-tones' chroma, ``chroma_spread`` the median
    distance from there. ``target`` is the print
    density that the print shows as middle gray. ``presence`` says how much each
    chroma is found all through the tones, ``counts`` the pixels of each.
    ``given`` is the film base that the profile has, or that of the region that it
    names; ``base`` is what was seen without it.
    """

    cells: int
    picture_cells: int
    pixels_per_cell: int
    excluded: dict[str, int]
    base: FilmBase | None
    lumas: tuple[float, ...]
    key: float
    span: float
    plateau: float
    chroma: tuple[float, float]
    chroma_spread: float
    target: float
    presence: ChromaMap
    counts: ChromaMap
    given: FilmBase | None = None

    @property
    def bare(self) -> FilmBase | None:
        """The film base to believe."""
        return self.given or self.base


@dataclass(frozen=True, slots=True)
class Measurement:
    """All frames of one scan, in the order of the job; None: nothing there to measure."""

    frames: tuple[FrameMeasurement | None, ...]


def to_json(measurement: Measurement) -> str:
    """Give a measurement as one line of JSON."""
    plain = {"schema": SCHEMA, **to_plain(measurement)}
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Measurement:
    """Read a measurement.

    Raises
    ------
    ValueError, TypeError, KeyError
        It is no measurement of this version.
    """
    data: Any = json.loads(text)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"is no {SCHEMA}")
    return from_plain(Measurement, data)
