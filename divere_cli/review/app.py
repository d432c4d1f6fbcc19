"""The service's routes: HTTP to :mod:`divere_cli.review.service` and back.

Covers strict parsing of requests, status codes, and the files of the page. Access control
is in :mod:`divere_cli.review.access`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from divere_cli.errors import DivereError, OutputUnusable
from divere_cli.profile import library
from divere_cli.review import access, grades
from divere_cli.review.orders import WHOLE, Box
from divere_cli.review.presets_file import Change, Stale
from divere_cli.review.renderer import Superseded
from divere_cli.review.service import BadRequest, NotFound, PictureRequest, Service

STATIC = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FORMATS = {"jpeg": "image/jpeg", "png": "image/png"}
Endpoint = Callable[[Request], Awaitable[Response]]


def application(service: Service, gate: access.Gate) -> access.Guarded:
    """Return the service as an ASGI application behind its gate.

    Parameters
    ----------
    service : Service
        The service.
    gate : access.Gate
        Controls access.
    """
    routes = Routes(service)
    app = Starlette(
        routes=[
            Route("/", routes.page),
            Route("/static/{name}", routes.static),
            Route("/api/roll", routes.roll),
            Route("/api/state", routes.state),
            Route("/api/frame", routes.frame),
            Route("/api/profiles", routes.profiles),
            Route("/api/profiles/{name}", routes.profile),
            Route("/api/render", routes.render, methods=["POST"]),
            Route("/api/pick", routes.pick, methods=["POST"]),
            Route("/api/presets", routes.presets, methods=["POST"]),
            Route("/api/again", routes.again, methods=["POST"]),
            Route("/api/measure", routes.measure, methods=["POST"]),
            Route("/api/export", routes.export, methods=["POST"]),
            Route("/api/export/stop", routes.stop, methods=["POST"]),
        ],
        exception_handlers={
            NotFound: _missing,
            BadRequest: _bad,
            Superseded: _superseded,
            Stale: _stale,
            DivereError: _refused,
            HTTPException: _http,
        },
    )
    return access.Guarded(app, gate)


class Routes:
    """One method for each address."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._files = {
            path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES
        }
        self._numbers = itertools.count(1)
        self._page = (STATIC / "index.html").read_bytes()

    async def page(self, request: Request) -> Response:
        """Return the page."""
        return Response(self._page, media_type="text/html; charset=utf-8")

    async def static(self, request: Request) -> Response:
        """Return a script or style sheet of the page."""
        name = request.path_params["name"]
        data = self._files.get(name)
        if data is None:
            raise HTTPException(404)
        return Response(data, media_type=TYPES[Path(name).suffix])

    async def roll(self, request: Request) -> Response:
        """Return all frames of the roll."""
        return JSONResponse(await run_in_threadpool(self._service.listed))

    async def state(self, request: Request) -> Response:
        """Return the state that may change without a request."""
        after = request.query_params.get("after", "0")
        number = int(after) if after.isdigit() else 0
        return JSONResponse(await run_in_threadpool(self._service.state, number))

    async def frame(self, request: Request) -> Response:
        """Return one frame with its values for editing."""
        name = request.query_params.get("name", "")
        return JSONResponse(await run_in_threadpool(self._service.described, name))

    async def profiles(self, request: Request) -> Response:
        """Return the shipped profiles and the output color spaces."""
        spaces = library.in_role("output")
        return JSONResponse({"profiles": grades.profiles(), "spaces": spaces})

    async def profile(self, request: Request) -> Response:
        """Return one shipped profile with all values."""
        return JSONResponse(grades.profile(request.path_params["name"]))

    async def render(self, request: Request) -> Response:
        """Return a picture."""
        number = next(self._numbers)
        picture = _picture_request(await _body(request), number)
        future = await run_in_threadpool(self._service.render, picture)
        answer, data = await asyncio.wrap_future(future)
        facts = {key: answer[key] for key in ("width", "height", "scale", "histogram", "seconds")}
        facts |= await run_in_threadpool(self._service.film_of, picture.name)
        headers = {"x-divere-picture": json.dumps(facts, separators=(",", ":"))}
        return Response(data, media_type=FORMATS[picture.format], headers=headers)

    async def pick(self, request: Request) -> Response:
        """Return the gains that make a point of the picture gray."""
        number = next(self._numbers)
        body = await _body(request)
        at = body.get("at")
        if not isinstance(at, list) or len(at) != 2 or not all(_share(v) for v in at):
            raise BadRequest("at must be [x, y], each from 0 to 1")
        point = (float(at[0]), float(at[1]))
        future = await run_in_threadpool(self._service.pick, _picture_request(body, number), point)
        answer, _ = await asyncio.wrap_future(future)
        return JSONResponse({"rgb_gains": answer["rgb_gains"]})

    async def presets(self, request: Request) -> Response:
        """Write entries and marks."""
        body = await _body(request)
        version, entries = body.get("version"), body.get("entries", {})
        marks = body.get("marks", {})
        if not isinstance(version, int) or isinstance(version, bool):
            raise BadRequest("version must be a number, as received with the roll")
        if not isinstance(entries, dict) or not isinstance(marks, dict):
            raise BadRequest("entries and marks must be objects with names as keys")
        change = partial(self._service.change, freeze=body.get("freeze") is True)
        state = await run_in_threadpool(change, version, Change(entries, marks))
        return JSONResponse({"version": state.version})

    async def again(self, request: Request) -> Response:
        """Try a failed scan again."""
        body = await _body(request)
        await run_in_threadpool(self._service.again, str(body.get("name", "")))
        return JSONResponse({})

    async def measure(self, request: Request) -> Response:
        """Measure the scans without a preset."""
        started = await run_in_threadpool(self._service.measure)
        return JSONResponse({"started": started})

    async def export(self, request: Request) -> Response:
        """Start the batch."""
        body = await _body(request)
        if not await run_in_threadpool(self._service.export, body):
            return JSONResponse({"error": "an export runs already"}, 409)
        version = await run_in_threadpool(self._service.file.read)
        return JSONResponse({"started": True, "version": version.version})

    async def stop(self, request: Request) -> Response:
        """Stop the batch in an orderly way."""
        self._service.exporting.stop()
        return JSONResponse({})


