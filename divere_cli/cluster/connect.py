"""Connects to the cluster, and checks before the first scan that every machine can take part.

Covers the client, the probe files and the versions. Not covered: running scans
(:mod:`divere_cli.cluster.runner`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from distributed import Client
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.registry import get_backend
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from divere_cli.cluster import machine, paths
from divere_cli.errors import ClusterFailed
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.records import serialize

CONNECT_SECONDS = 15.0
ASK_SECONDS = 5.0
# distributed prints its own tracebacks when a connection ends; divere reports the real errors
CHATTY = ("distributed", "distributed.client", "distributed.batched", "distributed.comm", "tornado")


_START = "start one with `dask scheduler` and give its address or its scheduler file"


@dataclass(frozen=True, slots=True)
class ClusterRequest:
    """The address of the cluster, and limits for it. Paths are those of the caller.

    ``scheduler`` is an address (``tcp://host:8786``) or the path of a scheduler
    file; ``mapping`` has the values of ``--map``. ``jobs`` bounds the scans at once on
    all machines together, ``memory_budget`` (bytes, or a share) holds on each.
    """

    scheduler: str
    inputs: tuple[str, ...]
    output: str
    mapping: tuple[str, ...] = ()
    jobs: int | None = None
    memory_budget: int | float = 0.7


def connect(scheduler: str) -> Client:
    """Return a client of the cluster.

    Parameters
    ----------
    scheduler : str
        Address or file of the scheduler.

    Raises
    ------
    ClusterFailed
        No scheduler answers there.
    """
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", VersionMismatchWarning)  # versions are compared below
    try:
        return Client(_address(scheduler), timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterFailed(
            f"no Dask scheduler answers at {scheduler!r}: {error}", hint=_START
        ) from error


def _address(scheduler: str) -> str:
    """Return the address for ``--scheduler``; with an invalid one, a Client would leave a mess."""
    try:
        address = scheduler
        if os.path.exists(scheduler):
            address = json.loads(Path(scheduler).read_bytes())["address"]
        scheme, location = parse_address(address)
        get_backend(scheme)
        parse_host_port(location)
        if scheme == "tls" and not Security().get_connection_args("client").get("ssl_context"):
            raise ValueError("no certificates in Dask's settings (distributed.comm.tls)")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else f"{error}"
        raise ClusterFailed(
            f"{scheduler!r} is neither a Dask scheduler's address nor its file: {reason}",
            hint=_START,
        ) from error
    return str(address)


def threads_of_workers(client: Client) -> dict[str, int]:
    """Return how many tasks each Dask worker runs at once, by its address.

    Parameters
    ----------
    client : Client
        The client of the cluster.
    """
    threads: dict[str, int] = {}

    def ask() -> None:
        # the connection was lost after its status was read: distributed raises different errors
        with contextlib.suppress(OSError, RuntimeError, ValueError, TimeoutError, AttributeError):
            workers = client.scheduler_info(n_workers=-1)["workers"]
            threads.update((address, int(entry["nthreads"])) for address, entry in workers.items())

    if client.status == "running":
        within(ASK_SECONDS, ask)
    return dict(threads)


def within(seconds: float, action: Callable[[], object]) -> None:
    """Call a function that may wait for the scheduler for ever; give up after some seconds.

    Parameters
    ----------
    seconds : float
        The time limit.
    action : callable
        The function.
    """

    def call() -> None:
        with contextlib.suppress(Exception):
            action()

    thread = threading.Thread(target=call, name="divere-cluster", daemon=True)
    thread.start()
    thread.join(seconds)


def survey(
    client: Client, request: ClusterRequest, isolation: IsolationRequest, run: str
) -> tuple[machine.Order, dict[str, machine.Survey]]:
    """Check that every worker has the same versions, sees the inputs and can write OUTPUT.

    Parameters
    ----------
    client : Client
        The client of the cluster.
    request : ClusterRequest
        The user's options for the cluster.
    isolation : IsolationRequest
        How scans are to be kept apart.
    run : str
        Id of the run.

    Raises
    ------
    ClusterFailed
        Names every machine that cannot take part, with the reason. Nothing is left in OUTPUT.
    """
    order = _order(request, isolation, run)
    workers = list(threads_of_workers(client))
    if not workers:
        raise ClusterFailed(
            f"the scheduler at {request.scheduler!r} has no workers",
            hint="start them with `dask worker ADDRESS`",
        )
    try:
        answers = client.run(
            machine.survey, serialize.to_plain(order), workers=workers, on_error="return"
        )
        surveys = {address: _survey(address, answer) for address, answer in answers.items()}
        problems = [_problem(s, order, request) for s in surveys.values()]
    finally:
        for probe in Path(request.output).glob(f".divere-tmp-{run}-probe-*"):
            with contextlib.suppress(FileNotFoundError):
                probe.unlink()
    if any(problems):
        raise ClusterFailed(
            "; ".join(sorted({p for p in problems if p})),
            hint="every machine needs the same divere, and IN and OUT by the same path or by --map",
        )
    return order, surveys


def _order(request: ClusterRequest, isolation: IsolationRequest, run: str) -> machine.Order:
    mapping = paths.parse(request.mapping)
    return machine.Order(
        run=run,
        versions=machine.versions(),
        isolation=isolation,
        memory_budget=request.memory_budget,
        inputs=tuple(paths.there(path, mapping) for path in request.inputs),
        output=paths.there(request.output, mapping),
        nonce=secrets.token_hex(16),
    )


def _survey(address: str, answer: object) -> machine.Survey:
    if isinstance(answer, BaseException):
        return machine.Survey(address, (), 0, 0, "", f"{type(answer).__name__}: {answer}")
    return serialize.from_plain(machine.Survey, answer)


def _problem(survey: machine.Survey, order: machine.Order, request: ClusterRequest) -> str:
    if survey.problem:
        return f"machine {survey.host!r}: {survey.problem}"
    if survey.versions != order.versions:
        ours, theirs = set(order.versions), set(survey.versions)
        return (
            f"machine {survey.host!r} has {', '.join(sorted(theirs - ours))}, "
            f"here is {', '.join(sorted(ours - theirs))}"
        )
    probe = Path(request.output) / survey.probe
    try:
        same = probe.read_text(encoding="ascii") == order.nonce
    except OSError:
        same = False
    if not same:
        return (
            f"machine {survey.host!r} wrote a probe into {order.output!r} that is not seen "
            f"in {request.output!r} here"
        )
    return ""
