"""What the service is asked to do, as one value that a reload replaces as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.batch.request import BatchRequest
from divere_cli.service.commands import Commands

LEAST_LONGEST = 15.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: between looks, without a change, and for scans in work at the end."""

    interval: float = 5.0
    settle: float = 10.0
    grace: float = 30.0

    @property
    def longest_turn(self) -> float:
        """Seconds after which a loop that has not turned stands still: three intervals."""
        return max(LEAST_LONGEST, 3.0 * self.interval)


@dataclass(frozen=True, slots=True)
class Options:
    """All that HUP reads again. ``request`` grades the whole of INPUT."""

    request: BatchRequest
    timing: Timing
    commands: Commands
