"""Access control of the service: every request is checked before it reaches a route.

Covers the ``Host`` (against DNS rebinding), the ``Origin`` (against other pages), the token
and its cookie, type and size of a body, and security headers for the browser. They are
checked in this order, and nowhere else. Plain ASGI, no framework.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MOST_BODY = 24 << 20  # the largest presets file, and some space
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
BOUND: Headers = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]


class Refusal(Exception):
    """A request is refused, with an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Gate:
    """Names of the service, and its secret token.

    ``hosts`` are the accepted values of ``Host``, in lower case.
    """

    token: str
    hosts: frozenset[str]
    cookie: str

    def admit(self, scope: Scope) -> str | None:
        """Admit a request; return where to redirect if the token was in the address, else None.

        Raises
        ------
        Refusal
        """
        headers = scope["headers"]
        host = _header(headers, b"host")
        if host is None or host.lower() not in self.hosts:
            raise Refusal(421, "this service does not have that host name")
        origin = _header(headers, b"origin", absent="")
        if origin and origin.lower() not in {f"http://{name}" for name in self.hosts}:
            raise Refusal(403, "requests from other pages are not allowed")
        if _header(headers, b"sec-fetch-site", absent="") == "cross-site" and scope["path"] != "/":
            raise Refusal(403, "requests from other pages are not allowed")
        tokens = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        if scope["path"] == "/" and scope["method"] in ("GET", "HEAD") and tokens:
            self._same(tokens[0])
            return "/"
        self._check_token(headers)
        if scope["method"] not in ("GET", "HEAD"):
            _check_body(headers)
        return None

    def _check_token(self, headers: Headers) -> None:
        authorization = _header(headers, b"authorization", absent="")
        if authorization:
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise Refusal(403, "the token is missing")
            self._same(secret.strip())
            return
        self._same(self._of_cookie(headers))

    def _of_cookie(self, headers: Headers) -> str:
        for value in (v.decode("latin-1") for n, v in headers if n == b"cookie"):
            try:
                cookie = SimpleCookie(value).get(self.cookie)
            except CookieError:
                continue
            if cookie is not None:
                return cookie.value
        raise Refusal(403, "open the address that divere printed: it contains the token")

    def _same(self, token: str) -> None:
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            raise Refusal(403, "wrong token: open the address that divere printed")


def _header(headers: Headers, name: bytes, absent: str | None = None) -> str | None:
    values = [value.decode("latin-1") for key, value in headers if key == name]
    if len(values) > 1:
        raise Refusal(400, f"{name.decode()} is given twice")
    return values[0] if values else absent


def _check_body(headers: Headers) -> None:
    kind = (_header(headers, b"content-type", absent="") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the body must be application/json")
    length = _header(headers, b"content-length", absent="0") or "0"
    if not length.isdigit() or int(length) > MOST_BODY:
        raise Refusal(413, f"a body has at most {MOST_BODY} bytes")


class Guarded:
    """An ASGI application behind a gate."""

    def __init__(self, app: App, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # WebSockets are not supported
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            goes_to = self._gate.admit(scope)
        except Refusal as refusal:
            await _answer(send, refusal.status, refusal.message)
            return
        if goes_to is not None:
            await self._welcome(send, goes_to)
            return
        await self._app(scope, _bounded(receive), _binding(send))

    async def _welcome(self, send: Send, goes_to: str) -> None:
        cookie = f"{self._gate.cookie}={self._gate.token}; HttpOnly; SameSite=Strict; Path=/"
        more = [(b"location", goes_to.encode()), (b"set-cookie", cookie.encode())]
        await _answer(send, 303, "", more)


def _binding(send: Send) -> Send:
    """Add security headers to every response."""

    async def bound(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            named = {name for name, _ in headers}
            headers += [pair for pair in BOUND if pair[0] not in named]
            if b"cache-control" not in named:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return bound


def _bounded(receive: Receive) -> Receive:
    """Stop reading a body that is too long, whatever its header says."""
    received = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY:
            return {"type": "http.disconnect"}
        return message

    return bounded


async def _answer(
    send: Send, status: int, message: str, more: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    body = json.dumps({"error": message}).encode() if message else b""
    headers = [
        *more,
        *BOUND,
        (b"cache-control", b"no-store"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
