"""``divere watch``: the batch in a loop, as a service.

Covers the options of the service, reading them again on HUP, and building its parts. The
loop itself is in :mod:`divere_cli.service.loop`.
"""

from __future__ import annotations

import dataclasses
import logging
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from divere_cli.cli import config_file
from divere_cli.cli.batch_cmd import batch
from divere_cli.cli.options import LONGEST, Finite
from divere_cli.cli.session import Session, complain
from divere_cli.errors import UsageError
from divere_cli.system import signals

if TYPE_CHECKING:
    from divere_cli.service.http import Address
    from divere_cli.service.options import Options

log = logging.getLogger(__name__)

# Options of batch that make no sense for a service.
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
LEAST_SETTLE = 3.0  # network shares store times in steps of 2 s, and cache them
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
    from divere_cli.cli import batch_display, batch_options
    from divere_cli.service.commands import Hooks
    from divere_cli.service.complete import is_complete
    from divere_cli.service.figures import Figures
    from divere_cli.service.loop import Parts, Watch
    from divere_cli.service.pulse import Notifier, Pulse
    from divere_cli.service.settling import Settling

    session = ctx.ensure_object(Session)
    with _reopening(), signals.watch() as stop_request, ExitStack() as resources:  # before all else
        read = _Reader(ctx, values)
        options, address = read(False), _address(values)
        timing = options.timing
        if timing.settle < LEAST_SETTLE:
            complain(
                f"--settle below {LEAST_SETTLE:.0f} s may be too short for network shares",
                "warning",
            )
        figures, notifier, hooks = Figures(), Notifier(), Hooks(options.commands)
        pulse = Pulse(timing.longest_turn, notifier)
        command_line = batch_options.read(ctx, batch_values(values))
        display = resources.enter_context(batch_display.Display(command_line, session))
        resources.callback(notifier.close)
        resources.callback(
            lambda: hooks.close(read.grace_left(stop_request), lambda: stop_request.received)
        )
        revive: list[Callable[[], int]] = [hooks.revive]
        if address is not None:  # before any work: a busy port is an error now
            from divere_cli.service.http import Server

            server = resources.enter_context(Server(address, figures, pulse))
            revive.append(server.revive)
            session.complain(f"http://{address.host}:{server.port}/", "listening on")
        settling = Settling(timing.settle, is_complete)
        show = display.emit, display.conclude
        parts = Parts(settling, figures, pulse, notifier, hooks, *show, revive)
        return Watch(options, read, parts).run(stop_request)


def batch_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all options of ``batch``: as given, or as the service fixes them.

    Parameters
    ----------
    values : Mapping[str, Any]
        The values of all options of ``watch``, by name.
    """
    own_names = {option.name for option in OWN}
    return {name: value for name, value in values.items() if name not in own_names} | PLAIN


class _Reader:
    """Reads the options: from the command line at first, and again on HUP.

    Parameters
    ----------
    ctx : click.Context
    values : mapping of str to object
        All options as click resolved them.
    """

    def __init__(self, ctx: click.Context, values: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._values = values
        self._grace = 0.0

    def __call__(self, again: bool) -> Options:
        """Return the options; presets are always read again.

        Parameters
        ----------
        again : bool
            Also read flags, environment and ``divere.toml`` again.

        Raises
        ------
        UsageError, ProfileError
        """
        ctx, values = self._again() if again else (self._ctx, self._values)
        options = _options(ctx, values)
        for name in ("listen", "token_file"):
            if values[name] != self._values[name]:
                log.warning("--%s takes effect only after a restart", name.replace("_", "-"))
        self._ctx, self._values, self._grace = ctx, values, options.timing.grace
        return options

    def grace_left(self, stop_request: signals.StopRequest) -> float:
        """Return the seconds of ``--grace`` that are left since the first signal came."""
        ends = (signal.SIGINT, signal.SIGTERM)
        arrived = [
            stop_request.arrived[number] for number in ends if number in stop_request.arrived
        ]
        passed = time.monotonic() - min(arrived) if arrived else 0.0
        return max(0.0, self._grace - passed)

    def _again(self) -> tuple[click.Context, Mapping[str, Any]]:
        argv = list(self._ctx.meta[config_file.ARGUMENTS])
        try:
            ctx = watch.make_context("watch", argv, self._ctx.parent)
        except click.ClickException as error:
            raise UsageError(error.format_message()) from error
        return ctx, ctx.params


def _options(ctx: click.Context, values: Mapping[str, Any]) -> Options:
    from divere_cli.cli import batch_options
    from divere_cli.service.commands import Commands, split
    from divere_cli.service.options import Options, Timing

    timing = Timing(values["interval"], values["settle"], values["grace"])
    commands = Commands(
        split("--on-done", values["on_done"]), split("--on-failure", values["on_failure"])
    )
    request = batch_options.read(ctx, batch_values(values)).request
    retries = CRASHES if request.bounds.retries is None else request.bounds.retries
    bounds = dataclasses.replace(request.bounds, retries=retries, grace_seconds=timing.grace)
    served = values["listen"] is not None
    return Options(dataclasses.replace(request, bounds=bounds, thumbnails=served), timing, commands)


def _address(values: dict[str, Any]) -> Address | None:
    if values["listen"] is None:
        if values["token_file"]:
            raise UsageError("--token-file needs --listen")
        return None
    from divere_cli.service.http import Address

    host, colon, port = values["listen"].rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {values['listen']}: is not of the form HOST:PORT")
    address = Address(host, int(port), _token(values["token_file"]))
    if not address.local and not address.token:
        raise UsageError(
            f"--listen {values['listen']}: other machines can reach this address",
            hint="give a --token-file, or listen on 127.0.0.1",
        )
    return address


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
    """Ignore USR1: a log file that was moved away is opened again without it."""
    number = getattr(signal, "SIGUSR1", None)
    if number is None:
        yield
        return
    before = signal.signal(
        number, lambda *_: log.info("USR1: the log file is opened again if it was moved")
    )
    try:
        yield
    finally:
        signal.signal(number, before)


for _option in OWN:
    vars(_option)["section"] = "Service"
_batch_params = [param for param in batch.params if param.name not in LEFT_OUT]
watch = config_file.Configured(
    "watch",
    callback=click.pass_context(_watch),
    params=[*OWN, *_batch_params],
    help=_watch.__doc__,
)
