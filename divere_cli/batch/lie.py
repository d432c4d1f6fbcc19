"""How a scan lies, and how its samples are taken: options, preset and file made one.

Covers ``--orientation`` and ``--input-transfer`` as the plan of a scan has them. What
it does not: turning pixels and making them linear (``develop``).
"""

from __future__ import annotations

from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.request import Inputs
from divere_cli.image.header import TURNS
from divere_cli.records.job import InputTransfer


def turn(plan: ScanPlan, inputs: Inputs) -> tuple[bool, int]:
    """Return whether a scan is mirrored by its own tag, and the degrees it is turned by it."""
    if not applies(plan, inputs):
        return False, 0
    assert plan.header is not None
    return TURNS.get(plan.header.orientation, (False, 0))


def applies(plan: ScanPlan, inputs: Inputs) -> bool:
    """Return whether the file's own tag is applied; a raw decoder turns by itself."""
    header, chosen = plan.header, plan.selection
    if header is None or chosen is None or header.format == "raw":
        return False
    if header.orientation not in TURNS or header.orientation == 1:
        return False
    if inputs.orientation == "auto":
        return not chosen.turned
    return inputs.orientation == "apply"


def word(plan: ScanPlan, inputs: Inputs) -> str:
    """Say what became of the tag, for the report; empty where there is none."""
    if plan.header is None or plan.header.orientation == 1:
        return ""
    return f"{plan.header.orientation} {'applied' if applies(plan, inputs) else 'ignored'}"


def transfer(plan: ScanPlan, inputs: Inputs) -> InputTransfer:
    """Return how a scan's samples are to be taken."""
    assert plan.selection is not None
    own = plan.selection.frames[0].recipe.input_space.gamma
    said = plan.selection.gamma
    if said is None and own != 1.0:
        said = own  # a shipped profile of a scanner that encodes
    return InputTransfer(inputs.transfer, said)
