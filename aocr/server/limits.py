"""Reads the bodies of requests, within a limit."""

from __future__ import annotations

from starlette.requests import Request

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
