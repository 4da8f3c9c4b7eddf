"""Parses HTTP with uvicorn's faster parser, and limits what that parser does not."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
