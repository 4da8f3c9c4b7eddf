"""Limits requests: the sizes of heads, bodies and images."""

from __future__ import annotations

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aocr.data.images.conversion import frame_count
from aocr.data.images.header import ImageFileError, TooManyPixelsError, read_header
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


class LimitedProtocol(HttpToolsProtocol):
    """Refuses a request that is larger than its body explains, and closes the connection.

    The parser itself would collect the head of a request, or what follows its last chunk, without
    end. The application limits the body (`read_body`).
    """

    _body_bytes = 0
    _other_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parses what has arrived."""
        before = self._body_bytes
        super().data_received(data)
        self._other_bytes += len(data) - max(0, self._body_bytes - before)
        if self._other_bytes > MAX_HEAD_BYTES + FRAMING_RATIO * self._body_bytes:
            self.send_400_response(f"Request head of more than {MAX_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """Starts a request."""
        self._body_bytes = self._other_bytes = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        self._body_bytes += len(body)
        super().on_body(body)
