"""Determines the color space of a scan from a preset's ``idt``.

Covers the rules of names: a shipped name selects the shipped primaries and white, and only gamma
comes from the preset; other names use the preset's own figures; a name without figures must ship;
a legacy name is used only without figures.
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
# Presets contain the shipped figures, too, with fewer digits.
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
        A name without figures does not ship, or a space lacks figures.
    """
    stated, idt = idt is not None, idt or Idt()
    figures = ".idt.primitives" if idt.name is None else ".idt.name"
    notes.origin("idt", figures, stated)
    notes.origin("idt.gamma", ".idt.gamma", idt.gamma is not None)
    bare = idt.white is None and idt.primitives is None
    name = DEFAULT if bare and idt.name is None else idt.name or ""
    shipped_spaces = {n: s for n, s in library.spaces().items() if s.space.transfer == "power"}
    shipped = shipped_spaces.get(name)
    if shipped is None and bare:
        serving = [n for n, s in shipped_spaces.items() if s.space.primaries is not None]
        raise notes.unknown(".idt.name", library.unknown("input color space", name, serving))
    if shipped is None or (shipped.legacy and not bare):
        return _defined(idt, notes)
    return _shipped(shipped, idt, notes)


def _shipped(shipped: Shipped, idt: Idt, notes: Notes) -> Space:
    space = shipped.space
    if space.primaries is None:
        raise notes.error(".idt.name", f"is {space.name!r}; allowed: a space with primaries")
    if idt.primitives is not None:
        white = idt.white.pair() if idt.white else space.white
        theirs = (*idt.primitives.pairs(), white)
        if _differ(theirs, (*space.primaries, space.white)):
            message = f"have no effect: the name means the shipped space {space.name}"
            notes.warn(".idt.primitives", message)
    return dataclasses.replace(space, gamma=space.gamma if idt.gamma is None else idt.gamma)


def _defined(idt: Idt, notes: Notes) -> Space:
    needed = f"is missing; needed: {idt.name!r} is no shipped space"
    if idt.white is None:
        raise notes.error(".idt.white", needed)
    if idt.primitives is None:
        raise notes.error(".idt.primitives", needed)
    gamma = 1.0 if idt.gamma is None else idt.gamma
    return Space(idt.name or OWN, idt.primitives.pairs(), idt.white.pair(), gamma)


def _differ(first: tuple[XY, ...], second: tuple[XY, ...]) -> bool:
    return any(
        abs(a - b) > _NEAR
        for p, q in zip(first, second, strict=True)
        for a, b in zip(p, q, strict=True)
    )
