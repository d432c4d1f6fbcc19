"""The seam between a batch and ``roll``: measure all scans first, decide once, then grade.

Covers what ``roll`` must offer. What it does not: how a scan is measured and
how a roll is decided (``roll``), and running the measure jobs
(:mod:`divere_cli.batch.run` does, through the same runner as any other job).
"""

from __future__ import annotations

from typing import Protocol

from divere_cli.records.roll import Decisions, Measured


class Roll(Protocol):
    """Measures and decides; given by ``cli`` with the options of ``--auto``.

    Its ``repr`` says all of its options, the same each time: scans that were
    decided under the same ones need not be measured again.
    """

    @property
    def task(self) -> str:
        """Dotted name of the measure task, run as a job whose frames have no targets."""

    def decide(self, measured: tuple[Measured, ...]) -> Decisions:
        """Decide all scans at once; a bad frame raises nothing."""
