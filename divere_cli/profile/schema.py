"""The preset: its keys, and beside each its unit, range and what its absence means.

DiVERE's preset schema version 3, and keys of ours: ``base``, ``adaptation``,
``camera_white_balance``, ``film_base``, ``film_base_region`` and the notes of
the shipped profiles. Figures are as the file gives them (None: not given); what
they come to is for :mod:`divere_cli.profile.resolve`.

The classes are read, published as JSON Schema and documented by their kinds
(:mod:`divere_cli.profile.fields`), so the three cannot part.
"""

# The defaults below are field declarations, made once per class.
# ruff: noqa: RUF009
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from divere_cli.profile.fields import (
    Anything,
    Choice,
    Flag,
    Items,
    KindOf,
    Number,
    Object,
    Text,
    key,
    required,
)
from divere_cli.records.grade import XY, Matrix3, Points

VERSION = 3
FOLDER_FILE = "divere_presets.json"
FOLDER_DEFAULT = "folder_default"
OWN_ENTRY = "divere_cli"  # of a folder's presets: what is ours, no scan

# DiVERE writes crops as floats; an edge may be a rounding error beyond the frame.
CROP_SLACK = 1e-6

Triple = tuple[float, float, float]
Box = tuple[float, float, float, float]

FILM_TYPES = (
    "color_negative_c41",
    "color_negative_ecn2",
    "color_reversal",
    "b&w_negative",
    "b&w_reversal",
    "digital",
)

_XY = Number(-1.0, 2.0)
_POINT = Items(Number(-1.0, 2.0), 2, 2, "a point [x, y], each from -1 to 2")
_POINTS = Items(_POINT, 2, 4096, "a list of 2 to 4096 points [x, y], or an empty one", empty=True)
_BOX = Items(Number(0.0, 1.0, CROP_SLACK), 4, 4, "[x, y, width, height], each from 0 to 1")
_ROW = Items(Number(-10.0, 10.0), 3, 3, "a row of 3 numbers, each from -10 to 10")


@dataclass(frozen=True, slots=True)
class Chromaticity:
    """A point of the CIE 1931 xy diagram."""

    x: float = required(_XY, "x", unit="CIE 1931 xy")
    y: float = required(_XY, "y", unit="CIE 1931 xy")

    def pair(self) -> XY:
        """(x, y)."""
        return (self.x, self.y)


@dataclass(frozen=True, slots=True)
class Primaries:
    """The three primaries of a color space."""

    r: Chromaticity = required(Object(Chromaticity), "Red primary")
    g: Chromaticity = required(Object(Chromaticity), "Green primary")
    b: Chromaticity = required(Object(Chromaticity), "Blue primary")

    def pairs(self) -> tuple[XY, XY, XY]:
        """((xr, yr), (xg, yg), (xb, yb))."""
        return (self.r.pair(), self.g.pair(), self.b.pair())


@dataclass(frozen=True, slots=True)
class Idt:
    """The input device transform: the color space of the scan."""

    name: str | None = key(
        Text(200),
        "Name of the input space; a shipped one brings its own primaries and white",
        absent="`KodakEnduraPremier` when no primaries are given either",
    )
    gamma: float | None = key(
        Number(0.1, 5.0),
        "Exponent that makes the scan linear: x ^ gamma",
        absent="1.0 with own primaries, else the value of the named space",
    )
    white: Chromaticity | None = key(Object(Chromaticity), "White point", absent="the named one's")
    primitives: Primaries | None = key(Object(Primaries), "Primaries", absent="the named one's")


@dataclass(frozen=True, slots=True)
class DensityMatrix:
    """The 3x3 matrix on density that removes the crosstalk of film and scanner."""

    name: str | None = key(
        Text(200), "A shipped matrix; only a label if there are values", absent="none"
    )
    values: Matrix3 | None = key(
        Items(_ROW, 3, 3, "3 rows of 3 numbers, each from -10 to 10"),
        "Row-major 3x3, applied to density (R, G, B)",
        absent="looked up by name",
    )


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """Curves as points; x and y are 1 - density / log10(65536), 0 (black) to 1 (white)."""

    rgb: Points | None = key(_POINTS, "Points for all three channels", absent="no curve")
    r: Points | None = key(_POINTS, "Points for red, after `rgb`", absent="no curve")
    g: Points | None = key(_POINTS, "Points for green, after `rgb`", absent="no curve")
    b: Points | None = key(_POINTS, "Points for blue, after `rgb`", absent="no curve")


@dataclass(frozen=True, slots=True)
class DensityCurve:
    """The curve of the print stock."""

    name: str | None = key(
        Text(200),
        "A shipped curve, looked up when there are no points; case, `_` and a leading `*` "
        "do not matter",
        absent="none",
    )
    points: CurvePoints | None = key(Object(CurvePoints), "Own points; they override the name")


@dataclass(frozen=True, slots=True)
class ChannelGamma:
    """Contrast of red and blue against green."""

    r: float | None = key(Number(0.5, 2.0), "Slope of red density around 4.1", absent="1.0")
    b: float | None = key(Number(0.5, 2.0), "Slope of blue density around 4.1", absent="1.0")


