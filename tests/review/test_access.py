"""Access control: the checks of every request before it reaches a route."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from divere_cli.review import access
from divere_cli.review.server import hosts

HOST = "127.0.0.1:8478"
TOKEN = "the-secret"


@dataclass
class Said:
    """An answer."""

    status_code: int
    headers: dict[str, str]
    content: bytes


@dataclass
class Client:
    """Speaks ASGI to the application, as a server would: no header is added or mended."""

    app: access.Guarded
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **more: Any) -> Said:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> Said:
        return self.request("POST", path, **more)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        content: bytes = b"",
    ) -> Said:
        given = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        if not any(name == "Host" for name, _ in given):
            given.append(("Host", HOST))
        if self.cookies and not any(name == "Cookie" for name, _ in given):
            given.append(("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items())))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(params or {}).encode(),
            "headers": [(n.lower().encode(), v.encode()) for n, v in given],
        }
        return asyncio.run(self._spoken(scope, content))

    async def _spoken(self, scope: dict[str, Any], content: bytes) -> Said:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        said = {n.decode(): v.decode() for n, v in sent[0]["headers"]}
        if "set-cookie" in said:
            name, _, value = said["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Said(sent[0]["status"], said, body)


async def echo(request: Request) -> Response:
    return JSONResponse({"length": len(await request.body())})


@pytest.fixture
def client() -> Client:
    app = Starlette(routes=[Route("/", echo), Route("/api/x", echo, methods=["GET", "POST"])])
    gate = access.Gate(TOKEN, hosts("127.0.0.1", "127.0.0.1", 8478), "divere_review_8478")
    return Client(access.Guarded(app, gate))


def bearer(**more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"} | more


def test_the_address_becomes_a_cookie_and_the_token_leaves_it(client: Client) -> None:
    answer = client.get("/", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/").status_code == 200  # the client keeps it


def test_nothing_is_answered_without_the_token(client: Client) -> None:
    assert client.get("/").status_code == 403
    assert client.get("/api/x").status_code == 403
    assert client.get("/", params={"token": "guessed"}).status_code == 403
    assert client.get("/api/x", params={"token": TOKEN}).status_code == 403  # only of the page
    assert client.get("/api/x", headers={"Authorization": "Bearer x"}).status_code == 403
    assert client.get("/api/x", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 403
    assert client.get("/api/x", headers={"Cookie": "divere_review_1=the-secret"}).status_code == 403
    assert client.get("/api/x", headers=bearer()).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8478", "127.0.0.1", "127.0.0.1:1"])
def test_an_unknown_host_is_refused(client: Client, host: str) -> None:
    assert client.get("/api/x", headers=bearer(Host=host)).status_code == 421
    assert client.get("/", params={"token": TOKEN}, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8478", "LOCALHOST:8478", "[::1]:8478", HOST])
def test_this_machines_names_are_answered(client: Client, host: str) -> None:
    assert client.get("/api/x", headers=bearer(Host=host)).status_code == 200


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "https://127.0.0.1:8478", "http://127.0.0.1:1"]
)
def test_requests_of_other_pages_are_refused(client: Client, origin: str) -> None:
    for method in ("GET", "POST"):
        headers = bearer(Origin=origin, **{"Content-Type": "application/json"})
        answer = client.request(method, "/api/x", headers=headers, content=b"{}")
        assert answer.status_code == 403
    assert client.get("/api/x", headers=bearer(Origin=f"http://{HOST}")).status_code == 200


def test_another_sites_picture_tag_is_refused(client: Client) -> None:
    client.get("/", params={"token": TOKEN})
    assert client.get("/api/x", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_body_must_say_that_it_is_json(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = bearer(**{"Content-Type": kind})
        assert client.post("/api/x", content=b"{}", headers=headers).status_code == 415
    headers = bearer(**{"Content-Type": "application/json; charset=utf-8"})
    assert client.post("/api/x", content=b"{}", headers=headers).status_code == 200


def test_a_body_has_a_maximal_size(client: Client) -> None:
    long = str(access.MOST_BODY + 1)
    headers = bearer(**{"Content-Type": "application/json", "Content-Length": long})
    assert client.post("/api/x", content=b"{}", headers=headers).status_code == 413


def test_two_host_headers_are_refused(client: Client) -> None:
    headers = [("Host", HOST), ("Host", "evil.example"), ("Authorization", f"Bearer {TOKEN}")]
    assert client.get("/api/x", headers=headers).status_code in (400, 421)


def test_every_response_has_security_headers(client: Client) -> None:
    for answer in (
        client.get("/"),
        client.get("/", params={"token": TOKEN}),
        client.get("/api/x", headers=bearer()),
        client.get("/nowhere", headers=bearer()),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_refusal_is_one_line_of_json(client: Client) -> None:
    assert "error" in json.loads(client.get("/").content)
