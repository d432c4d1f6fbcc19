"""``"base": NAME``: a preset that starts from a shipped profile and overrides parts of it.

Covers merging presets key by key, and which key came from where. What counts
as one part, taken whole: an ``idt`` that gives a name or primaries, a
``density_matrix``, a ``density_curve``, ``rgb_gains``, the list of crops.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from divere_cli.errors import ProfileError
from divere_cli.profile import library
from divere_cli.profile.kinds import keys
from divere_cli.profile.schema import CcParams, ChannelGamma, Idt, Metadata, Preset

MOST_BASES = 8
# What a base says about itself is not true of what starts from it.
_ITS_OWN = frozenset(
    f".metadata.{name}" for name in ("raw_file", "id", "name", "title", "group", "note")
)
_MERGED = (Preset, CcParams, ChannelGamma, Metadata, Idt)


def complete(preset: Preset, _below: tuple[str, ...] = ()) -> Preset:
    """The preset with all of its bases merged in.

    Raises
    ------
    ProfileError
        When a base does not ship, or names itself over a detour.
    """
    if preset.base is None:
        return preset
    if preset.base in _below or len(_below) >= MOST_BASES:
        chain = " -> ".join((*_below, preset.base))
        raise ProfileError(f"{preset.file}: $.base goes in a circle: {chain}")
    if preset.base not in library.names():
        error = library.unknown("profile", preset.base, library.names())
        raise ProfileError(f"{preset.file}: $.base: {error.message}", hint=error.hint)
    path = str(library.folder() / "library" / f"{preset.base}.json")
    above = complete(_read(path), (*_below, preset.base))
    origins = dict(above.origins)
    merged: Preset = _merge(preset, above, "", above.label, origins)
    return dataclasses.replace(merged, origins=origins, base=None)


def _read(path: str) -> Preset:
    from divere_cli.profile import loading

    return loading.load(path)


def _merge(child: Any, parent: Any, path: str, label: str, origins: dict[str, str]) -> Any:
    """Key by key: what the child gives wins; what it does not is the parent's."""
    taken: dict[str, Any] = {}
    for name in keys(type(child)):
        ours, theirs = getattr(child, name), getattr(parent, name)
        here = f"{path}.{name}"
        if ours is None:
            if theirs is not None and here not in _ITS_OWN:
                taken[name] = theirs
                if not any(_covers(here, known) for known in origins):
                    origins[here] = label
        elif theirs is not None and _merges(ours):
            taken[name] = _merge(ours, theirs, here, label, origins)
        else:
            for known in [known for known in origins if _covers(here, known)]:
                del origins[known]
    return dataclasses.replace(child, **taken)


def _merges(value: Any) -> bool:
    if isinstance(value, Idt):
        return value.name is None and value.primitives is None
    return isinstance(value, _MERGED)


def _covers(path: str, known: str) -> bool:
    return known == path or known.startswith((path + ".", path + "["))