async def _body(request: Request) -> dict[str, Any]:
    try:
        decoded = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(decoded, dict):
        raise BadRequest("the body is not a JSON object")
    return decoded


def _picture_request(body: dict[str, Any], number: int) -> PictureRequest:
    name, size = body.get("name"), body.get("size", 1600)
    form, picture = body.get("format", "jpeg"), body.get("picture", 0)
    if not isinstance(name, str):
        raise BadRequest("name must be the file name of a scan")
    if not _is_integer(size) or size < 1 or not _is_integer(picture):
        raise BadRequest("size must be a number of pixels")
    if form not in FORMATS:
        raise BadRequest("format must be jpeg or png")
    window, tag = _window(body.get("window")), str(body.get("tag", ""))[:32]
    return PictureRequest(name, size, form, body.get("preset"), picture, window, tag, number)


def _window(value: Any) -> Box:
    if value is None:
        return WHOLE
    if not isinstance(value, list) or len(value) != 4 or not all(_share(v) for v in value):
        raise BadRequest("window must be [x, y, width, height], each from 0 to 1")
    x, y, width, height = (float(v) for v in value)
    if not (width > 0 and height > 0 and x + width <= 1 + 1e-6 and y + height <= 1 + 1e-6):
        raise BadRequest("window must be inside the picture")
    return x, y, width, height


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _share(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0.0 <= value <= 1.0


async def _missing(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "this folder has no scan of that name"}, 404)


async def _bad(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _superseded(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "replaced by a newer request for this frame"}, 409)


async def _stale(request: Request, error: Exception) -> Response:
    assert isinstance(error, Stale)
    who = "another program" if error.by_another_program else "another tab"
    body = {"error": f"{who} changed the presets first", "version": error.version}
    return JSONResponse(body, 409)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DivereError)
    record = getattr(error, "record", error)
    status = 500 if isinstance(error, OutputUnusable) else 422
    body = {"error": error.message, "hint": error.hint, "kind": record.kind}
    return JSONResponse(body, status)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
