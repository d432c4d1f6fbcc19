"""How a scan is read: its turn and the light of its samples, by options, preset and file.

Covers ``--orientation`` and ``--input-transfer`` for a planned scan. Not covered: turning
pixels and making them linear (``develop``).
"""

from __future__ import annotations

from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.request import Inputs
from divere_cli.image.header import TURNS, own_turn
from divere_cli.records.job import InputTransfer


def turn(plan: ScanPlan, inputs: Inputs) -> tuple[bool, int]:
    """Return whether a scan is mirrored by its own tag, and the degrees it is turned by it.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    inputs : Inputs
        The INPUTs and which files of them are taken.
    """
    return own_turn(plan.header) if applies(plan, inputs) else (False, 0)


def applies(plan: ScanPlan, inputs: Inputs) -> bool:
    """Return whether the file's own tag is applied; a raw decoder turns by itself.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    inputs : Inputs
        The INPUTs and which files of them are taken.
    """
    header, chosen = plan.header, plan.selection
    if header is None or chosen is None or header.format == "raw":
        return False
    if header.orientation not in TURNS or header.orientation == 1:
        return False
    if inputs.orientation == "auto":
        return not chosen.turned
    return inputs.orientation == "apply"


def word(plan: ScanPlan, inputs: Inputs) -> str:
    """Say what became of the tag, for the report; empty where there is none.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    inputs : Inputs
        The INPUTs and which files of them are taken.
    """
    if plan.header is None or plan.header.orientation == 1:
        return ""
    return f"{plan.header.orientation} {'applied' if applies(plan, inputs) else 'ignored'}"


def transfer(plan: ScanPlan, inputs: Inputs) -> InputTransfer:
    """Return how a scan's samples are to be taken.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    inputs : Inputs
        The INPUTs and which files of them are taken.
    """
    assert plan.selection is not None
    profile_gamma = plan.selection.frames[0].recipe.input_space.gamma
    return InputTransfer.of(inputs.transfer, plan.selection.gamma, profile_gamma)
