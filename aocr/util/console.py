"""Reads names from stdin, writes results to stdout, and shows progress on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

UNDECODABLE = "surrogateescape"
"""Keeps the bytes of file names that are not valid UTF-8."""


def print_text(text: str) -> None:
    """Writes text to stdout as UTF-8 and flushes it.

    Python represents bytes of a file name that are not UTF-8 as surrogates. They are written as
    the original bytes.
    """
    sys.stdout.buffer.write(text.encode("utf-8", UNDECODABLE))
    sys.stdout.buffer.flush()


def is_interactive() -> bool:
    """Returns whether stderr is a terminal, which can show a moving progress bar."""
    return sys.stderr.isatty()


def read_names(stream: TextIO) -> Iterator[str]:
    """Yields the file names in a stream, one per line, as they arrive; skips empty lines.

    A name may hold bytes that are not UTF-8.
    """
    stream.reconfigure(encoding="utf-8", errors=UNDECODABLE)  # type: ignore[attr-defined]
    for line in stream:
        name = line.rstrip("\r\n")
        if name:
            yield name


@contextlib.contextmanager
def progress_bar(total: int | None, unit: str) -> Iterator[tqdm]:
    """Shows a progress bar on stderr; log lines appear above it.

    Args:
        total: number of items; None if it is not known.
        unit: plural noun for the items, such as "images".
    """
    with logging_redirect_tqdm(), tqdm(total=total, unit=f" {unit}") as bar:
        yield bar
