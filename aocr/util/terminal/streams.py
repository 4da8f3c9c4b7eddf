"""Makes standard streams safe to use: closed ones, and one that C++ code writes to, too."""

from __future__ import annotations

import io
import logging
import os
import sys


def fill_closed_streams() -> None:
    """Opens the null device in place of each standard stream that is closed.

    Otherwise the next file that the process opens would get the stream's number, and what is
    written to the stream would land in that file. `sys.stdin` and `sys.stdout` stay None, so that
    a command that needs them can tell; what goes to `sys.stderr` is dropped.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def own_stderr() -> None:
    """Gives `sys.stderr` and the log a descriptor of their own.

    Descriptor 2 is then left to C++ code. It can be redirected without an effect on Python's lines.
    """
    shared = sys.stderr
    try:
        if shared.fileno() != 2:
            return
    except io.UnsupportedOperation:  # a program that calls us has replaced it
        return
    raw = io.FileIO(os.dup(2), "w")  # without a buffer: on a full device, nothing waits in it
    own = io.TextIOWrapper(
        raw, encoding=shared.encoding, errors=shared.errors, line_buffering=True, write_through=True
    )
    sys.stderr = own
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is shared:
            handler.setStream(own)
