"""Surrounds the application: keys, the access log, metrics, and errors that nobody expected."""

from __future__ import annotations

import hmac
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aocr.server.errors import RestError, error_of, unauthenticated
from aocr.server.metrics import Metrics
from aocr.util.terminal.log import TRACEBACKS

_API = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)

ENDPOINTS = {
    "/": "page",
    "/read": "read",
    "/healthz": "healthz",
    "/readyz": "readyz",
    "/metrics": "metrics",
    "/openapi.json": "openapi",
}
"""Names of the endpoints in the metrics, whose number must not grow with what clients ask for."""

OPEN_PATHS = ("/", "/healthz", "/readyz")
"""Paths that need no key: they tell nothing, and the page asks for the key."""

CLIENT_HAS_GONE = 499
"""The status in the access log of a request whose client did not wait for the answer."""

IMAGES = "aocr.images"
"""Key of the number of images of a request, in its scope."""

ACCESS_LOG = "aocr.access"


class Access:
    """Runs the application for a request, and logs it as one line of JSON.

    Args:
        app: the application.
        metrics: the counts of the requests.
        api_keys: the keys that clients may send; nothing lets all clients in.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, api_keys: Sequence[str]) -> None:
        self._app, self._metrics = app, metrics
        self._keys = [key.encode() for key in api_keys]
        self._log = logging.getLogger(ACCESS_LOG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = {"status": 0, "bytes": 0}

        async def observed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
            elif message["type"] == "http.response.body":
                answer["bytes"] += len(message.get("body", b""))
            await send(message)

        start = time.perf_counter()
        try:
            await self._answer(scope, receive, observed_send)
        except ClientDisconnect:
            answer["status"] = CLIENT_HAS_GONE
        except Exception:
            logging.getLogger(TRACEBACKS).error("Traceback of a request:", exc_info=True)
            if answer["status"]:  # too late to say so
                raise
            await _refuse(observed_send, RestError(500, "internal error, see the server's log"))
        self._observe(scope, answer, time.perf_counter() - start)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        needs_key = self._keys and scope["path"] not in OPEN_PATHS
        if needs_key and not has_key(dict(scope["headers"]), self._keys):
            error = unauthenticated("send the key in the header Authorization: Bearer KEY")
            await _refuse(send, error, (b"www-authenticate", b"Bearer"))
        else:
            await self._app(scope, receive, send)

    def _observe(self, scope: Scope, answer: dict[str, int], seconds: float) -> None:
        endpoint = ENDPOINTS.get(scope["path"], "other")
        if is_api_path(scope["path"]):
            endpoint = "rest_post" if scope["method"] == "POST" else "rest_get"
        images = scope.get(IMAGES, 0)
        self._metrics.observe_request(endpoint, answer["status"], seconds)
        if images and answer["status"] == 200:
            self._metrics.images.inc(images)
        line: dict[str, Any] = {
            "client": scope["client"][0] if scope.get("client") else "",
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": answer["status"],
            "bytes": answer["bytes"],
            "milliseconds": round(1000 * seconds, 3),
        }
        if images:
            line["images"] = images
        self._log.info("%s", json.dumps(line))


def has_key(headers: Mapping[bytes, bytes], keys: Sequence[bytes]) -> bool:
    """Returns whether a request has one of the keys.

    Args:
        headers: the headers of the request, by their names in lower case.
        keys: the permitted ones.
    """
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    sent = key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
    return sum(hmac.compare_digest(sent, key) for key in keys) > 0


async def _refuse(send: Send, error: RestError, *headers: tuple[bytes, bytes]) -> None:
    """Answers with an error, and closes the connection, whose body may not have been read."""
    body = error_of(error)
    common = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    start = {"type": "http.response.start", "status": error.status, "headers": [*common, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def is_api_path(path: str) -> bool:
    """Returns whether a path, as it was sent, belongs to the REST API."""
    return bool(_API.fullmatch(path))
