"""Limits requests: the sizes of heads, bodies and images, and the time that they take to come."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aocr.data.images.conversion import frame_count
from aocr.data.images.files import ImageFileError, TooManyPixelsError, read_header
from aocr.server.errors import RestError, invalid_argument, too_large


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Returns the body of a request; refuses a larger one before it is held in memory.

    Raises:
        RestError: the body is too large, by its header or by what has arrived.
        starlette.requests.ClientDisconnect: the client has gone.
    """
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise invalid_argument("Malformed request: Content-Length is not a number")
    if int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(max_bytes: int) -> RestError:
    return too_large(f"request of more than {max_bytes / 2**20:g} MB (--max-body-mb)")


def check_image(encoded: bytes, max_pixels: int) -> None:
    """Checks an image file before any pixel of it is decoded.

    Raises:
        RestError: it is not an image, or has more pixels than permitted. All frames of a GIF
            count, because TensorFlow decodes them all.
    """
    try:
        picture = read_header(encoded, max_pixels)
    except TooManyPixelsError as error:
        raise _too_many_pixels(error.detail, max_pixels) from error
    except ImageFileError as error:
        raise invalid_argument(f"{error}") from error
    if picture.format == "GIF":
        frames = frame_count(picture)
        if picture.width * picture.height * frames > max_pixels:
            size = f"{picture.width} x {picture.height}, {frames} frames"
            raise _too_many_pixels(size, max_pixels)


def check_size(encoded: bytes, max_pixels: int) -> None:
    """Checks only the number of pixels of what may be an image.

    Raises:
        RestError: it is an image with more pixels than permitted.
    """
    try:
        read_header(encoded, max_pixels)
    except TooManyPixelsError as error:
        raise _too_many_pixels(error.detail, max_pixels) from error
    except ImageFileError:
        return
    check_image(encoded, max_pixels)


def _too_many_pixels(size: str, max_pixels: int):
    return invalid_argument(f"image of more than {max_pixels} pixels (--max-pixels): {size}")


MAX_HEAD_BYTES = 64 * 2**10
"""Size of the largest head of a request, its path included."""

FRAMING_RATIO = 8
"""Bytes around each byte of a body that are permitted: chunks of one byte have five."""


MAX_CONNECTIONS = 1000
"""Connections at a time. Requests beyond are answered with 503."""

HEAD_SECONDS = 20.0
"""Time in which the head of a request must arrive, from the connection or its first byte on."""

BODY_SECONDS = 120.0
"""Time in which the body of a request must arrive."""

HEALTH_PATHS = (b"/healthz", b"/readyz")
"""Paths that are answered however many connections there are."""


class LimitedProtocol(HttpToolsProtocol):
    """Refuses a request that is larger than its body explains, or that does not arrive in time.

    The parser itself would collect the head of a request, or what follows its last chunk, without
    end, and would wait for the rest of a request for ever. The application limits the body
    (`read_body`). Of too many connections, the one that has waited longest for its request is
    closed.
    """

    _body_bytes = 0
    _other_bytes = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for a request."""
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)
        if len(self.connections) > MAX_CONNECTIONS:
            ours = (each for each in self.connections if isinstance(each, LimitedProtocol))
            waiting = [(each._deadline.when(), each.transport) for each in ours if each._deadline]
            min(waiting, key=lambda pair: pair[0])[1].close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        """Closes the connection after a time, unless `_stop_waiting` is called before."""
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def on_headers_complete(self) -> None:
        """Takes the head of a request."""
        self._wait(BODY_SECONDS)
        limit = self.limit_concurrency
        if self.url.partition(b"?")[0] in HEALTH_PATHS:
            self.limit_concurrency = None
        super().on_headers_complete()
        self.limit_concurrency = limit

    def on_message_complete(self) -> None:
        """Ends a request."""
        self._stop_waiting()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parses what has arrived."""
        before = self._body_bytes
        super().data_received(data)
        self._other_bytes += len(data) - max(0, self._body_bytes - before)
        if self._other_bytes > MAX_HEAD_BYTES + FRAMING_RATIO * self._body_bytes:
            self.send_400_response(f"Request head of more than {MAX_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """Starts a request."""
        self._wait(HEAD_SECONDS)
        self._body_bytes = self._other_bytes = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        self._body_bytes += len(body)
        super().on_body(body)
