"""Defines the errors that a request may end in, with TensorFlow Serving's status codes."""

from __future__ import annotations

import json


class RestError(Exception):
    """Ends a request with a status and a message, `{"error": message}`.

    Attributes:
        status: the HTTP status.
        message: what is wrong.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def invalid_argument(message: str) -> RestError:
    """Returns the error of a request that is wrong in itself."""
    return RestError(400, message)


def unauthenticated(message: str) -> RestError:
    """Returns the error of a request without a key."""
    return RestError(401, message)


def not_found(message: str) -> RestError:
    """Returns the error of a request for what is not there."""
    return RestError(404, message)


def too_large(message: str) -> RestError:
    """Returns the error of a request with too large a body."""
    return RestError(413, message)


def unimplemented(message: str) -> RestError:
    """Returns the error of a request that this server cannot answer."""
    return RestError(501, message)


def unavailable(message: str) -> RestError:
    """Returns the error of a request that may be answered later."""
    return RestError(503, message)


def error_of(error: RestError) -> bytes:
    """Returns the body of an answer that is an error."""
    return json.dumps({"error": error.message}, indent=4, ensure_ascii=True).encode()
