"""The data that ship with divere: color spaces, matrices, curves, film types, profiles.

Covers finding the data (``profiles/`` of a checkout, ``divere_cli/profiles`` of a wheel) and
looking names up, with an error that lists the known names. The data are read once and never
written.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from divere_cli.errors import ProfileError
from divere_cli.profile import loading, strict_json
from divere_cli.profile.schema import Preset
from divere_cli.profile.strict_json import Json
from divere_cli.records.grade import XY, Curves, Film, Matrix3, Points, Space, Transfer

# other names of output spaces: letters and digits only, in lower case
_ALSO_CALLED = {
    "adobergb1998": "adobergb",
    "ecirgb": "ecirgbv2",
    "p3": "displayp3",
    "prophoto": "prophotorgb",
    "bt2020": "rec2020",
    "srgbiec6196621": "srgb",
}

LISTED = 12


@dataclass(frozen=True, slots=True)
class Shipped:
    """A shipped color space and its roles.

    A ``legacy`` one is used only for an IDT that gives its name and no figures.
    """

    space: Space
    roles: frozenset[str]
    legacy: bool


@dataclass(frozen=True, slots=True)
class FilmType:
    """A film type: its steps, and the starting values of a grade without figures."""

    film: Film
    density_dmax: float
    density_gamma: float
    curve: str


@functools.cache
def folder() -> Path:
    """Return the folder of the shipped data."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "profiles"
    return inside if inside.is_dir() else package.parent / "profiles"


def names() -> list[str]:
    """Return the names of the shipped profiles, sorted."""
    return list(_names(folder() / "library"))


@functools.cache  # called for each scan of a run
def _names(library: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in library.glob("*.json")))


@functools.cache
def load(name: str) -> Preset:
    """Return a shipped profile as in its file; its base is merged when it is resolved.

    Parameters
    ----------
    name : str
        The name.

    Raises
    ------
    ProfileError
        There is none with this name; the message lists the known names.
    """
    if name not in names():
        raise unknown("profile", name, names())
    return loading.load(str(folder() / "library" / f"{name}.json"))


@functools.cache
def spaces() -> dict[str, Shipped]:
    """Return all color spaces by name."""
    entries = _table("color_spaces.json", "color_spaces")
    spaces = {name: _shipped(name, entry) for name, entry in entries.items()}
    for name, added in _further_outputs().items():
        there = spaces.get(name, added)
        spaces[name] = replace(there, roles=there.roles | added.roles)
    return spaces


@functools.cache
def _further_outputs() -> dict[str, Shipped]:
    """Return output spaces that DiVERE does not have; it knows some of them as input spaces."""
    entries = _table("output_spaces.json", "output_spaces")
    return {name: _shipped(name, entry) for name, entry in entries.items()}


def space(name: str) -> Space:
    """Return a shipped color space, old ones too; ProfileError lists the names.

    Parameters
    ----------
    name : str
        The name.
    """
    shipped = spaces().get(name)
    if shipped is None:
        raise unknown("color space", name, spaces())
    return shipped.space


def output_space(name: str) -> Space:
    """Return a color space for positives; ProfileError lists the names.

    Parameters
    ----------
    name : str
        The name.
    """
    name = _own_name(name, in_role("output"))
    shipped = _in_role("output", name)
    further = _further_outputs().get(name)
    return further.space if further else shipped


def working_space(name: str) -> Space:
    """Return a color space to grade in; ProfileError lists the names.

    Parameters
    ----------
    name : str
        The name.
    """
    return _in_role("working", name)


def in_role(role: str) -> list[str]:
    """Return the names of the color spaces for a role.

    Parameters
    ----------
    role : str
        ``input``, ``working`` or ``output``.
    """
    return sorted(
        n for n, s in spaces().items() if role in s.roles and not (s.legacy and role != "output")
    )


def _own_name(name: str, names: Iterable[str]) -> str:
    """Return the name of a color space that is written in another way, as ``adobe rgb (1998)``."""
    written = _letters(name)
    written = _ALSO_CALLED.get(written, written)
    return next((each for each in names if _letters(each) == written), name)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _in_role(role: str, name: str) -> Space:
    if name not in in_role(role):
        raise unknown(f"{role} color space", name, in_role(role))
    return spaces()[name].space


@functools.cache
def matrices() -> dict[str, Matrix3]:
    """Return all density matrices by name, row-major."""
    entries = _table("density_matrices.json", "density_matrices")
    return {name: cast(Matrix3, _tuples(entry)) for name, entry in entries.items()}