@dataclass(frozen=True, slots=True)
class CcParams:
    """The grade."""

    density_gamma: float | None = key(
        Number(0.1, 5.0), "Contrast: slope of density around 0.7", absent="1.0"
    )
    density_dmax: float | None = key(
        Number(0.0, 6.0), "Exposure: more is darker", unit="density (log10)", absent="2.5"
    )
    rgb_gains: Triple | None = key(
        Items(Number(-5.0, 5.0), 3, 3, "3 numbers, each from -5 to 5"),
        "Exposure of red, green, blue after the matrix; more is brighter",
        unit="density (log10)",
        absent="[0, 0, 0]",
    )
    density_matrix: DensityMatrix | None = key(
        Object(DensityMatrix), "Crosstalk matrix", absent="none"
    )
    density_curve: DensityCurve | None = key(Object(DensityCurve), "Print curve", absent="none")
    channel_gamma: ChannelGamma | None = key(
        Object(ChannelGamma),
        "Contrast of red and blue; only with a matrix that is not the identity, as in DiVERE",
        absent="1.0 each",
    )
    screen_glare_compensation: float | None = key(
        Number(0.0, 0.5),
        "Stray light subtracted from the linear picture",
        unit="linear",
        absent="0.0",
    )
    enable_density_inversion: bool | None = key(Flag(), "DiVERE's note; the film type decides")
    enable_density_matrix: bool | None = key(Flag(), "DiVERE's note; the film type decides")
    enable_rgb_gains: bool | None = key(Flag(), "DiVERE's note; the film type decides")
    enable_density_curve: bool | None = key(Flag(), "DiVERE's note; the film type decides")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The frame and its orientation; all other keys are notes."""

    raw_file: str | None = key(Text(), "The scan that the preset was made for")
    orientation: int | None = key(
        Choice((0, 90, 180, 270)),
        "Rotation after the crop, counter-clockwise",
        unit="degrees",
        absent="0, also in a crop",
    )
    crop: Box | None = key(
        _BOX,
        "[x, y, width, height] of the stored frame",
        unit="parts of the frame",
        absent="the whole frame",
    )
    film_type: str | None = key(
        Choice(FILM_TYPES),
        "Selects the steps that are run",
        absent="`color_negative_c41`, for a one-channel scan `b&w_negative`",
    )
    id: str | None = key(Text(), "Only in a crop: the id for `active_crop_id`")
    name: str | None = key(Text(), "Only in a crop: part of the name of its output")
    title: str | None = key(Text(), "Only in a shipped profile: its description in one line")
    group: str | None = key(Text(), "Only in a shipped profile: its group in the list")
    film_stock: str | None = key(Text(), "Note")
    scanner: str | None = key(Text(), "Note")
    print_stock: str | None = key(Text(), "Note")
    light_source: str | None = key(Text(), "Note")
    source: str | None = key(Text(), "Note: the origin of the figures")
    note: str | None = key(Text(10_000), "Note")
    version: None = key(Anything(), "Note")
    type: None = key(Anything(), "Note")
    notes: None = key(Anything(), "Note")
    created_at: None = key(Anything(), "Note")
    updated_at: None = key(Anything(), "Note")
    app_version: None = key(Anything(), "Note")
    author: None = key(Anything(), "Note")
    locale: None = key(Anything(), "Note")
    tags: None = key(Anything(), "Note")
    color_management: None = key(Anything(), "Note")
    provenance: str | None = key(
        KindOf(),
        "Note; kind `divere-calibration/1` means that gray comes from a chart: `--auto` then "
        "changes the exposure only",
    )


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture of a contact sheet."""

    metadata: Metadata | None = key(Object(Metadata), "Name and position of the crop")
    idt: Idt | None = key(Object(Idt), "Its input space", absent="that of the sheet")
    cc_params: CcParams | None = key(Object(CcParams), "Its grade", absent="that of the sheet")


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset.

    The last five fields are no keys: its name, its file, the warnings of the reader, the paths of
    its parts in the file (by paths in the preset), and the parts that came from a base (name of
    the base by path).
    """

    version: int | None = key(
        Choice((VERSION,)),
        "Schema version",
        absent="3; a file with keys of version 2 is read as version 2",
    )
    type: str | None = key(
        Choice(("single", "contactsheet")),
        "One picture, or a sheet with `crops`",
        absent="`contactsheet` when there are crops, else `single`",
    )
    base: str | None = key(
        Text(200),
        "divere: a shipped profile to start from; keys of this preset override it",
        absent="none",
    )
    adaptation: str | None = key(
        Choice(("ratio", "bradford")),
        "divere: adaptation of white points: DiVERE's method, or Bradford's transform",
        absent="`ratio`",
    )
    camera_white_balance: str | None = key(
        Choice(("off", "as_shot")),
        "divere: of a camera's raw file: colors as the sensor has them, or balanced as the "
        "camera noted it in the file; other scans have none",
        absent="`off`",
    )
    film_base: Triple | None = key(
        Items(Number(0.0, 5.0), 3, 3, "3 numbers, each from 0 to 5"),
        "divere: density of the unexposed film (R, G, B) on this scanner; `divere analyze` starts "
        "from it, the grade does not use it",
        unit="density (log10)",
        absent="measured",
    )
    film_base_region: Box | None = key(
        _BOX,
        "divere: [x, y, width, height] of the stored frame where bare film is seen on every scan "
        "that the preset serves; `divere analyze` and `--auto` measure there",
        unit="parts of the frame",
        absent="searched",
    )
    metadata: Metadata | None = key(Object(Metadata), "The frame and its orientation")
    idt: Idt | None = key(Object(Idt), "The color space of the scan")
    cc_params: CcParams | None = key(
        Object(CcParams), "The grade", absent="the film type's starting values"
    )
    name: None = key(Anything(), "Note")
    active_crop_id: str | None = key(Text(), "DiVERE's note: the crop that was edited last")
    crops: tuple[Crop, ...] | None = key(
        Items(Object(Crop), 0, 1000, "a list of at most 1000 crops"),
        "The pictures of a contact sheet",
        absent="none",
    )
    label: str = ""
    file: str = ""
    warnings: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict, compare=False)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def sheet(self) -> tuple[Crop, ...]:
        """The crops that yield outputs: none for a single preset."""
        if self.type == "single":
            return ()
        return self.crops or ()
