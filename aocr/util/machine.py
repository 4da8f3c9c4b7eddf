"""Reports how much memory this machine has."""

from __future__ import annotations

import os
import pathlib

CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
"""Files that hold the memory limit of a container on Linux."""


def memory_bytes() -> int | None:
    """Returns the number of bytes that processes may use here; None if it is not known."""
    known = [size for size in (_machine(), *map(_limit, CONTAINER_LIMITS)) if size]
    return min(known, default=None)


def _machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _limit(path: str) -> int | None:
    try:
        text = pathlib.Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdigit() else None
