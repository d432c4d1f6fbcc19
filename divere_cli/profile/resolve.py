"""Converts a preset to a :class:`Recipe`: names are looked up, absent figures filled in.

Covers the rules of the grade's page on presets: the meaning of an IDT's name, that matrix values
override their name and curve points theirs, dropping parts without effect, and the value of an
absent key. The result is numbers only, with a hash over them.

Not covered: pixels, and matrices from primaries (``color``).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal, cast

from divere_cli.errors import ProfileError
from divere_cli.profile import inherit, input_space, library
from divere_cli.profile.hashing import digest, is_identity, ordered
from divere_cli.profile.library import FilmType
from divere_cli.profile.notes import Notes
from divere_cli.profile.schema import (
    CcParams,
    ChannelGamma,
    CurvePoints,
    DensityCurve,
    DensityMatrix,
    Metadata,
    Preset,
)
from divere_cli.records.grade import Curves, Matrix3, Recipe, WhiteBalance

WORKING = "KodakEnduraPremier"
CALIBRATED = "divere-calibration/1"  # the kind of provenance that `divere calibrate` writes
COLOR_FILM = "color_negative_c41"
MONOCHROME_FILM = "b&w_negative"
CHANNELS = ("rgb", "r", "g", "b")
_GRADE = ".cc_params"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe, the origin of each of its figures, and warnings."""

    recipe: Recipe
    origins: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def recipe(preset: Preset, working: str = WORKING, channels: int = 3) -> Recipe:
    """Return the recipe of a single preset, or of a contact sheet as a whole.

    Parameters
    ----------
    preset : Preset
        Its base, if any, is merged in.
    working : str
        Name of the working color space.
    channels : int
        Of the scan: 1 or 3. Decides only the film type of a preset without one.

    Raises
    ------
    ProfileError
        A name does not ship, or an IDT lacks figures.
    """
    return resolve(preset, working, channels).recipe


def resolve(preset: Preset, working: str = WORKING, channels: int = 3) -> Resolved:
    """Return the recipe of a preset, with the origin of each figure.

    Parameters
    ----------
    preset : Preset
        The preset.
    working : str, default WORKING
        Name of the working space.
    channels : int, default 3
        Channels of the scan.
    """
    merged = inherit.complete(preset)
    notes = Notes(merged)
    film = _film(merged.metadata or Metadata(), channels, notes)
    grade = merged.cc_params or _start(film)
    _switches(grade, film, notes)
    notes.origin("adaptation", ".adaptation", merged.adaptation is not None)
    balance = merged.camera_white_balance
    notes.origin("camera_white_balance", ".camera_white_balance", balance is not None)
    result = Recipe(
        profile=merged.label,
        film=film.film,
        input_space=input_space.resolve(merged.idt, notes),
        working_space=library.working_space(working),
        density_gamma=_figure("density_gamma", grade.density_gamma, 1.0, notes),
        density_dmax=_figure("density_dmax", grade.density_dmax, 2.5, notes),
        rgb_gains=grade.rgb_gains or (0.0, 0.0, 0.0),
        matrix=_matrix(grade.density_matrix, notes),
        channel_gamma=_channel_gamma(grade.channel_gamma or ChannelGamma(), notes),
        curves=_curves(grade.density_curve, notes),
        screen_glare_compensation=_figure(
            "screen_glare_compensation", grade.screen_glare_compensation, 0.0, notes
        ),
        adaptation=cast(Literal["ratio", "bradford"], merged.adaptation or "ratio"),
        camera_white_balance=cast(WhiteBalance, balance or "off"),
        calibrated=(merged.metadata or Metadata()).provenance == CALIBRATED,
    )
    notes.origin("rgb_gains", f"{_GRADE}.rgb_gains", grade.rgb_gains is not None)
    if merged.cc_params is None:
        for name in ("density_gamma", "density_dmax", "density_curve"):
            notes.origins[name] = "film type"
    result = dataclasses.replace(result, sha256=digest(result))
    return Resolved(result, notes.origins, tuple(notes.warnings))


def _film(metadata: Metadata, channels: int, notes: Notes) -> FilmType:
    film_type = metadata.film_type
    notes.origin("film_type", ".metadata.film_type", film_type is not None)
    absent = MONOCHROME_FILM if channels == 1 else COLOR_FILM
    return library.film_types()[film_type or absent]


def _start(film: FilmType) -> CcParams:
    """Return the grade of a preset without one: the starting values of its film type."""
    return CcParams(
        density_gamma=film.density_gamma,
        density_dmax=film.density_dmax,
        density_curve=DensityCurve(name=film.curve),
    )


def _switches(grade: CcParams, film: FilmType, notes: Notes) -> None:
    """Warn if DiVERE noted a step as on or off and the film type decides otherwise."""
    for step, runs in (
        ("density_matrix", film.film.density_matrix),
        ("density_curve", film.film.density_curve),
        ("rgb_gains", film.film.rgb_gains),
        ("density_inversion", film.film.invert),
    ):
        noted = getattr(grade, f"enable_{step}")
        if noted is not None and noted != runs:
            value = "true" if noted else "false"
            message = f"is {value}, which has no effect: film type {film.film.name} decides"
            notes.warn(f"{_GRADE}.enable_{step}", message)


def _figure(name: str, value: float | None, absent: float, notes: Notes) -> float:
    notes.origin(name, f"{_GRADE}.{name}", value is not None)
    return absent if value is None else value


def _channel_gamma(gammas: ChannelGamma, notes: Notes) -> tuple[float, float]:
    red = _figure("channel_gamma.r", gammas.r, 1.0, notes)
    return red, _figure("channel_gamma.b", gammas.b, 1.0, notes)


def _matrix(matrix: DensityMatrix | None, notes: Notes) -> Matrix3 | None:
    path = f"{_GRADE}.density_matrix"
    notes.origin("density_matrix", path, matrix is not None)
    if matrix is None:
        return None
    values = matrix.values
    if values is None and matrix.name and not library.is_custom(matrix.name):
        notes.origins["density_matrix"] += f", shipped {matrix.name!r}"
        try:
            values = library.matrix(matrix.name)
        except ProfileError as error:
            raise notes.unknown(f"{path}.name", error) from None
    return None if values is None or is_identity(values) else values


def _curves(curve: DensityCurve | None, notes: Notes) -> Curves:
    path = f"{_GRADE}.density_curve"
    notes.origin("density_curve", path, curve is not None)
    if curve is None:
        return Curves()
    points = curve.points or CurvePoints()
    by_channel = {name: ordered(getattr(points, name) or ()) for name in CHANNELS}
    if any(by_channel.values()) or not curve.name or library.is_custom(curve.name):
        return Curves(**by_channel)
    notes.origins["density_curve"] += f", shipped {curve.name!r}"
    try:
        named = library.curve(curve.name)
    except ProfileError as error:
        raise notes.unknown(f"{path}.name", error) from None
    return Curves(**{name: ordered(getattr(named, name)) for name in CHANNELS})
