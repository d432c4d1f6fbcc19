"""What a worker hands over of one frame: a few thousand numbers, whatever the scan's size.

Covers the records and their JSON. Plain data; both sides of the process
boundary import it. Densities are log10; print densities are those after the
matrix with the gains taken as zero.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from divere_cli.records.serialize import LATER, from_plain, to_plain

SCHEMA = "divere-measurement/2"
AREAS = '{"areas":true}'  # parameters of a job that measures a gray frame
BIN = 0.01  # density; width of a bin of the chroma maps

Triple = tuple[float, float, float]
BaseSource = Literal["profile", "given region", "plain", "thin end"]


@dataclass(frozen=True, slots=True)
class FilmBase:
    """Film base as density of the scan in the working space (R, G, B), and where it is from.

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
class PlainColor:
    """One color that lines along the sides of a frame have: film base, light, or picture.

    ``sides`` are 0 top, 1 right, 2 bottom, 3 left; ``lines`` counts lines of cells;
    ``blank`` says that the whole frame has this color.
    """

    density: Triple
    printed: Triple
    sides: tuple[int, ...]
    lines: int
    blank: bool = False


@dataclass(frozen=True, slots=True)
class PlainArea:
    """One plain area in the middle of a frame, which may be a gray card.

    ``share`` is its part of the frame's cells, 0 to 1.
    """

    density: Triple
    printed: Triple
    share: float

    @property
    def level(self) -> float:
        """Mean density of the channels."""
        return sum(self.density) / 3.0


@dataclass(frozen=True, slots=True)
class FrameMeasurement:
    """What was measured of one frame (one crop of a scan), under one idea of its film base.

    ``base`` is that idea: a plain color of the frame, what the profile says, or
    the thin end of the picture where there is no better one. ``excluded`` counts
    cells by the reason: ``outside`` (holder, holes, light beside the film),
    ``rebate``, ``clipped``. ``lumas`` are the percentiles 0 to 100 of print density
    (mean of the channels) over the picture; ``span`` is the range of film density,
    ``plateau`` the share of cells in the two fullest windows of brightness,
    ``texture`` the share of cells that differ from their neighbors.
    ``chroma`` is the middle of the mid-tones' chroma, ``chroma_spread`` the median
    distance from there; ``gray_scatter`` how far red and blue leave a straight line
    over green (density; black-and-white film: grain alone). ``target`` is the print
    density that the print shows as middle gray, ``contrast`` print density for a film
    density. ``presence`` says how much each chroma is found all through the tones,
    ``counts`` the pixels of each. ``rendered`` says that a camera's own picture (8 bits)
    was measured: its tone curve and matrix lie between film and density.
    """

    cells: int
    picture_cells: int
    pixels_per_cell: int
    excluded: dict[str, int]
    base: FilmBase
    lumas: tuple[float, ...]
    span: float
    plateau: float
    texture: float
    chroma: tuple[float, float]
    chroma_spread: float
    gray_scatter: float
    target: float
    contrast: float
    presence: ChromaMap
    counts: ChromaMap
    rendered: bool = False


@dataclass(frozen=True, slots=True)
class FrameLooks:
    """One frame, looked at under each idea of its film base.

    ``looks`` begins with that of no base at all (the thin end of the picture); one
    for each of ``plain`` follows, in its order. ``given`` is the look under the film
    base that the profile knows or that of the region it names. ``thin`` and ``dense``
    are percentiles 2 and 97 of the inner picture's density by channel (scan, R, G, B),
    ``thin_end`` the first percentile of its mean. ``areas`` are the plain areas of a frame
    that was named as gray.
    """

    plain: tuple[PlainColor, ...]
    looks: tuple[FrameMeasurement, ...]
    thin: Triple
    dense: Triple
    thin_end: float
    given: FrameMeasurement | None = None
    areas: tuple[PlainArea, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class Measurement:
    """All frames of one scan, in the order of the job; None: nothing there to measure."""

    frames: tuple[FrameLooks | None, ...]


def to_json(measurement: Measurement) -> str:
    """Return a measurement as one line of JSON.

    Parameters
    ----------
    measurement : Measurement
        The measurement.
    """
    plain = {"schema": SCHEMA, **to_plain(measurement)}
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Measurement:
    """Read a measurement.

    Parameters
    ----------
    text : str
        The text.

    Raises
    ------
    ValueError, TypeError, KeyError
        It is no measurement of this version.
    """
    data: Any = json.loads(text)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"is no {SCHEMA}")
    return from_plain(Measurement, data)
