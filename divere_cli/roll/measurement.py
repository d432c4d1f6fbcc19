"""Measurements of a frame as a worker reports them: a few thousand numbers for any scan size.

Covers the records and their JSON; worker and parent import it. Densities are log10; print
densities are those after the matrix, with gains of zero.
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
    """Film base as density of the scan in the working space (R, G, B), and its source.

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
    """A color of lines along the sides of a frame: film base, light, or picture.

    ``sides`` are 0 top, 1 right, 2 bottom, 3 left; ``lines`` counts lines of cells;
    ``blank``: the whole frame has this color.
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
    """Statistics of one frame (one crop of a scan), for one candidate of its film base.

    ``base`` is this candidate: a plain color of the frame, the film base of the profile, or
    the thin end of the picture if there is no better one. ``excluded`` counts
    cells by the reason: ``outside`` (holder, holes, light beside the film),
    ``rebate``, ``clipped``. ``lumas`` are the percentiles 0 to 100 of print density
    (mean of the channels) over the picture; ``span`` is the range of film density,
    ``plateau`` the share of cells in the two fullest windows of brightness,
    ``texture`` the share of cells that differ from their neighbors.
    ``chroma`` is the middle of the mid-tones' chroma, ``chroma_spread`` the median
    distance from there; ``gray_scatter`` how far red and blue leave a straight line
    over green (density; on black-and-white film, only grain). ``target`` is the print
    density that the print shows as middle gray, ``contrast`` print density for a film
    density. ``presence`` is how much each chroma occurs in all tones, ``counts`` the pixels
    of each. ``rendered``: an 8-bit picture of a camera was measured, whose tone curve and
    matrix lie between film and density.
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
    """Measurements of one frame, for each candidate of its film base.

    ``looks`` begins with the measurement without a film base (the thin end of the picture);
    one for each of ``plain`` follows, in the same order. ``given`` is the measurement with
    the film base in the profile, or in the region that the profile names. ``thin`` and
    ``dense`` are percentiles 2 and 97 of the inner picture's density by channel (scan, R, G,
    B), ``thin_end`` the first percentile of its mean. ``areas`` are the plain areas of a
    gray frame.
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
    """All frames of one scan, in the order of the job; None if nothing could be measured."""

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
        The text is not a measurement of this version.
    """
    data: Any = json.loads(text)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"is no {SCHEMA}")
    return from_plain(Measurement, data)
