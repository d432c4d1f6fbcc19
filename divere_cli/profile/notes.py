"""Notes made while a preset is resolved: origins of figures, warnings, errors.

Covers wording and JSON paths. Not covered: what gets a note; the resolving modules decide that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from divere_cli.errors import ProfileError
from divere_cli.profile.diagnostics import located
from divere_cli.profile.schema import Preset


@dataclass(slots=True)
class Notes:
    """The notes on one preset; paths are relative to it, such as ``.idt.name``."""

    preset: Preset
    origins: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def origin(self, name: str, path: str, stated: bool) -> None:
        """Record the origin of the figure called ``name``."""
        base = self.preset.origins.get(path)
        source = f"base {base}" if base else "preset"
        self.origins[name] = source if stated else "default"

    def warn(self, path: str, message: str) -> None:
        """Add a warning about a value without effect."""
        self.warnings.append(f"{self._where(path)} {message}")

    def error(self, path: str, message: str) -> ProfileError:
        """Return the error for a value that cannot be used."""
        return ProfileError(f"{self._where(path)} {message}")

    def unknown(self, path: str, error: ProfileError) -> ProfileError:
        """Return the error for a name that the library does not have."""
        return ProfileError(f"{self._where(path)}: {error.message}", hint=error.hint)

    def _where(self, path: str) -> str:
        file = self.preset.file or self.preset.label
        return f"{file}: {located(self.preset.paths, path)}"
