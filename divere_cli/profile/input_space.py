"""The color space that a scan is in, from what a preset's ``idt`` says of it.

Covers the rules of names: a shipped name means the shipped primaries and white
and takes only gamma from the preset; any other takes the preset's own figures;
a name alone must ship; a legacy one serves only a name without figures.
"""

from __future__ import annotations

import dataclasses

from divere_cli.profile import library
from divere_cli.profile.library import Shipped
from divere_cli.profile.notes import Notes
from divere_cli.profile.schema import Idt
from divere_cli.records.grade import XY, Space

DEFAULT = "KodakEnduraPremier"
OWN = "custom"
# Presets hold the shipped figures too, with fewer digits.
_NEAR = 1e-3


def resolve(idt: Idt | None, notes: Notes) -> Space:
    """Return the input space; its ``gamma`` makes the scan linear.

    Parameters
    ----------
    idt : Idt or None
        The preset's ``idt``.
    notes : Notes
        Takes warnings and the origin of each figure.

    Raises
    ------
    ProfileError
        A name alone that does not ship, or a space without all of its figures.
    """
    given = idt or Idt()
    figures = ".idt.primitives" if given.name is None else ".idt.name"
    notes.origin("idt", figures, idt is not None)
    notes.origin("idt.gamma", ".idt.gamma", given.gamma is not None)
    bare = given.white is None and given.primitives is None
    name = DEFAULT if bare and given.name is None else given.name or ""
    known = {n: s for n, s in library.spaces().items() if s.space.transfer == "power"}
    shipped = known.get(name)
    if shipped is None and bare:
        serving = [n for n, s in known.items() if s.space.primaries is not None]
        raise notes.unknown(".idt.name", library.unknown("input color space", name, serving))
    if shipped is None or (shipped.legacy and not bare):
        return _own(given, notes)
    return _shipped(shipped, given, notes)


def _shipped(shipped: Shipped, given: Idt, notes: Notes) -> Space:
    space = shipped.space
    if space.primaries is None:
        raise notes.error(".idt.name", f"is {space.name!r}; allowed: a space with primaries")
    if given.primitives is not None:
        white = given.white.pair() if given.white else space.white
        theirs = (*given.primitives.pairs(), white)
        if _differ(theirs, (*space.primaries, space.white)):
            what = f"have no effect: the name means the shipped space {space.name}"
            notes.warn(".idt.primitives", what)
    return dataclasses.replace(space, gamma=space.gamma if given.gamma is None else given.gamma)


def _own(given: Idt, notes: Notes) -> Space:
    needed = f"is missing; needed: {given.name!r} is no shipped space"
    if given.white is None:
        raise notes.error(".idt.white", needed)
    if given.primitives is None:
        raise notes.error(".idt.primitives", needed)
    gamma = 1.0 if given.gamma is None else given.gamma
    return Space(given.name or OWN, given.primitives.pairs(), given.white.pair(), gamma)


def _differ(first: tuple[XY, ...], second: tuple[XY, ...]) -> bool:
    return any(
        abs(a - b) > _NEAR
        for p, q in zip(first, second, strict=True)
        for a, b in zip(p, q, strict=True)
    )
