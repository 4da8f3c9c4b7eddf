"""Images a second of `aocr synth`, by style, and how its memory grows with their number.

The time to start and to import TensorFlow is apart: each rate is that of the images between a short
and a long run of the command. The processor's time is that of all processes together.
Nothing else should run beside it.

    python tests/benchmarks/synthesis.py [--count 4000] [--processes 2] [--styles scene plate]
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from measure import ROOT

from aocr.synthesis.options import STYLES

SHORT = 64
"""Images of the run that is taken away from the long one."""


class Run(NamedTuple):
    """What a run of the command took.

    Attributes:
        clock: seconds.
        processors: seconds of all processes.
        peak: KiB of memory of its largest process.
    """

    clock: float
    processors: float
    peak: int


def write_words(path: str) -> None:
    """Writes 5,000 words of 2 to 9 letters."""
    chance = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgkjqxzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(5000):
            file.write("".join(chance.choices(letters, k=chance.randint(2, 9))) + "\n")


def run_synth(folder: str, style: str, count: int, args: argparse.Namespace) -> Run:
    """Runs the command in a process of its own."""
    command = [
        *(sys.executable, "-m", "aocr", "synth", "out.tfrecords", "--words=words.txt"),
        *(f"--style={style}", f"--count={count}", f"--processes={args.processes}"),
        f"--heights={args.heights}",
    ]
    environment = os.environ | {"PYTHONPATH": ROOT}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.perf_counter() - begin, processors, after.ru_maxrss)


def main() -> None:
    """Prints a line for each style."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=4000, help="images of a long run")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--heights", default="32-64")
    parser.add_argument("--styles", nargs="+", choices=STYLES, default=STYLES)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_words(f"{folder}/words.txt")
        for style in args.styles:
            short = run_synth(folder, style, SHORT, args)
            long = run_synth(folder, style, args.count, args)
            images = args.count - SHORT
            rate = images / (long.clock - short.clock)
            cost = (long.processors - short.processors) / images * 1000
            print(
                f"{style}: {rate:.0f} images/s by the clock, {cost:.2f} ms of processor an image "
                f"({args.processes / cost * 1000:.0f}/s on {args.processes} idle cores); "
                f"peak {short.peak / 1024:.0f} MB after {SHORT}, {long.peak / 1024:.0f} MB after "
                f"{args.count} images",
                flush=True,
            )


if __name__ == "__main__":
    main()
