"""``divere watch``: the batch in a loop, as a service."""

from __future__ import annotations

import dataclasses
import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from divere_cli.cli import config_file
from divere_cli.cli.batch_cmd import batch
from divere_cli.cli.options import LONGEST, Finite
from divere_cli.cli.session import Session, complain
from divere_cli.errors import UsageError

if TYPE_CHECKING:
    from divere_cli.batch.request import BatchRequest
    from divere_cli.service.http import Address

log = logging.getLogger(__name__)

# What makes no sense for months: a preview, an end, a cluster, another run's end.
PLAIN: dict[str, Any] = {
    "dry_run": False,
    "max_failures": None,
    "fail_fast": False,
    "wait": False,
    "lock_wait": None,
    "known_failures": "skip",  # in quarantine until they change, also after a restart
    "settle": 0.0,
    "progress": False,
    "force": False,
}
LEFT_OUT = set(PLAIN)
LEAST_SETTLE = 3.0  # shares keep times in steps of 2 s, and cache them
CRASHES = 2  # fresh attempts: three tries in all

OWN = [
    click.Option(
        ["--interval"],
        type=Finite(min=0.2, max=86400),
        default=5.0,
        show_default=True,
        metavar="S",
        help="Look for new scans every S seconds.",
    ),
    click.Option(
        ["--settle"],
        type=Finite(min=0, max=LONGEST),
        default=10.0,
        show_default=True,
        metavar="S",
        help="Grade a scan when it has not changed for S seconds.",
    ),
    click.Option(
        ["--grace"],
        type=Finite(min=0, max=86400),
        default=30.0,
        show_default=True,
        metavar="S",
        help="When the service is stopped, wait S seconds for scans in progress.",
    ),
    click.Option(
        ["--listen"],
        metavar="HOST:PORT",
        help="Serve a status page and /healthz, /readyz, /status and /metrics at this address.",
    ),
    click.Option(
        ["--token-file"],
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="A file with a token that clients must send; needed where --listen is open to other "
        "machines.",
    ),
    click.Option(
        ["--on-done"],
        metavar="CMD",
        help="Run CMD after each scan that was graded; it gets JSON on stdin.",
    ),
    click.Option(
        ["--on-failure"],
        metavar="CMD",
        help="Run CMD after each scan that failed; it gets JSON on stdin.",
    ),
]


def _watch(ctx: click.Context, /, **values: Any) -> int:
    """Watch INPUT and grade every new scan into the folder OUTPUT, until it is stopped.

    This is `divere batch` as a service that can run for months. A scan is graded when it
    has not changed for --settle seconds and its format shows that it is complete. Ctrl-C or
    the signal TERM stops the service, HUP makes it read its options again.
    """
    from divere_cli.cli import batch_display, batch_options, config_file
    from divere_cli.service.commands import Commands, Hooks, split
    from divere_cli.service.complete import is_complete
    from divere_cli.service.figures import Figures
    from divere_cli.service.loop import Parts, Timing, Watch
    from divere_cli.service.pulse import Notifier, Pulse
    from divere_cli.service.settling import Settling

    session = ctx.ensure_object(Session)
    timing = Timing(values["interval"], values["settle"], values["grace"])
    if timing.settle < LEAST_SETTLE:
        complain(f"--settle below {LEAST_SETTLE:.0f} s is short for network shares", "warning")
    address = _address(values)
    commands = Commands(
        split("--on-done", values["on_done"]), split("--on-failure", values["on_failure"])
    )
    own = {option.name for option in OWN}
    given = {n: v for n, v in values.items() if n not in own} | PLAIN

    def build() -> BatchRequest:
        """Read flags, environment and divere.toml anew; a file that changed counts."""
        try:
            argv = list(ctx.meta[config_file.ARGUMENTS])
            anew = watch.make_context("watch", argv, ctx.parent)
            asked = {n: v for n, v in anew.params.items() if n not in own} | PLAIN
            request = batch_options.read(anew, asked).request
        except click.ClickException as error:
            raise UsageError(error.format_message()) from error
        retries = CRASHES if request.bounds.retries is None else request.bounds.retries
        bounds = dataclasses.replace(request.bounds, retries=retries)
        return dataclasses.replace(request, bounds=bounds, thumbnails=address is not None)

    figures, notifier, hooks = Figures(), Notifier(), Hooks(commands)
    pulse = Pulse(max(15.0, 3.0 * timing.interval), notifier)
    with ExitStack() as held, _reopening():
        held.callback(notifier.close)
        held.callback(hooks.close, timing.grace)
        if address is not None:  # before any work: a busy port is an error now
            from divere_cli.service.http import Server

            server = held.enter_context(Server(address, figures, pulse))
            session.complain(f"http://{address.host}:{server.port}/", "listening on")
        options = batch_options.read(ctx, given)
        display = held.enter_context(batch_display.Display(options, session))
        settling = Settling(timing.settle, is_complete)
        parts = Parts(settling, figures, pulse, notifier, hooks, display.emit, display.conclude)
        return Watch(build, timing, parts).run()


def _address(values: dict[str, Any]) -> Address | None:
    if values["listen"] is None:
        if values["token_file"]:
            raise UsageError("--token-file says nothing without --listen")
        return None
    from divere_cli.service.http import Address

    host, colon, port = values["listen"].rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {values['listen']}: is no HOST:PORT")
    found = Address(host, int(port), _token(values["token_file"]))
    if not found.local and not found.token:
        raise UsageError(
            f"--listen {values['listen']}: others than this machine can reach it",
            hint="give a --token-file, or listen on 127.0.0.1",
        )
    return found


def _token(path: str | None) -> str:
    if path is None:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            token = file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"--token-file {path}: {problem}") from problem
    if len(token) < 16:
        raise UsageError(f"--token-file {path}: a token has at least 16 characters")
    return token


@contextmanager
def _reopening() -> Iterator[None]:
    """USR1 rotates the log: its file is opened again by itself when it was moved away."""
    number = getattr(signal, "SIGUSR1", None)
    if number is None:
        yield
        return
    before = signal.signal(number, lambda *_: log.info("USR1: a moved log file is opened again"))
    try:
        yield
    finally:
        signal.signal(number, before)


for _option in OWN:
    vars(_option)["section"] = "Service"
_kept = [param for param in batch.params if param.name not in LEFT_OUT]
watch = config_file.Configured(
    "watch",
    callback=click.pass_context(_watch),
    params=[*OWN, *_kept],
    help=_watch.__doc__,
)
