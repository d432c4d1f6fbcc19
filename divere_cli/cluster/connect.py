"""Finding the cluster, and proving before the first scan that every machine can serve.

Covers: the client, the probe files, the versions. Not covered: running scans
(:mod:`divere_cli.cluster.runner`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

from divere_cli import plain
from divere_cli.cluster import machine, paths
from divere_cli.errors import ClusterFailed
from divere_cli.isolation.contract import IsolationRequest

CONNECT_SECONDS = 15.0
# distributed prints tracebacks of its own when a connection ends; what matters comes as our errors
CHATTY = ("distributed", "distributed.client", "distributed.batched", "distributed.comm", "tornado")


@dataclass(frozen=True, slots=True)
class ClusterRequest:
    """Where the cluster is and what it is to see. Paths are the caller's.

    ``scheduler`` is an address (``tcp://host:8786``) or the path of a scheduler
    file; ``mapping`` the words of ``--map``.
    """

    scheduler: str
    isolation: IsolationRequest
    inputs: tuple[str, ...]
    output: str
    mapping: tuple[str, ...] = ()


def connect(scheduler: str) -> Client:
    """A client of the cluster.

    Raises
    ------
    ClusterFailed
        No scheduler answers there.
    """
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        if os.path.exists(scheduler):
            return Client(scheduler_file=scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        return Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterFailed(
            f"no Dask scheduler answers at {scheduler!r}: {error}",
            hint="start one with `dask scheduler` and give its address or its scheduler file",
        ) from error


def threads_of_workers(client: Client) -> dict[str, int]:
    """Dask workers by address, and how many tasks each runs at once; none while it is lost."""
    if client.status != "running":
        return {}
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"]
    except (OSError, RuntimeError, ValueError, TimeoutError, AttributeError):
        return {}  # lost between the two lines: distributed has no one error for it
    return {address: int(entry["nthreads"]) for address, entry in workers.items()}


def survey(
    client: Client, request: ClusterRequest, run: str
) -> tuple[machine.Order, dict[str, machine.Survey]]:
    """Ask every worker whether it has our versions, sees the inputs and can write OUTPUT.

    Raises
    ------
    ClusterFailed
        With every machine that cannot, and why. Nothing is left in OUTPUT.
    """
    mapping = paths.parse(request.mapping)
    order = machine.Order(
        run=run,
        versions=machine.versions(),
        isolation=request.isolation,
        inputs=tuple(paths.there(path, mapping) for path in request.inputs),
        output=paths.there(request.output, mapping),
        nonce=secrets.token_hex(16),
    )
    threads = threads_of_workers(client)
    if not threads:
        raise ClusterFailed(
            f"the scheduler at {request.scheduler!r} has no workers",
            hint="start them with `dask worker ADDRESS`",
        )
    found: dict[str, machine.Survey] = {}
    try:
        for address, count in threads.items():
            said = client.run(
                machine.survey, plain.to_plain(order), count, workers=[address], on_error="return"
            )[address]
            found[address] = (
                _broken(address, said)
                if isinstance(said, BaseException)
                else plain.from_plain(machine.Survey, said)
            )
        problems = [_problem(s, order, request) for s in found.values()]
    finally:
        for probe in Path(request.output).glob(f".divere-tmp-{run}-probe-*"):
            with contextlib.suppress(FileNotFoundError):
                probe.unlink()
    if any(problems):
        raise ClusterFailed(
            "; ".join(sorted({p for p in problems if p})),
            hint="every machine needs the same divere, and IN and OUT by the same path or by --map",
        )
    return order, found


def _broken(address: str, error: BaseException) -> machine.Survey:
    return machine.Survey(address, (), 0, 0, "", f"{type(error).__name__}: {error}")


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
