"""Clients that load a server: wrk, which costs little, and single requests over a connection.

wrk is in the package of that name in Debian and Ubuntu. It runs `http_load.lua`.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import re
import shutil
import subprocess

PATH = "/v1/models/aocr:predict"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def load(port: int, bodies: pathlib.Path, connections: int, seconds: float) -> dict:
    """Loads a server on loopback for some time, and returns what was measured.

    Args:
        port: of the server.
        bodies: file with a body a line, which are posted in turn.
        connections: that are kept open, each with one request at a time.
        seconds: whole ones.
    """
    if not shutil.which("wrk"):
        raise SystemExit("this benchmark needs wrk: apt-get install wrk")
    script = str(pathlib.Path(__file__).with_suffix(".lua"))
    flags = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "--timeout=30", "-s", script]
    command = ["wrk", *flags, f"http://127.0.0.1:{port}{PATH}", "--", str(bodies)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


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
