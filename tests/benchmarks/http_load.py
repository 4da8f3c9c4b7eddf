"""A client that loads a server and costs little: prepared requests over kept connections.

    python tests/benchmarks/http_load.py PORT REQUESTS_FILE CONNECTIONS SECONDS

REQUESTS_FILE holds a JSON list of bodies, which are posted in turn. Prints one line of JSON: the
answers by their status, and percentiles of the latency. `serving_load.py` runs it.
"""

from __future__ import annotations

import asyncio
import collections
import json
import pathlib
import re
import sys
import time

PATH = "/v1/models/aocr:predict"
PERCENTILES = (50, 99)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def post(body: bytes) -> bytes:
    """Returns the bytes of a request."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Sends a request, and returns the status and the body of its answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if not length:
        raise ValueError(f"answer without a length: {head[:200]!r}")
    return int(head[9:12]), await reader.readexactly(int(length[1]))


async def _one_connection(
    port: int, requests: list[bytes], first: int, end: float, seen: collections.Counter
) -> list[float]:
    """Posts requests until a time; returns the seconds that each of them took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken: list[float] = []
    number = first
    while (start := time.perf_counter()) < end:
        status, _ = await ask(reader, writer, requests[number % len(requests)])
        taken.append(time.perf_counter() - start)
        seen[status] += 1
        number += 1
    writer.close()
    return taken


async def load(port: int, bodies: list[bytes], connections: int, seconds: float) -> dict:
    """Loads a server for some time, and returns what was measured."""
    requests = [post(body) for body in bodies]
    seen: collections.Counter = collections.Counter()
    start = time.perf_counter()
    found = await asyncio.gather(
        *(
            _one_connection(port, requests, number * 7, start + seconds, seen)
            for number in range(connections)
        ),
        return_exceptions=True,
    )
    elapsed = time.perf_counter() - start
    failed = [each for each in found if isinstance(each, BaseException)]
    taken = sorted(t for each in found if not isinstance(each, BaseException) for t in each)
    return {
        "statuses": {str(status): count for status, count in seen.items()},
        "failed_connections": [repr(each) for each in failed],
        "seconds": elapsed,
        "milliseconds": {
            f"p{p}": 1000 * taken[min(len(taken) - 1, len(taken) * p // 100)]
            for p in PERCENTILES
            if taken
        },
    }


def main() -> None:
    """Runs the client."""
    port, requests_file, connections, seconds = sys.argv[1:]
    bodies = [each.encode() for each in json.loads(pathlib.Path(requests_file).read_text())]
    print(json.dumps(asyncio.run(load(int(port), bodies, int(connections), float(seconds)))))


if __name__ == "__main__":
    main()
