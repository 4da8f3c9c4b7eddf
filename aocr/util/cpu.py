"""Reports the instruction sets of this machine's CPU."""

from __future__ import annotations

import pathlib

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
