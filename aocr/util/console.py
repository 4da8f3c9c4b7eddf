"""Writes results to stdout and shows progress on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm


def print_text(text: str) -> None:
    """Writes text to stdout as UTF-8 and flushes it.

    Python represents bytes of a file name that are not UTF-8 as surrogates. They are written as
    the original bytes.
    """
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def is_interactive() -> bool:
    """Returns whether stderr is a terminal, which can show a moving progress bar."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def progress_bar(total: int, unit: str) -> Iterator[tqdm]:
    """Shows a progress bar on stderr; log lines appear above it.

    Args:
        total: number of items.
        unit: plural noun for the items, such as "images".
    """
    with logging_redirect_tqdm(), tqdm(total=total, unit=f" {unit}") as bar:
        yield bar
