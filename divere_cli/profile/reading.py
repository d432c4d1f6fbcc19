"""How a scan is read, as a preset says it: the light of its samples, and how it is turned.

Not covered: what the options and the file say (:mod:`divere_cli.batch.reading`).
"""

from __future__ import annotations

from divere_cli.profile.schema import Preset

ANALYSIS = "divere-analysis/"  # its entries only repeat the profile's own input space


def gamma(preset: Preset) -> float | None:
    """Return the exponent that makes samples linear; None where the preset does not say it.

    Parameters
    ----------
    preset : Preset
        Complete, with what it inherits.
    """
    metadata = preset.metadata
    provenance = metadata.provenance if metadata is not None else None
    if isinstance(provenance, str) and provenance.startswith(ANALYSIS):
        return None
    return None if preset.idt is None else preset.idt.gamma


def turned(preset: Preset) -> bool:
    """Return whether a complete preset says how its scan, or any of its crops, is turned.

    Parameters
    ----------
    preset : Preset
        The preset.
    """
    parts = [preset.metadata, *(crop.metadata for crop in preset.crops or ())]
    return any(part is not None and part.orientation is not None for part in parts)
