"""Reads names from stdin, writes results to stdout, and shows progress on a terminal."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from aocr.util.errors import UserError
from aocr.util.paths.checks import UNDECODABLE
from aocr.util.text.encodings import in_utf_8

_READ_BYTES = 64 * 1024


def require_stdout() -> None:
    """Checks that stdout is open; to be called before the work whose result goes there.

    Raises:
        UserError: it was closed when the process started.
    """
    if sys.stdout is None:
        raise UserError("cannot write to stdout: it is closed")


def print_text(text: str) -> None:
    """Writes text to stdout as UTF-8 and flushes it.

    Python represents bytes of a file name that are not UTF-8 as surrogates. They are written as
    the original bytes.

    Raises:
        UserError: stdout is closed, or its device is full.
        BrokenPipeError: the program that reads stdout has ended.
    """
    require_stdout()
    try:
        sys.stdout.buffer.write(text.encode("utf-8", UNDECODABLE))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _discard_stdout()
        raise
    except OSError as error:
        _discard_stdout()
        raise UserError(f"cannot write to stdout: {error.strerror}") from error


def _discard_stdout() -> None:
    """Drops the text that is still to be written: it would fail again when the process ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def is_interactive() -> bool:
    """Returns whether stderr is a terminal, which can show a moving progress bar."""
    return sys.stderr.isatty()


def read_names(stream: TextIO | None) -> Iterator[str]:
    """Returns the file names in stdin, one per line, as they arrive, without the empty lines.

    A name may hold bytes that are not UTF-8. A byte order mark says if the list is in UTF-16.

    Args:
        stream: `sys.stdin`, which is None if it was closed when the process started.

    Raises:
        UserError: the stream is closed, or cannot be read; the latter while iterating.
    """
    if stream is None:
        raise UserError("cannot read file names from stdin: it is closed; give them as arguments")
    return _iterate_names(stream)


def _iterate_names(stream: TextIO) -> Iterator[str]:
    unfinished = b""
    chunks = iter(functools.partial(stream.buffer.read1, _READ_BYTES), b"")  # type: ignore[attr-defined]
    try:
        for chunk in in_utf_8("stdin", chunks):
            *lines, unfinished = (unfinished + chunk.replace(b"\r", b"\n")).split(b"\n")
            yield from (line.decode("utf-8", UNDECODABLE) for line in lines if line)
    except OSError as error:
        raise UserError(f"cannot read file names from stdin: {error.strerror}") from error
    if unfinished:
        yield unfinished.decode("utf-8", UNDECODABLE)


@contextlib.contextmanager
def progress_bar(total: int | None, unit: str) -> Iterator[tqdm]:
    """Shows a progress bar on stderr; log lines appear above it.

    Args:
        total: number of items; None if it is not known.
        unit: plural noun for the items, such as "images".
    """
    with logging_redirect_tqdm(), tqdm(total=total, unit=f" {unit}") as bar:
        yield bar


@contextlib.contextmanager
def shown_progress(total: int | None, unit: str) -> Iterator[Callable[[], object]]:
    """Shows a progress bar in the block if stderr is a terminal; yields a function that moves it.

    Args:
        total: number of items; None if it is not known.
        unit: plural noun for the items, such as "images".
    """
    if is_interactive():
        with progress_bar(total, unit) as bar:
            yield bar.update
    else:
        yield lambda: None
