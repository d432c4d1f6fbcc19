"""A preset to a :class:`Recipe`: every name looked up, every absent figure filled in.

Covers the rules of the grade's page on presets: what an IDT's name means,
that matrix values win over their name and curve points over theirs, what does
nothing at all and is dropped, what an absent key comes to. Ends in numbers
only, with a hash over them.

Does not compute a pixel, nor a matrix from primaries: that is for ``color``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal, cast

from divere_cli.errors import ProfileError
from divere_cli.profile import inherit, library
from divere_cli.profile.canonical import digest, is_identity, ordered
from divere_cli.profile.findings import located
from divere_cli.profile.schema import (
    CcParams,
    CurvePoints,
    DensityCurve,
    DensityMatrix,
    Idt,
    Metadata,
    Preset,
)
from divere_cli.records import Curves, Matrix3, Recipe, Space

WORKING = "KodakEnduraPremier"
COLOR_FILM = "color_negative_c41"
MONOCHROME_FILM = "b&w_negative"
CHANNELS = ("rgb", "r", "g", "b")
_FAR = 1e-3


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe, where each of its figures came from, and what was noticed on the way."""

    recipe: Recipe
    origins: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def recipe(preset: Preset, working: str = WORKING, channels: int = 3) -> Recipe:
    """The recipe of a single preset, or of a contact sheet's top.

    Parameters
    ----------
    preset : Preset
        A base, if it has one, is merged in.
    working : str
        Name of the working color space.
    channels : int
        Of the scan: 1 or 3. Decides only what film a preset without one means.

    Raises
    ------
    ProfileError
        A name that does not ship, an IDT without figures.
    """
    return resolve(preset, working, channels).recipe


def resolve(preset: Preset, working: str = WORKING, channels: int = 3) -> Resolved:
    """As :func:`recipe`, with where each figure came from."""
    return _Resolver(inherit.complete(preset), working, channels).resolve()


