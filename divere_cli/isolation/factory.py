"""Opens the runner that a request asks for: which start methods are tried, and in what order.

A start method is used only after a first worker has answered. ``auto`` goes from the best method
down to threads and logs the reason; ``always`` raises IsolationUnavailable. Nothing here opens a
scan.
"""

from __future__ import annotations

import logging
import os
import sys
import threading

from divere_cli.errors import IsolationUnavailable
from divere_cli.isolation import task
from divere_cli.isolation.runner import (
    DEPTH,
    IsolationRequest,
    LaunchError,
    OnEvent,
    Runner,
    StartMethod,
)
from divere_cli.isolation.thread_runner import ThreadRunner
from divere_cli.isolation.worker import sandbox

log = logging.getLogger(__name__)

POSIX = hasattr(os, "killpg")  # process groups: where they exist, workers can run


def prefers_processes(request: IsolationRequest) -> bool:
    """Return whether the request leads to processes on this system.

    Parameters
    ----------
    request : IsolationRequest
        How scans are to be kept apart.
    """
    if request.requested == "auto":
        return POSIX and not request.frozen
    return request.requested == "always"


def methods(request: IsolationRequest) -> list[StartMethod]:
    """Return the start methods to try, best first; only the requested one if there is one.

    Parameters
    ----------
    request : IsolationRequest
        How scans are to be kept apart.
    """
    offered: list[StartMethod] = ["forkserver", "spawn", "fork"] if POSIX else []
    if request.start_method is not None:
        return [request.start_method] if request.start_method in offered else []
    preferred: list[StartMethod] = ["spawn"]
    if sys.platform == "linux":
        preferred = ["forkserver", "spawn"]
    if POSIX and sys.platform != "darwin" and threading.active_count() == 1:
        preferred.append("fork")
    return [method for method in preferred if method in offered]


def open_runner(
    request: IsolationRequest,
    on_event: OnEvent,
    warm: tuple[str, ...] = task.WARM,
) -> Runner:
    """Open the runner that ``request`` asks for, after a test that it works.

    Parameters
    ----------
    request : IsolationRequest
        How scans are to be isolated.
    on_event : callable
        Called with ScanStarted and ScanProgress, in the thread that calls ``wait``.
    warm : tuple of str
        Modules that workers import before they have a job.

    Raises
    ------
    IsolationUnavailable
        ``always`` was requested and no worker process can be started, or this is a worker.
    """
    if not prefers_processes(request):
        if request.sandbox == "always":
            raise IsolationUnavailable("scans on threads cannot be confined: --sandbox always")
        return ThreadRunner(request, on_event)
    if request.sandbox == "always" and not sandbox.offer().complete:
        raise IsolationUnavailable(f"the sandbox cannot be had here ({sandbox.offer()})")
    if os.environ.get(DEPTH):
        raise IsolationUnavailable(
            "this program was started as a worker of itself and started workers again",
            hint="a frozen program must call divere_cli.cli.main() first",
        )
    reasons: list[str] = []
    order = methods(request) if POSIX else []
    for rank, method in enumerate(order):
        try:
            return _proven(request, order[rank:], on_event, warm, "; ".join(reasons) or None)
        except LaunchError as problem:
            reasons.append(f"{method}: {problem}")
            log.info("start method %s does not work here: %s", method, problem)
    reason = "; ".join(reasons) or _why_no_method(request)
    if request.requested == "always" or request.sandbox == "always":
        raise IsolationUnavailable(f"no worker process can be started: {reason}")
    log.warning("no worker process can be started (%s): scans run on threads instead", reason)
    return ThreadRunner(request, on_event, fallback_reason=reason)


def _proven(
    request: IsolationRequest,
    order: list[StartMethod],
    on_event: OnEvent,
    warm: tuple[str, ...],
    fallback_reason: str | None,
) -> Runner:
    from divere_cli.isolation.supervisor.launch import (
        Launcher,  # neither can be imported on Windows
    )
    from divere_cli.isolation.supervisor.process_runner import ProcessRunner

    confined = request.sandbox != "never" and bool(sandbox.offer())
    first, *fallbacks = (Launcher(method, warm, request.warm_ups, confined) for method in order)
    runner = ProcessRunner(request, first, on_event, fallback_reason, fallbacks)
    try:
        runner.prove()
    except LaunchError:
        runner.close(0)
        raise
    return runner


def _why_no_method(request: IsolationRequest) -> str:
    if not POSIX:
        return "worker processes are not supported on this system"
    return f"this system has no start method {request.start_method or ''}".rstrip()
