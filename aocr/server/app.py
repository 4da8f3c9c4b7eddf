"""Builds the ASGI application: which path is answered by what, the page for people among them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import importlib.resources
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp

from aocr.model.readings import Reading
from aocr.server import openapi
from aocr.server.access import IMAGES, Access, is_api_path
from aocr.server.errors import RestError, error_of, invalid_argument, not_found
from aocr.server.limits import read_body
from aocr.server.metrics import Metrics
from aocr.server.models.model_versions import ModelVersions, RequestPath
from aocr.server.tf_serving.rest_api import RestApi, parse_path

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def load_page(model: str) -> tuple[bytes, dict[str, str]]:
    """Returns the page in the package, and the headers that it is sent with.

    Args:
        model: name of the model, for people.
    """
    text = importlib.resources.files("aocr.server").joinpath("page/index.html").read_text("utf-8")
    policy = (
        "default-src 'none'; connect-src 'self'; img-src 'self' blob: data:; media-src blob:; "
        f"script-src {_hashes(_SCRIPT, text)}; style-src {_hashes(_STYLE, text)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    page = text.replace("{{ model }}", html.escape(model))
    return page.encode(errors="replace"), headers  # a path may contain invalid UTF-8


def _hashes(pattern: re.Pattern[str], text: str) -> str:
    """Returns the sources that permit exactly the scripts or styles in the page."""
    digests = [hashlib.sha256(content.encode()).digest() for content in pattern.findall(text)]
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)


async def read_image(versions: ModelVersions, encoded: bytes, attention: bool) -> dict[str, object]:
    """Returns what was read from an image file, as values for JSON.

    Args:
        versions: the model; its newest version reads.
        encoded: an image file of any format that `aocr predict` reads, shown as by a viewer.
        attention: whether to return the attention of each character, if the model tells it.

    Raises:
        RestError: the image cannot be read.
    """
    if not encoded:
        raise invalid_argument("no image: send the image file as the body of the request")
    start = time.perf_counter()
    with versions.use(RequestPath(versions.name)) as served:
        future = await run_in_threadpool(served.submit_upright, encoded, attention)
        reading: Reading = await asyncio.wrap_future(future)
        version = str(served.version)
    return {
        "text": reading.text,
        "probability": reading.probability,
        "characters": _characters(reading, attention),
        "model": versions.name,
        "version": version,
        "milliseconds": round(1000 * (time.perf_counter() - start), 1),
    }


def _characters(reading: Reading, attention: bool) -> list[dict[str, object]]:
    """Returns each character with what is known of it."""
    characters: list[dict[str, object]] = [{"character": each} for each in reading.text]
    for each, probability in zip(characters, reading.character_probabilities or (), strict=False):
        each["probability"] = probability
    if attention and reading.attention is not None:
        for each, weights in zip(characters, reading.attention, strict=True):
            each["attention"] = np.round(weights.astype(float), 4).tolist()
    return characters


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
        self._page = load_page(versions.shown_name)
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
        page, headers = self._page
        return Response(page, media_type="text/html", headers=headers)

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
        reading = await read_image(self._versions, encoded, attention)
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
