"""The program, held at one point of a run until the test lets it go on.

``python -m tests.isolation.held HOLD GO ARGUMENTS...``; GO is a file that the test makes.

=======  ==============================================================================
HOLD     where the program is held
=======  ==============================================================================
proof    the first forkserver is stopped (SIGSTOP) before it is asked for a worker
start    no more workers are started once there is a positive, until GO is there
expire   as ``start``; then the time to boot is up for workers whose pid is not known
=======  ==============================================================================
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from divere_cli.cli import main
from divere_cli.isolation.supervisor.event_loop import Loop
from divere_cli.isolation.supervisor.process_runner import ProcessRunner
from divere_cli.isolation.supervisor.server import Server
from divere_cli.records.job import Job, Limits


def hold_proof() -> None:
    make = Server.__init__
    made: list[Server] = []

    def stopped(self: Server, *arguments: object) -> None:
        make(self, *arguments)  # type: ignore[arg-type]
        made.append(self)
        if len(made) == 1:
            os.kill(self.pid, signal.SIGSTOP)

    Server.__init__ = stopped  # type: ignore[method-assign, assignment]


def hold_start(go: Path) -> None:
    start = ProcessRunner.start

    def held(self: ProcessRunner, job: Job, limits: Limits) -> None:
        while not go.exists() and list((go.parent / "out").glob("*.tif")):
            time.sleep(0.005)
        start(self, job, limits)

    ProcessRunner.start = held  # type: ignore[method-assign]


def expire(go: Path) -> None:
    turn = Loop.turn
    servers: list[Server | None] = []

    def once(self: Loop, deadline: float) -> bool:
        stopped = go.exists()
        interrupted = turn(self, min(deadline, time.monotonic() + 0.05))
        waiting = [attempt for attempt in self.attempts if not attempt.child.pid]
        if stopped and waiting:  # the pids that were known were read in this turn
            servers.append(waiting[0].child.launched.server)
        for attempt in waiting if stopped else ():
            if attempt.child.launched.server is servers[0]:  # not its successor
                attempt.deadline = 0.0
        return interrupted

    Loop.turn = once  # type: ignore[method-assign]


if __name__ == "__main__":
    hold, go, *arguments = sys.argv[1:]
    if hold == "proof":
        hold_proof()
    else:
        hold_start(Path(go))
    if hold == "expire":
        expire(Path(go))
    sys.argv[1:] = arguments
    main()
