"""What a preset says about reading its scan: the encoding of samples, and the rotation.

Not covered: options and the file itself (:mod:`divere_cli.batch.reading`).
"""

from __future__ import annotations

from divere_cli.profile.schema import Preset

ANALYSIS = "divere-analysis/"  # its entries only repeat the profile's own input space


def gamma(preset: Preset) -> float | None:
    """Return the exponent that makes samples linear; None if the preset has none.

    Parameters
    ----------
    preset : Preset
        A complete preset, with its bases merged in.
    """
    metadata = preset.metadata
    provenance = metadata.provenance if metadata is not None else None
    if isinstance(provenance, str) and provenance.startswith(ANALYSIS):
        return None
    return None if preset.idt is None else preset.idt.gamma


def turned(preset: Preset) -> bool:
    """Return whether a complete preset gives the rotation of its scan or of any crop.

    Parameters
    ----------
    preset : Preset
        The preset.
    """
    parts = [preset.metadata, *(crop.metadata for crop in preset.crops or ())]
    return any(part is not None and part.orientation is not None for part in parts)
