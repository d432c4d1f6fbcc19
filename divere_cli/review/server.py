"""The HTTP server of the service: bound to its port first, running until it is stopped.

Covers the address, the accepted host names, and uvicorn without logs (they would contain the
token) and without signal handlers. It runs in a thread of its own.
"""

from __future__ import annotations

import secrets
import socket
import threading
from dataclasses import dataclass
from types import TracebackType

import uvicorn

from divere_cli.errors import UsageError
from divere_cli.review import access
from divere_cli.review.app import application
from divere_cli.review.service import Service

LOOPBACK = ("127.0.0.1", "localhost", "::1")
END_SECONDS = 10.0
HTTP = 80


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; port 0 takes one that is free."""

    host: str = "127.0.0.1"
    port: int = 0


def listen(value: str) -> Listen:
    """Read ``HOST:PORT``.

    Parameters
    ----------
    value : str
        The option's value.

    Raises
    ------
    UsageError
        The value has another form.
    """
    host, colon, port = value.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{value!r} is not HOST:PORT", hint="for example 127.0.0.1:8478")
    return Listen(host, int(port))


class Server:
    """A service on a port. A context manager: leaving it stops serving.

    Attributes
    ----------
    address : str
        The address to open; it contains the token.
    """

    def __init__(self, service: Service, where: Listen, token: str | None = None) -> None:
        self._socket = _bound(where)
        host, port = self._socket.getsockname()[:2]
        self.token = token or secrets.token_urlsafe(24)
        url_host = f"[{host}]" if ":" in host else host
        self.address = f"http://{url_host}:{port}/?token={self.token}"
        gate = access.Gate(self.token, hosts(where.host, host, port), f"divere_review_{port}")
        config = uvicorn.Config(
            application(service, gate),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=30,
            limit_concurrency=256,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="review-http", daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(END_SECONDS)
        self._socket.close()

    @property
    def serving(self) -> bool:
        """Whether the server is running."""
        return self._thread.is_alive()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def hosts(requested: str, bound: str, port: int) -> frozenset[str]:
    """Return the values of ``Host`` that mean this service.

    Parameters
    ----------
    requested : str
        The host of ``--listen``.
    bound : str
        The address that is bound.
    port : int
        The port.
    """
    names = {requested.lower(), bound.lower()}
    if bound in LOOPBACK or bound.startswith("127."):
        names |= set(LOOPBACK)
    url_hosts = {f"[{name}]" if ":" in name else name for name in names}
    return frozenset(f"{name}:{port}" for name in url_hosts) | (
        url_hosts if port == HTTP else frozenset()
    )


def _bound(where: Listen) -> socket.socket:
    try:
        addresses = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = addresses[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"{where.host}: there is no such address: {error.strerror}") from error
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: SO_REUSEADDR shares a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)
    except OSError as error:
        made.close()
        raise UsageError(
            f"{where.host}:{where.port} cannot be listened on: {error.strerror}",
            hint="another program may use it: leave out --listen, or give another port",
        ) from error
    return made
