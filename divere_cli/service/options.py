"""The options of the service, as one value that a reload replaces as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.batch.request import BatchRequest
from divere_cli.service.commands import Commands

LEAST_LONGEST = 15.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between looks, seconds without a change, and seconds for scans in work at the end."""

    interval: float = 5.0
    settle: float = 10.0
    grace: float = 30.0

    @property
    def longest_turn(self) -> float:
        """Seconds without a turn after which the loop counts as stuck: three intervals."""
        return max(LEAST_LONGEST, 3.0 * self.interval)


@dataclass(frozen=True, slots=True)
class Options:
    """All options that HUP reads again; ``request`` grades the whole of INPUT."""

    request: BatchRequest
    timing: Timing
    commands: Commands
