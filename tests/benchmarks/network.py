"""What a slow network costs the step of two replicas, against the bytes that the plan counts with.

Two processes of `aocr train --recipe=modern` run in network namespaces of their own, joined by a
line whose rate `tc` limits. The plan of docs/cloud.md takes the time of a sum for that of its bytes
alone. It needs root, and `ip` and `tc` of iproute2.

    python tests/benchmarks/network.py [--rates 50 100] [--steps 20]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import measure

REPLICAS = 2
WORDS = 256
SKIPPED = 2
"""Steps at the beginning that are not counted."""

WEIGHTS = r"The model has ([\d,]+) weights"
STEP = r"Step \d+: ([\d.]+)s"


def run(*command: str) -> None:
    """Runs a command, which must succeed."""
    subprocess.run(command, check=True)


def name(number: int) -> str:
    """The name of a replica's namespace, and of its end of the line."""
    return f"aocr{os.getpid() % 10_000}-{number}"


def address(number: int) -> str:
    """The address of a replica."""
    return f"10.9.0.{number + 1}"


@contextlib.contextmanager
def joined_namespaces(rate: int | None) -> Iterator[None]:
    """Makes two namespaces and a line between them, of so many megabits a second."""
    try:
        for number in range(REPLICAS):
            run("ip", "netns", "add", name(number))
        ends = ("type", "veth", "peer", "name", name(1), "netns", name(1))
        run("ip", "link", "add", name(0), "netns", name(0), *ends)
        for number in range(REPLICAS):
            own = ("ip", "-n", name(number))
            run(*own, "address", "add", f"{address(number)}/24", "dev", name(number))
            run(*own, "link", "set", "lo", "up")
            run(*own, "link", "set", name(number), "up")
            if rate:
                limit = ("tbf", "rate", f"{rate}mbit", "burst", "256kb", "latency", "400ms")
                where = ("qdisc", "add", "dev", name(number), "root")
                run("ip", "netns", "exec", name(number), "tc", *where, *limit)
        yield
    finally:
        for number in range(REPLICAS):
            subprocess.run(["ip", "netns", "delete", name(number)], check=False)


def start(number: int, folder: str, steps: int) -> subprocess.Popen[str]:
    """Starts a replica in its namespace."""
    workers = [f"{address(each)}:2222" for each in range(REPLICAS)]
    task = {"type": "worker", "index": number}
    flags = ("--recipe=modern", f"--max-steps={steps}", f"--model-dir={number}", "--seed=1")
    return subprocess.Popen(
        ["ip", "netns", "exec", name(number), sys.executable, "-m", "aocr", "train"]
        + ["words.tfrecords", *flags, "--log-path=/dev/null", "--cluster-timeout=300"],
        cwd=folder,
        env=measure.environment()
        | {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})},
        stderr=subprocess.PIPE,
        text=True,
    )


def step_of(rate: int | None, steps: int) -> tuple[float, int]:
    """The median step in seconds, and the bytes of its gradients."""
    with tempfile.TemporaryDirectory() as folder, joined_namespaces(rate):
        measure.in_fresh_process(write_words, f"{folder}/words.tfrecords")
        replicas = [start(number, folder, steps) for number in range(REPLICAS)]
        logs = [replica.communicate()[1] for replica in replicas]
    if any(replica.returncode for replica in replicas):
        raise RuntimeError("\n".join(logs))
    times = [float(seconds) for seconds in re.findall(STEP, logs[0])]
    weights = int(re.search(WEIGHTS, logs[0])[1].replace(",", ""))
    return statistics.median(times[SKIPPED:]), 4 * weights


def write_words(path: str) -> None:
    """Records of words."""
    measure.import_tensorflow()
    measure.write_records(path, measure.draw_words(WORDS))


def rows(rates: list[int], steps: int) -> Iterator[measure.Row]:
    """What each rate adds to a step, against the time of the bytes."""
    without, size = step_of(None, steps)
    yield measure.Row("a step of two replicas, no limit", f"{without:.3f} s")
    for rate in rates:
        added = step_of(rate, steps)[0] - without
        sent = 2 * size * (REPLICAS - 1) / REPLICAS
        expected = sent * 8 / (rate * 1e6)
        what = f"added by a line of {rate} Mbit/s"
        against = f"{sent / 1e6:.1f} MB: {expected:.3f} s"
        yield measure.Row(what, f"{added:.3f} s", against, added / expected)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 100], metavar="MBIT")
    parser.add_argument("--steps", type=int, default=20, help="(default: %(default)s)")
    args = parser.parse_args()
    measure.print_table(rows(args.rates, args.steps))


if __name__ == "__main__":
    main()
