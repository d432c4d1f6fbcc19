"""``--settings``: reads DiVERE's ``app_settings.json``.

Covers four keys: ``ui.use_process_isolation``, and in ``defaults`` the 16-bit and 8-bit output
spaces and the working space. The other keys belong to DiVERE's window and are ignored. Flags and
environment override the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from divere_cli.errors import ProfileError, UsageError
from divere_cli.profile import library, resolve, strict_json
from divere_cli.profile.strict_json import Json

Isolation = Literal["auto", "always", "never"]
_ISOLATION: dict[str, Isolation] = {"auto": "auto", "always": "always", "never": "never"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of the file; None if it has none, then the program's default applies."""

    isolation: Isolation | None = None
    output_space_16bit: str | None = None
    output_space_8bit: str | None = None
    working_space: str = resolve.WORKING


def load(path: str) -> Settings:
    """Read a settings file.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    UsageError
        Names the file, the JSON path, the value and the allowed values.
    """
    try:
        document = strict_json.read(path)
        ui, defaults = (_section(document, name, path) for name in ("ui", "defaults"))
        working = _space(defaults, "working_color_space", "working", path)
        return Settings(
            isolation=_isolation(ui, path),
            output_space_16bit=_space(defaults, "output_color_space_16bit", "output", path),
            output_space_8bit=_space(defaults, "output_color_space_8bit", "output", path),
            working_space=working or resolve.WORKING,
        )
    except ProfileError as error:
        raise UsageError(error.message, hint="see --settings in `divere batch --help`") from None


def _section(document: Json, name: str, path: str) -> dict[str, Json]:
    if not isinstance(document, dict):
        raise ProfileError(f"{path}: $ is no object; allowed: DiVERE's app_settings.json")
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise ProfileError(f"{path}: $.{name} is no object")
    return section


def _space(defaults: dict[str, Json], key: str, role: str, path: str) -> str | None:
    value = defaults.get(key)
    if value is None:
        return None
    there = library.in_role(role)
    if isinstance(value, str) and value in there:
        return value
    error = library.unknown(f"{role} color space", str(value), there)
    raise ProfileError(f"{path}: $.defaults.{key}: {error.message}")


def _isolation(ui: dict[str, Json], path: str) -> Isolation | None:
    value = ui.get("use_process_isolation")
    if value is None:
        return None
    if isinstance(value, bool):
        return "always" if value else "never"
    if isinstance(value, str) and value in _ISOLATION:
        return _ISOLATION[value]
    raise ProfileError(
        f"{path}: $.ui.use_process_isolation is {value!r}; allowed: auto, always, never"
    )
