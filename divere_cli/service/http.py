"""The service's pages: health, readiness, status, metrics, and one for people.

Covers access (by ``Host`` on loopback, by a token elsewhere), a limit of connections,
and answers made from the snapshot alone: nothing here takes a lock that the loop holds while it
works. Not covered: counting (:mod:`.figures`).
"""

from __future__ import annotations

import contextlib
import hmac
import html
import json
import logging
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from divere_cli import __version__, extras
from divere_cli.errors import UsageError
from divere_cli.service.figures import Figures
from divere_cli.service.pulse import Pulse

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CONNECTIONS = 32
SECONDS = 10.0
POLL_SECONDS = 0.1  # how long the end of the server may take
POLICY = "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'"
CSS = b"""body{background:#3b3b3b;color:#dedede;font:15px/1.5 system-ui,sans-serif;margin:2em}
h1{font-size:1.2em}h2{font-size:1em;margin-top:1.6em}ul{list-style:none;padding:0;display:flex;
flex-wrap:wrap;gap:14px}li{width:200px;overflow-wrap:anywhere}img{max-width:200px;display:block}
table{border-collapse:collapse}td{padding:2px 1.4em 2px 0;vertical-align:top}.bad{color:#e8a29a}
.queue{columns:220px;overflow-wrap:anywhere}
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Address to listen on; if other machines can reach it, requests must send ``token``."""

    host: str
    port: int
    token: str = ""

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK or self.host.startswith("127.")


class Server:
    """Serves the pages. A context manager; the constructor binds the port.

    Raises
    ------
    UsageError
        The address cannot be listened on.
    """

    def __init__(self, address: Address, figures: Figures, pulse: Pulse) -> None:
        self._server = _bound(address)
        self._server.pages = Pages(address, self._server.server_port, figures, pulse)
        self.port = self._server.server_port
        self._thread = self._new_thread()

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def revive(self) -> int:
        """Start the thread again if it died; return how many were started."""
        if self._thread.is_alive():
            return 0
        log.error("the thread that serves the pages died and is started again")
        self._thread = self._new_thread()
        self._thread.start()
        return 1

    def _new_thread(self) -> threading.Thread:
        serve = self._server.serve_forever
        return threading.Thread(target=serve, args=(POLL_SECONDS,), name="watch-http", daemon=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()  # before its socket closes: it may have only just started
        self._server.server_close()


@dataclass(frozen=True, slots=True)
class Pages:
    """The answers: status, type and body, by path."""

    address: Address
    port: int
    figures: Figures
    pulse: Pulse

    def answer(self, path: str, host: str, authorization: str) -> tuple[int, str, bytes]:
        """Answer one request."""
        refused = self._refused(host, authorization)
        if refused is not None:
            return refused
        match path.partition("?")[0]:
            case "/healthz":
                return self._health()
            case "/readyz":
                ready = self.figures.snapshot.ready
                return _text(200 if ready else 503, "ready" if ready else self._why())
            case "/status":
                return _json(self._status())
            case "/metrics":
                return self._metrics()
            case "/":
                return 200, "text/html; charset=utf-8", self._page().encode()
            case "/page.css":
                return 200, "text/css", CSS
        return _text(404, "no such page")

    def _metrics(self) -> tuple[int, str, bytes]:
        figures = self.figures
        if figures.metrics is None:
            return _text(501, f"metrics need prometheus_client: {extras.how_to_add('metrics')}")
        queue = figures.snapshot.waiting + figures.snapshot.in_work
        body = figures.metrics.text(queue, figures.peak_rss_bytes, figures.restarts)
        return 200, "text/plain; version=0.0.4; charset=utf-8", body

    def _refused(self, host: str, authorization: str) -> tuple[int, str, bytes] | None:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self.address.local:
            hosts = {*LOOPBACK, "[::1]", self.address.host}
            return None if name.strip().lower() in hosts else _text(421, "not this Host")
        if self.address.token:
            scheme, _, token = authorization.partition(" ")
            same = hmac.compare_digest(token.strip().encode(), self.address.token.encode())
            if scheme.lower() != "bearer" or not same:
                return _text(403, "the token is missing")
        return None

    def _health(self) -> tuple[int, str, bytes]:
        if self.pulse.alive:
            return _text(200, "alive")
        return _text(503, f"the loop has not turned for {self.pulse.age:.0f} s")

    def _why(self) -> str:
        snapshot = self.figures.snapshot
        return snapshot.problem or snapshot.state

    def _status(self) -> dict[str, Any]:
        snapshot = self.figures.snapshot
        return {
            "version": __version__,
            "state": snapshot.state,
            "problem": snapshot.problem,
            "last_turn_seconds": round(self.pulse.age, 3),
            "waiting": snapshot.waiting,
            "in_work": snapshot.in_work,
            "done": snapshot.done,
            "failed": snapshot.failed,
            "queue": list(snapshot.queue),
            "known_failures": list(snapshot.known_failures),
            "last_run": snapshot.last_run,
            "restarts": self.figures.restarts,
        }

    def _page(self) -> str:
        status = self._status()
        rows = "".join(
            f"<tr><td>{name.replace('_', ' ')}</td><td>{html.escape(str(status[name]))}</td></tr>"
            for name in ("state", "problem", "waiting", "in_work", "done", "failed")
            if status[name] != ""
        )
        failures = "".join(
            f"<tr><td>{html.escape(failure['input'])}</td>"
            f"<td class=bad>{html.escape(failure['error'])}</td></tr>"
            for failure in status["known_failures"]
        )
        queue = "".join(f"<div>{html.escape(name)}</div>" for name in status["queue"])
        more = status["waiting"] + status["in_work"] - len(status["queue"])
        if more > 0 and queue:
            queue += f"<div>and {more} more</div>"
        pictures = "".join(map(_picture, self.figures.recent()))
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>divere watch</title>'
            '<meta http-equiv="refresh" content="5"><link rel="stylesheet" href="/page.css">'
            f"<h1>divere watch</h1><table>{rows}</table>"
            f"<h2>Queue</h2><div class=queue>{queue or 'empty'}</div>"
            f"<h2>Failures</h2><table>{failures or '<tr><td>none</td></tr>'}</table>"
            f"<h2>Latest positives</h2><ul>{pictures}</ul></html>"
        )


def _picture(positive: dict[str, Any]) -> str:
    name = html.escape(", ".join(positive["outputs"]) or positive["input"])
    image = ""
    if positive["picture"]:
        image = f'<img alt="" src="data:image/jpeg;base64,{html.escape(positive["picture"])}">'
    return f"<li>{image}{name}</li>"


def _text(status: int, line: str) -> tuple[int, str, bytes]:
    return status, "text/plain; charset=utf-8", f"{line}\n".encode()


def _json(value: Any) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(value).encode()


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    pages: Pages

    def __init__(self, address: tuple[str, int], family: socket.AddressFamily) -> None:
        self.address_family = family
        self.allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread can be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing when a client closes its connection."""


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS
    server_version = "divere"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a request."""
        server = self.server
        assert isinstance(server, _Threads)
        headers = self.headers
        status, kind, body = server.pages.answer(
            self.path, headers.get("Host", ""), headers.get("Authorization", "")
        )
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Keep no access log."""


def _bound(address: Address) -> _Threads:
    where = f"{address.host}:{address.port}"
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        return _Threads((address.host, address.port), socket.AddressFamily(family))
    except OSError as error:
        raise UsageError(
            f"--listen {where} cannot be listened on: {error.strerror}",
            hint="another program (another divere watch?) may hold the port: give another one",
        ) from error
