"""``divere review``: look at a roll in the browser and correct its grades."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import sys
import webbrowser
from typing import TYPE_CHECKING

import click

from divere_cli import extras
from divere_cli.cli.session import Session, complain
from divere_cli.errors import InputMissing, UsageError
from divere_cli.system import cpus, signals
from divere_cli.text import quote

if TYPE_CHECKING:
    from divere_cli.review.server import Server

EXTRA = ("starlette", "uvicorn")
LOOK_SECONDS = 0.5
MOST_THREADS = 4


@click.command("review")
@click.argument("folder", metavar="FOLDER|PRESETS", type=click.Path(readable=False))
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default="127.0.0.1 and a free port",
    metavar="HOST:PORT",
    help="Address of the page. Anyone who knows its secret can use the page from another machine "
    "if this is not 127.0.0.1.",
)
@click.option(
    "--browser/--no-browser", default=True, help="Open the page in the browser.", show_default=True
)
@click.pass_context
def review(ctx: click.Context, /, folder: str, listen: str, browser: bool) -> int:
    """Show the scans in FOLDER as positives in the browser, and correct them there.

    Corrections are saved in divere_presets.json beside the scans; `divere batch` then grades
    by it. The first line on stdout is the address of the page, with a secret in it. Ctrl-C
    ends the service.
    """
    _check(folder)
    ctx.ensure_object(Session).answers_on_stdout = True
    from divere_cli.review import server
    from divere_cli.review.service import Service
    from divere_cli.review.workers import Workers

    where = server.listen(listen)
    threads = max(1, min(MOST_THREADS, cpus.usable()))
    with (
        signals.watch() as stop_request,
        Workers() as workers,
        Service(folder, workers, threads) as service,
        server.Server(service, where) as served,
    ):
        if where.host not in server.LOOPBACK:
            complain(
                "other machines can reach the page: whoever knows its address can change presets",
                word="warning",
            )
        service.measure()
        click.echo(served.address)
        sys.stdout.flush()
        if browser:
            with contextlib.suppress(OSError, webbrowser.Error):
                webbrowser.open(served.address)
        return _wait(served, stop_request)


def _check(folder: str) -> None:
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"divere review needs {' and '.join(missing)}",
            hint=extras.how_to_add("review"),
        )
    if not os.path.lexists(folder):
        raise InputMissing(f"{quote(folder)} does not exist")


def _wait(served: Server, stop_request: signals.StopRequest) -> int:
    """Wait for a signal; the service itself never ends."""
    while not stop_request.received:
        if not served.serving:
            raise UsageError(
                "the page's server ended", hint="run `divere review` again; -v shows why"
            )
        if stop_request.suspended:
            signals.suspend(stop_request, [])
        readable = [stop_request.fileno()] if stop_request.fileno() >= 0 else []
        select.select(readable, [], [], LOOK_SECONDS)
        stop_request.drain()
    return 128 + stop_request.received[0]
