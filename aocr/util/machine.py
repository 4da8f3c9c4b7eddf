"""Reports what this machine has: its memory, and its CPU's instruction sets."""

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


CPU_INFO = "/proc/cpuinfo"


def cpu_flags() -> frozenset[str]:
    """Returns the CPU's instruction sets by Linux's names, such as `avx2` and `avx512f`.

    Other operating systems have no such file; the set is empty there.
    """
    try:
        text = pathlib.Path(CPU_INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(text.split())
