"""Reads file names from stdin and writes results to stdout; names may hold any bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TextIO

UNDECODABLE = "surrogateescape"
"""Keeps the bytes of file names that are not valid UTF-8."""


def print_text(text: str) -> None:
    """Writes text to stdout at once, without adding a line end."""
    sys.stdout.buffer.write(text.encode("utf-8", UNDECODABLE))
    sys.stdout.buffer.flush()


def read_names(stream: TextIO) -> Iterator[str]:
    """Yields the file names in a stream, one per line, as they arrive; skips empty lines."""
    stream.reconfigure(encoding="utf-8", errors=UNDECODABLE)  # type: ignore[attr-defined]
    for line in stream:
        name = line.rstrip("\r\n")
        if name:
            yield name
