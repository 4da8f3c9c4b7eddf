"""Runs `aocr serve` in a process of its own, for the benchmarks of it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import measure

READY = re.compile(r"at http://127\.0\.0\.1:(\d+)/ \(process (\d+)\)")


class Server(NamedTuple):
    """Names a running server."""

    port: int
    process: int

    def memory(self) -> int:
        """Returns the resident memory in bytes."""
        status = pathlib.Path(f"/proc/{self.process}/status").read_text()
        return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", status)[0])

    def cpu_seconds(self) -> float:
        """Returns the CPU time that the server has taken."""
        fields = pathlib.Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(model: str, folder: str, *flags: str) -> Iterator[Server]:
    """Starts `aocr serve`, and stops it at the end."""
    command = [sys.executable, "-m", "aocr", "serve", model, "--port=0", "--gpu-id=-1", *flags]
    environment = {**os.environ, "PYTHONPATH": measure.ROOT}
    log = pathlib.Path(folder) / "server.log"
    with (
        log.open("w") as console,
        subprocess.Popen(command, cwd=folder, stderr=console, env=environment) as process,
    ):
        try:
            while not (match := READY.search(log.read_text())):
                if process.poll() is not None:
                    raise RuntimeError(log.read_text())
                time.sleep(0.1)
            yield Server(*map(int, match.groups()))
        finally:
            process.terminate()
    if "Traceback" in log.read_text():
        raise RuntimeError("the server logged a traceback")
