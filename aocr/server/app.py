"""Builds the ASGI application: which path is answered by what."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp

from aocr.server import openapi, page_api
from aocr.server.access import IMAGES, Access, is_api_path
from aocr.server.errors import RestError, error_of, invalid_argument, not_found
from aocr.server.limits import read_body
from aocr.server.metrics import Metrics
from aocr.server.models.model_versions import ModelVersions
from aocr.server.page_api import load_page
from aocr.server.tf_serving.rest_api import RestApi, parse_path

JSON = "application/json"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

TOO_LARGE = 413
"""The status that closes the connection, because the body has not been read."""

Handler = Callable[[Request], Awaitable[Response]]


class Application:
    """Answers all requests.

    Attributes:
        is_stopping: set once the server stops: it is not ready for more requests.
    """

    def __init__(self, versions: ModelVersions, metrics: Metrics, max_body_bytes: int) -> None:
        self._versions, self._metrics, self._max_body_bytes = versions, metrics, max_body_bytes
        self._api = RestApi(versions)
        self._page = load_page()
        self._openapi = json.dumps(openapi.document(versions.name), indent=1).encode()
        self.is_stopping = False

    def build(self, api_keys: Sequence[str]) -> ASGIApp:
        """Returns the application.

        Args:
            api_keys: the keys that clients may send; nothing lets all clients in.
        """
        rest = _errors_as_json(self._rest)
        routes = [
            Route("/", self._show_page, methods=["GET"]),
            Route("/healthz", self._health, methods=["GET"]),
            Route("/readyz", self._readiness, methods=["GET"]),
            Route("/metrics", self._show_metrics, methods=["GET"]),
            Route("/openapi.json", self._show_openapi, methods=["GET"]),
            Route("/read", _errors_as_json(self._read), methods=["POST"]),
            Route("/{path:path}", rest, methods=ALL_METHODS),
        ]
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        app.router.default = request_response(rest)  # no pattern matches a path with a line break
        return Access(app, self._metrics, api_keys)

    async def _show_page(self, _request: Request) -> Response:
        page = self._page
        return Response(page.html, media_type="text/html", headers=page.headers)

    async def _health(self, _request: Request) -> Response:
        return _json({"status": "ok"})

    async def _readiness(self, _request: Request) -> Response:
        if self.is_stopping:
            return _json({"status": "stopping"}, 503)
        version = str(self._versions.current.version)
        return _json({"status": "ok", "model": self._versions.name, "version": version})

    async def _show_metrics(self, _request: Request) -> Response:
        self._metrics.version.set(self._versions.current.version)
        return Response(self._metrics.page(), media_type=METRICS_TYPE)

    async def _show_openapi(self, _request: Request) -> Response:
        return Response(self._openapi, media_type=JSON)

    async def _read(self, request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise invalid_argument(
                "send the image file itself as the body, as by curl --data-binary @image.png"
            )
        encoded = await read_body(request, self._max_body_bytes)
        attention = request.query_params.get("attention") == "1"
        reading = await page_api.read(self._versions, encoded, attention)
        request.scope[IMAGES] = 1
        return _json(reading)

    async def _rest(self, request: Request) -> Response:
        path = request.scope.get("raw_path", b"").decode("latin-1")
        if not is_api_path(path):
            raise not_found(f"there is no {request.url.path}")
        if request.method == "OPTIONS":
            return _preflight(request)
        parsed = parse_path(request.method, path)
        if parsed.verb:
            body = await read_body(request, self._max_body_bytes)
            answer, request.scope[IMAGES] = await self._api.post(parsed, body)
            return Response(answer, media_type=JSON)
        answer = self._api.metadata(parsed) if parsed.metadata else self._api.status(parsed)
        return Response(answer, media_type=JSON)


def _preflight(request: Request) -> Response:
    """Answers OPTIONS as TensorFlow Serving does, which lets no other site in by default."""
    origin = request.headers.get("origin", "")
    is_site = origin.startswith(("http://", "https://"))
    return Response(status_code=200 if is_site else 400, media_type=JSON)


def _errors_as_json(handler: Handler) -> Handler:
    """Returns a handler that answers a `RestError` as JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RestError as error:
            headers = {"Connection": "close"} if error.status == TOO_LARGE else {}
            return Response(error_of(error), error.status, headers, media_type=JSON)

    return answer


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type=JSON)
