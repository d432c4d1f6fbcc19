"""The service's loop in this process: turned by hand, on a clock that is set by hand.

Batches run on the lab's bench, so that a turn takes milliseconds and nothing waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from divere_cli.records.events import Event
from divere_cli.records.report import RunReport
from divere_cli.service.commands import Commands, Hooks
from divere_cli.service.complete import is_complete
from divere_cli.service.figures import Figures
from divere_cli.service.http import Address, Pages
from divere_cli.service.loop import Parts, Watch
from divere_cli.service.options import Options, Timing
from divere_cli.service.pulse import Notifier, Pulse
from divere_cli.service.settling import Settling
from tests.batch.lab import Lab


@dataclass
class Clock:
    """Seconds that a test moves on: nothing passes by itself, however slow the machine is.

    With ``runs`` they are the system's, for a loop that waits by itself.
    """

    ahead: float = 1000.0
    runs: bool = False

    def __call__(self) -> float:
        return self.ahead + (time.monotonic() if self.runs else 0.0)


@dataclass
class Rig:
    """A service over the folders of a lab.

    ``before_batch`` is called when the options are read for a batch, ``after_batch`` when one
    has written its report; ``reloads`` counts how often HUP had the options read.
    """

    lab: Lab
    timing: Timing = field(default_factory=lambda: Timing(5.0, 10.0, 30.0))
    commands: Commands = field(default_factory=Commands)
    clock: Clock = field(default_factory=Clock)
    before_batch: Callable[[], object] = lambda: None
    after_batch: Callable[[RunReport], object] = lambda report: None
    revive: list[Callable[[], int]] = field(default_factory=list)
    reloads: int = 0
    reports: list[RunReport] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew, as after a restart; what was written stays."""
        self.figures = Figures()
        self.pulse = Pulse(self.timing.longest_turn, Notifier({}), self.clock)
        self.hooks = Hooks(self.commands)
        self.settling = Settling(self.timing.settle, is_complete)
        parts = Parts(
            self.settling,
            self.figures,
            self.pulse,
            Notifier({}),
            self.hooks,
            self.events.append,
            self._concluded,
            self.revive,
        )
        self.watch = Watch(self._options(), self._build, parts)
        self.pages = Pages(Address("127.0.0.1", 0), 0, self.figures, self.pulse)

    def _options(self) -> Options:
        request = self.lab.request(skip_known_failures=True, retries=2)
        bounds = replace(request.bounds, grace_seconds=self.timing.grace)
        return Options(replace(request, bounds=bounds), self.timing, self.commands)

    def _build(self, again: bool) -> Options:
        self.reloads += again
        if not again:
            self.before_batch()
        return self._options()

    def _concluded(self, report: RunReport) -> None:
        self.reports.append(report)
        self.after_batch(report)

    def begin(self) -> Rig:
        self.watch.begin()
        return self

    def restart(self) -> None:
        self.watch.close()
        self.start()
        self.watch.begin()

    def turn(self, seconds: float = 0.0) -> None:
        """Let ``seconds`` pass, then turn the loop once."""
        self.clock.ahead += seconds
        self.watch.turn()

    def settle(self) -> None:
        """Look, let everything settle, and look again."""
        self.turn()
        self.turn(self.timing.settle)

    def get(self, path: str) -> int:
        return self.pages.answer(path, "127.0.0.1", "")[0]

    @property
    def state(self) -> str:
        return self.figures.snapshot.state

    def statuses(self) -> list[dict[str, str]]:
        """What each batch reported of its scans."""
        return [{file.input: file.status for file in report.files} for report in self.reports]
