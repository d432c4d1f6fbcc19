"""A small program that runs misbehaving jobs, to be killed and interrupted from outside.

``python supervisor.py METHOD JOBS TASK [INPUT]``: prints a JSON line for each event and
outcome. ``DIVERE_TEST_COUNT`` is how many jobs there are. Stops as a batch does: the
first signal ends admission and cancels, a report line comes last, exit 128+n.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

MARK = "imported"  # a worker must not find this in its __main__


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main() -> int:
    from divere_cli.isolation.factory import open_runner
    from divere_cli.isolation.runner import IsolationRequest
    from divere_cli.isolation.supervisor.launch import server_pid
    from divere_cli.records.job import Limits
    from divere_cli.system import signals
    from tests.isolation.conftest import make_job

    kind, jobs, task, what = [*sys.argv[1:], ""][:4]
    count = int(os.environ.get("DIVERE_TEST_COUNT", jobs))
    request = IsolationRequest(
        requested="never" if kind == "thread" else "always",
        start_method=None if kind == "thread" else kind,  # type: ignore[arg-type]
        jobs=int(jobs),
        spares=0 if kind == "fork" else 1,
        term_seconds=0.3,
    )
    with signals.watch() as stop:
        say(supervisor=os.getpid())
        runner = open_runner(request, lambda e: say(event=type(e).__name__, job=e.job_id), ())
        say(server=server_pid())
        started, ended = 0, 0
        while (ended < count and not stop.received) or ended < started:
            while runner.slots() and started < count and not stop.received:
                started += 1
                runner.start(make_job(started, task, what), Limits())
            for outcome in runner.wait(1.0):
                ended += 1
                say(job=outcome.job_id, end=outcome.end, pid=outcome.pid)
            if stop.received:
                for number in range(1, started + 1):
                    runner.cancel(number)
        runner.close(0.3)
        say(report=ended, received=stop.received)
    return 128 + stop.received[0] if stop.received else 0


if __name__ == "__main__":
    sys.exit(main())
