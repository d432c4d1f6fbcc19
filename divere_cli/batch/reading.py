"""Orientation and transfer curve of a scan, from options, preset and file.

Covers ``--orientation`` and ``--input-transfer`` for a planned scan. Turning pixels and
making them linear is done in ``develop``.
"""

from __future__ import annotations

from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.request import Inputs
from divere_cli.image.header import own_turn
from divere_cli.image.orientation import TURNS
from divere_cli.records.job import InputTransfer


def turn(plan: ScanPlan, inputs: Inputs) -> tuple[bool, int]:
    """Return whether the file's tag mirrors the scan, and by how many degrees it turns it.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    inputs : Inputs
        The INPUTs and which files of them are taken.
    """
    return own_turn(plan.header) if applies(plan, inputs) else (False, 0)


def applies(plan: ScanPlan, inputs: Inputs) -> bool:
    """Return whether the file's orientation tag is applied.

    Parameters
    ----------
    plan : ScanPlan
        The plan of one scan.
    inputs : Inputs
        The INPUTs and which files of them are taken.
    """
    header, selection = plan.header, plan.selection
    if header is None or selection is None:
        return False
    if header.orientation not in TURNS or header.orientation == 1:
        return False
    if inputs.orientation == "auto":
        return not selection.turned
    return inputs.orientation == "apply"


def word(plan: ScanPlan, inputs: Inputs) -> str:
    """Return how the tag was treated, as text for the report; empty if there is none.

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
    """Return how a scan's samples relate to light.

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
