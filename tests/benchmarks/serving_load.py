"""`aocr serve` under load on loopback, with a client in a process of its own.

    python tests/benchmarks/serving_load.py [--model latin] [--seconds 60] [--rounds 1]
        [--images 500] [--bad-requests 1000] [--overhead]
    python tests/benchmarks/serving_load.py --new-version

Each round asks for one image at a time over 1 connection, then over 32. Prints images a second,
their ratio, the latency, errors, and the server's resident memory. `--bad-requests` sends requests
that are wrong in between. `--overhead` compares the server with `aocr test` of the same images, by
the clock and by the CPU time, without what each takes to start. `--new-version` reads 1,000 images
while a new version appears, and counts which version read each image. The client is wrk,
by `http_load.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import collections
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import http_load
import measure
import serving_versions
from served_process import Server, serving

CONNECTIONS = (1, 32)
BAD = ["", "{", '{"inputs": {"b64": "?"}}', '{"inputs": {"b64": "bm8gaW1hZ2U="}}', "[" * 1000]
FEW = 256
"""Number of images whose time `aocr test` is allowed to start in."""


def bodies_of(images: list[bytes]) -> list[str]:
    """Returns a request for each image."""
    return [json.dumps({"inputs": {"b64": base64.b64encode(image).decode()}}) for image in images]


def load(server: Server, requests: pathlib.Path, connections: int, seconds: float) -> dict:
    """Runs the client for some time; adds images a second and the CPU time of the server."""
    before = server.cpu_seconds()
    found = http_load.load(server.port, requests, connections, seconds)
    good = found["answers"] - found["errors"]
    found["per_second"] = good / found["seconds"]
    found["per_cpu_second"] = good / max(1e-9, server.cpu_seconds() - before)
    return found


async def _send_bad(port: int, count: int) -> collections.Counter:
    seen: collections.Counter = collections.Counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(count):
        body = BAD[number % len(BAD)].encode()
        status, _ = await http_load.ask(reader, writer, http_load.post(body))
        seen[status] += 1
    writer.close()
    return seen


def under_load(args: argparse.Namespace, server: Server, requests: pathlib.Path) -> list[dict]:
    """Measures both numbers of connections in turn; prints a line for each; returns those of 32."""
    for connections in CONNECTIONS:
        load(server, requests, connections, min(2, args.seconds))  # to warm up
    before = server.memory()
    rates: dict[int, list[dict]] = {connections: [] for connections in CONNECTIONS}
    for number in range(args.rounds):
        for connections in CONNECTIONS:
            found = load(server, requests, connections, args.seconds)
            rates[connections].append(found)
            latency = ", ".join(f"{k} {v:.1f} ms" for k, v in found["milliseconds"].items())
            print(
                f"{connections} connections: {found['per_second']:.1f} images/s, "
                f"{found['per_cpu_second']:.1f} per CPU second, {latency}, "
                f"{found['errors']} errors"
            )
        if args.bad_requests and number == 0:
            seen = asyncio.run(_send_bad(server.port, args.bad_requests))
            print(f"{args.bad_requests} bad requests: {dict(seen)}")
    few, many = (
        statistics.median(each["per_second"] for each in rates[connections])
        for connections in CONNECTIONS
    )
    print(f"32 connections against 1: {many / few:.2f} times (target: at least 3)")
    now = server.memory()
    print(f"resident memory: {before / measure.MIB:.0f} MiB, then {now / measure.MIB:.0f} MiB")
    return rates[CONNECTIONS[-1]]


def seconds_of_test(model: str, dataset: str, folder: str) -> tuple[float, float]:
    """Returns the time by the clock and the CPU time that `aocr test` takes."""
    command = [sys.executable, "-m", "aocr", "test", dataset, f"--model-dir={model}", "--gpu-id=-1"]
    environment = {**os.environ, "PYTHONPATH": measure.ROOT}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def print_overhead(
    args: argparse.Namespace, served: list[dict], pairs: list[tuple[bytes, str]], folder: str
) -> None:
    """Compares with `aocr test`, whose time for a few images is taken off that for all of them."""
    few, many = f"{folder}/few.tfrecords", f"{folder}/many.tfrecords"
    measure.write_records(few, pairs, FEW)
    measure.write_records(many, pairs, FEW + args.test_images)
    small, large = (seconds_of_test(args.model, path, folder) for path in (few, many))
    clock, cpu = (args.test_images / (all_ - some) for all_, some in zip(large, small, strict=True))
    for what, key, against in (
        ("second", "per_second", clock),
        ("CPU second", "per_cpu_second", cpu),
    ):
        found = statistics.median(each[key] for each in served)
        print(
            f"over HTTP {found:.1f} images per {what}, aocr test {against:.1f}: "
            f"{found / against:.2f} (target: at least 0.8)"
        )


def main() -> None:
    """Runs what the flags ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="latin")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--images", type=int, default=500, help="different ones")
    parser.add_argument("--test-images", type=int, default=4000, help="that aocr test reads")
    parser.add_argument("--bad-requests", type=int, default=0)
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--new-version", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.new_version:
            serving_versions.new_version(folder)
            return
        args.model = os.path.abspath(args.model) if os.path.exists(args.model) else args.model
        requests = pathlib.Path(folder) / "bodies.txt"
        pairs = measure.draw_words(args.images)
        requests.write_text("\n".join(bodies_of([image for image, _ in pairs])) + "\n")
        with serving(args.model, folder) as server:
            served = under_load(args, server, requests)
        if args.overhead:
            print_overhead(args, served, pairs, folder)


if __name__ == "__main__":
    main()
