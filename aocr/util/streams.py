"""Makes standard streams that were closed when the process started safe to use."""

from __future__ import annotations

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