@dataclass(slots=True)
class _Resolver:
    """One preset being resolved; notes origins and warnings as it goes."""

    preset: Preset
    working: str
    channels: int
    origins: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def resolve(self) -> Resolved:
        preset = self.preset
        film = library.film_types()[self._film()]
        grade = preset.cc_params
        if grade is None:
            grade = CcParams(
                density_gamma=film.density_gamma,
                density_dmax=film.density_dmax,
                density_curve=DensityCurve(name=film.curve),
            )
        started = "film type" if preset.cc_params is None else ""
        gamma = self._figure("density_gamma", grade.density_gamma, 1.0, started)
        dmax = self._figure("density_dmax", grade.density_dmax, 2.5, started)
        gains = grade.rgb_gains or (0.0, 0.0, 0.0)
        self._note("rgb_gains", grade.rgb_gains is not None)
        red_blue = grade.channel_gamma
        gammas = (
            self._figure("channel_gamma.r", red_blue.r if red_blue else None, 1.0),
            self._figure("channel_gamma.b", red_blue.b if red_blue else None, 1.0),
        )
        glare = self._figure("screen_glare_compensation", grade.screen_glare_compensation, 0.0)
        self._switches(grade, film)
        self.origins["adaptation"] = self._given(".adaptation", preset.adaptation is not None)
        found = Recipe(
            profile=preset.label,
            film=film.film,
            input_space=self._input(preset.idt),
            working_space=library.working_space(self.working),
            density_gamma=gamma,
            density_dmax=dmax,
            rgb_gains=gains,
            matrix=self._matrix(grade.density_matrix),
            channel_gamma=gammas,
            curves=self._curves(grade.density_curve, started),
            screen_glare_compensation=glare,
            adaptation=cast(Literal["ratio", "bradford"], preset.adaptation or "ratio"),
        )
        return Resolved(
            dataclasses.replace(found, sha256=digest(found)), self.origins, tuple(self.warnings)
        )

    def _film(self) -> str:
        metadata = self.preset.metadata or Metadata()
        self.origins["film_type"] = self._given(".metadata.film_type", bool(metadata.film_type))
        if metadata.film_type is not None:
            return metadata.film_type
        return MONOCHROME_FILM if self.channels == 1 else COLOR_FILM

    def _figure(self, name: str, value: float | None, absent: float, started: str = "") -> float:
        self._note(name, value is not None, started)
        return absent if value is None else value

    def _note(self, name: str, given: bool, started: str = "") -> None:
        self.origins[name] = started or self._given(f".cc_params.{name}", given)

    def _given(self, path: str, given: bool) -> str:
        if not given:
            return "default"
        base = self.preset.origins.get(path)
        return f"base {base}" if base else "preset"

    def _switches(self, grade: CcParams, film: library.FilmType) -> None:
        """Warn where DiVERE noted a step as switched otherwise than the film type has it."""
        for name, runs in (
            ("density_matrix", film.film.density_matrix),
            ("density_curve", film.film.density_curve),
            ("rgb_gains", film.film.rgb_gains),
            ("density_inversion", film.film.invert),
        ):
            noted = getattr(grade, f"enable_{name}")
            if noted is not None and noted != runs:
                self._warn(
                    f".cc_params.enable_{name}",
                    f"is {str(noted).lower()}, which has no effect: "
                    f"film type {film.film.name} decides",
                )

    def _warn(self, path: str, what: str) -> None:
        self.warnings.append(f"{self._where(path)} {what}")

    def _where(self, path: str) -> str:
        file = self.preset.file or self.preset.label
        return f"{file}: {located(self.preset.paths, path)}"

    def _error(self, path: str, what: str, hint: str | None = None) -> ProfileError:
        return ProfileError(f"{self._where(path)}{what}", hint=hint)

    # ------------------------------------------------------------ the IDT

    def _input(self, idt: Idt | None) -> Space:
        given = idt or Idt()
        self.origins["idt"] = self._given(
            ".idt.primitives" if given.name is None else ".idt.name", idt is not None
        )
        self.origins["idt.gamma"] = self._given(".idt.gamma", given.gamma is not None)
        bare = given.white is None and given.primitives is None
        if given.name is None and bare:
            return self._shipped(library.spaces()[WORKING], given)
        shipped = library.spaces().get(given.name or "")
        if shipped is not None and shipped.space.primaries is None:
            raise self._error(".idt.name", f" is {given.name!r}; allowed: a space with primaries")
        if shipped is not None and (bare or not shipped.legacy):
            return self._shipped(shipped, given)
        if bare:
            serving = [n for n, s in library.spaces().items() if s.space.primaries is not None]
            error = library.unknown("input color space", given.name or "", serving)
            raise self._error(".idt.name", f": {error.message}", error.hint)
        return self._own(given)

    def _shipped(self, shipped: library.Shipped, given: Idt) -> Space:
        space = shipped.space
        if given.primitives is not None and space.primaries is not None:
            pairs = (*given.primitives.pairs(), given.white.pair() if given.white else space.white)
            ours = (*space.primaries, space.white)
            if any(
                abs(a - b) > _FAR
                for p, q in zip(pairs, ours, strict=True)
                for a, b in zip(p, q, strict=True)
            ):
                self._warn(
                    ".idt.primitives",
                    f"have no effect: the name means the shipped space {space.name}",
                )
        return dataclasses.replace(space, gamma=space.gamma if given.gamma is None else given.gamma)

    def _own(self, given: Idt) -> Space:
        for name, part in (("white", given.white), ("primitives", given.primitives)):
            if part is None:
                raise self._error(
                    f".idt.{name}", f" is missing; needed: {given.name!r} is no shipped space"
                )
        assert given.white is not None
        assert given.primitives is not None
        return Space(
            given.name or "custom",
            given.primitives.pairs(),
            given.white.pair(),
            1.0 if given.gamma is None else given.gamma,
        )

    # ------------------------------------------------------------ matrix and curves

    def _matrix(self, given: DensityMatrix | None) -> Matrix3 | None:
        path = ".cc_params.density_matrix"
        self.origins["density_matrix"] = self._given(path, given is not None)
        if given is None or (given.values is None and _names_nothing(given.name)):
            return None
        if given.values is not None:
            values = given.values
        else:
            self.origins["density_matrix"] += f", shipped {given.name!r}"
            try:
                values = library.matrix(given.name or "")
            except ProfileError as error:
                raise self._error(f"{path}.name", f": {error.message}", error.hint) from None
        return None if is_identity(values) else values

    def _curves(self, given: DensityCurve | None, started: str = "") -> Curves:
        path = ".cc_params.density_curve"
        self.origins["density_curve"] = started or self._given(path, given is not None)
        if given is None:
            return Curves()
        points = given.points or CurvePoints()
        own = {name: ordered(getattr(points, name) or ()) for name in CHANNELS}
        if any(own.values()) or given.name is None or _names_nothing(given.name):
            return Curves(**own)
        self.origins["density_curve"] += f", shipped {given.name!r}"
        try:
            named = library.curve(given.name)
        except ProfileError as error:
            raise self._error(f"{path}.name", f": {error.message}", error.hint) from None
        return Curves(**{name: ordered(getattr(named, name)) for name in CHANNELS})


def _names_nothing(name: str | None) -> bool:
    return not name or library.is_custom(name)
