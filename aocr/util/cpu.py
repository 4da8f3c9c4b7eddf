"""What this machine's CPU can do."""

from __future__ import annotations

import pathlib

CPU_INFO = "/proc/cpuinfo"


def cpu_flags() -> frozenset[str]:
    """Names of its instruction sets, as Linux has them (`avx2`, `avx512f`); none elsewhere."""
    try:
        text = pathlib.Path(CPU_INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(text.split())
