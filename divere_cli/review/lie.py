"""How a scan is read and lies, as a batch takes it: its samples' light, its own orientation.

The options are at their defaults: the preset says it, else the file. Standard
library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.image.header import TURNS
from divere_cli.image.layout import Header
from divere_cli.profile import inherit
from divere_cli.profile.crops import Cut
from divere_cli.profile.schema import Preset
from divere_cli.records.job import InputTransfer

ANALYSIS = "divere-analysis/"  # what it wrote of samples only repeats the profile's


@dataclass(frozen=True, slots=True)
class Lie:
    """``gamma`` is what the user's preset says of samples; ``turned``: it says how they lie."""

    gamma: float | None = None
    turned: bool = False

    def transfer(self, cut: Cut) -> InputTransfer:
        """How samples are to be taken."""
        own = cut.recipe.input_space.gamma
        return InputTransfer("auto", own if self.gamma is None and own != 1.0 else self.gamma)

    def tag(self, header: Header | None) -> tuple[bool, int]:
        """Whether the file's own tag mirrors the scan, and by how much it turns it."""
        if self.turned or header is None or header.format == "raw":
            return False, 0
        return TURNS.get(header.orientation, (False, 0))


def of_preset(preset: Preset) -> Lie:
    """Return how a scan is turned, by its own preset.

    Parameters
    ----------
    preset : Preset
        The preset.
    """
    whole = inherit.complete(preset)
    metadata = whole.metadata
    told = (metadata.provenance if metadata is not None else None) or ""
    measured = isinstance(told, str) and told.startswith(ANALYSIS)
    parts = [metadata, *(crop.metadata for crop in whole.crops or ())]
    return Lie(
        None if measured or whole.idt is None else whole.idt.gamma,
        any(one is not None and one.orientation is not None for one in parts),
    )