def matrix(name: str) -> Matrix3:
    """Return a density matrix; case, ``_``, runs of spaces and a leading ``*`` do not matter.

    Parameters
    ----------
    name : str
        The name.
    """
    return matrices()[_look_up("density matrix", name, matrices())]


@functools.cache
def curves() -> dict[str, Curves]:
    """Return all print curves by name; ``linear`` has no effect."""
    entries = _table("curves.json", "curves")
    return {"linear": Curves()} | {name: _curves(entry) for name, entry in entries.items()}


def curve(name: str) -> Curves:
    """Return a print curve; case, ``_``, runs of spaces and a leading ``*`` do not matter.

    Parameters
    ----------
    name : str
        The name.
    """
    return curves()[_look_up("density curve", name, curves())]


@functools.cache
def film_types() -> dict[str, FilmType]:
    """Return all film types by name."""
    entries = _table("film_types.json", "film_types")
    return {name: _film_type(name, entry) for name, entry in entries.items()}


def unknown(kind: str, name: str, there: Iterable[str]) -> ProfileError:
    """Return the error for an unknown name, with the nearest name and the known ones.

    Parameters
    ----------
    kind : str
        The kind of thing that has the name.
    name : str
        The name.
    there : iterable of str
        The known names.
    """
    listed = sorted(there)
    folded = {_folded(entry): entry for entry in listed}
    close = difflib.get_close_matches(_folded(name[:200]), folded, n=1, cutoff=0.6)
    suggestion = f"; did you mean {folded[close[0]]!r}?" if close else "."
    more = f", ... ({len(listed)} in all)" if len(listed) > LISTED else ""
    return ProfileError(
        f"no {kind} is called {name[:200]!r}{suggestion} "
        f"There are: {', '.join(listed[:LISTED])}{more}",
        hint="see `divere profiles list`",
    )


def is_custom(name: str) -> bool:
    """Return whether a name is DiVERE's name for figures made by the user.

    Parameters
    ----------
    name : str
        The name.
    """
    return _folded(name) in ("custom", "自定义")


def _look_up(kind: str, name: str, there: Iterable[str]) -> str:
    exact = list(there)
    if name in exact:
        return name
    folded = {_folded(entry): entry for entry in exact}
    exact_name = folded.get(_folded(name))
    if exact_name is None:
        raise unknown(kind, name, exact)
    return exact_name


def _folded(name: str) -> str:
    """Return a name as it is compared; a leading ``*`` marks an edited curve in DiVERE."""
    bare = name.strip().removeprefix("*").replace("_", " ")
    return re.sub(r"\s+", " ", bare).strip().casefold()


def _table(file: str, key: str) -> dict[str, dict[str, Json]]:
    document = strict_json.read(str(folder() / file))
    return cast(dict[str, dict[str, Json]], cast(dict[str, Json], document)[key])


def _tuples(value: Json) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _shipped(name: str, entry: dict[str, Json]) -> Shipped:
    primaries_xy = entry.get("primaries_xy")
    primaries = None
    if isinstance(primaries_xy, dict):
        primaries = cast(tuple[XY, XY, XY], tuple(_tuples(primaries_xy[c]) for c in "rgb"))
    white, gamma = cast(XY, _tuples(entry["white_xy"])), cast(float, entry["gamma"])
    transfer = cast(Transfer, entry.get("transfer", "power"))
    legacy = bool(entry.get("legacy"))
    roles = frozenset(["input"] if legacy else cast(list[str], entry["roles"]))
    space = Space(name, primaries, white, gamma, transfer, bool(entry.get("adapted")))
    return Shipped(space, roles, legacy)


def _curves(entry: dict[str, Json]) -> Curves:
    points = {c: cast(Points, _tuples(entry.get(c, []))) for c in ("rgb", "r", "g", "b")}
    return Curves(**points)


def _film_type(name: str, entry: dict[str, Json]) -> FilmType:
    film = Film(
        name,
        invert=bool(entry["invert"]),
        density_matrix=bool(entry["density_matrix"]),
        rgb_gains=bool(entry["rgb_gains"]),
        density_curve=bool(entry["density_curve"]),
        monochrome=bool(entry["monochrome"]),
    )
    return FilmType(
        film,
        density_dmax=cast(float, entry["default_dmax"]),
        density_gamma=cast(float, entry["default_gamma"]),
        curve=cast(str, entry["default_curve"]),
    )
