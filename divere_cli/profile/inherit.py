"""``"base": NAME``: a preset that starts from a shipped profile and overrides parts of it.

Covers merging presets key by key, and the origin of each key. These are replaced as a whole: an
``idt`` that gives a name or primaries, a ``density_matrix``, a ``density_curve``, ``rgb_gains``,
the list of crops.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from divere_cli.errors import ProfileError
from divere_cli.profile import library
from divere_cli.profile.diagnostics import located
from divere_cli.profile.fields import keys
from divere_cli.profile.schema import CcParams, ChannelGamma, Idt, Metadata, Preset

MOST_BASES = 8
# Keys that describe the base itself are not inherited.
_ITS_OWN = frozenset(
    f".metadata.{name}" for name in ("raw_file", "id", "name", "title", "group", "note")
)
_MERGED = (Preset, CcParams, ChannelGamma, Metadata, Idt)


def complete(preset: Preset, _below: tuple[str, ...] = ()) -> Preset:
    """Return the preset with all of its bases merged in.

    Parameters
    ----------
    preset : Preset
        The preset.
    _below : tuple of str, default ()
        Bases that led here.

    Raises
    ------
    ProfileError
        A base does not ship, or refers back to itself.
    """
    if preset.base is None:
        return preset
    if preset.base in _below or len(_below) >= MOST_BASES:
        chain = " -> ".join((*_below, preset.base))
        raise ProfileError(f"{preset.file}: $.base goes in a circle: {chain}")
    try:
        base = library.load(preset.base)
    except ProfileError as error:
        where = f"{preset.file}: {located(preset.paths, '.base')}"
        raise ProfileError(f"{where}: {error.message}", hint=error.hint) from None
    above = complete(base, (*_below, preset.base))
    origins = dict(above.origins)
    merged: Preset = _merge(preset, above, "", above.label, origins)
    return dataclasses.replace(merged, origins=origins, base=None)


def _merge(child: Any, parent: Any, path: str, label: str, origins: dict[str, str]) -> Any:
    """Merge key by key: the child's values win, missing ones come from the parent."""
    merged: dict[str, Any] = {}
    for name in keys(type(child)):
        ours, theirs = getattr(child, name), getattr(parent, name)
        here = f"{path}.{name}"
        if theirs is None or here in _ITS_OWN:
            continue
        if ours is None and isinstance(theirs, _MERGED):
            ours = type(theirs)()
        if ours is None:
            merged[name] = theirs
            origins.setdefault(here, label)
        elif _merges(ours):
            merged[name] = _merge(ours, theirs, here, label, origins)
        else:
            for origin in [origin for origin in origins if _covers(here, origin)]:
                del origins[origin]
    return dataclasses.replace(child, **merged)


def _merges(value: Any) -> bool:
    if isinstance(value, Idt):
        return value.name is None and value.primitives is None
    return isinstance(value, _MERGED)


def _covers(path: str, inner: str) -> bool:
    return inner == path or inner.startswith(path + ".")
