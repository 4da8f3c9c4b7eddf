"""Answers the page for people and its `/read`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib.resources
import re
import time
from typing import NamedTuple

import numpy as np
from starlette.concurrency import run_in_threadpool

from aocr.model.readings import Reading
from aocr.server.errors import invalid_argument
from aocr.server.models.model_versions import ModelVersions, RequestPath

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Page(NamedTuple):
    """Holds the page and the headers that it is sent with."""

    html: bytes
    headers: dict[str, str]


def load_page() -> Page:
    """Returns the page in the package."""
    text = importlib.resources.files("aocr.server").joinpath("page/index.html").read_text("utf-8")
    policy = (
        "default-src 'none'; connect-src 'self'; img-src 'self' blob: data:; media-src blob:; "
        f"script-src {_hashes(_SCRIPT, text)}; style-src {_hashes(_STYLE, text)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Page(text.encode(), headers)


def _hashes(pattern: re.Pattern[str], text: str) -> str:
    """Returns the sources that permit exactly the scripts or styles in the page."""
    digests = [hashlib.sha256(content.encode()).digest() for content in pattern.findall(text)]
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)


async def read(versions: ModelVersions, encoded: bytes, attention: bool) -> dict[str, object]:
    """Returns what was read from an image file, as values for JSON.

    Args:
        versions: the model; its newest version reads.
        encoded: an image file of any format that `aocr predict` reads, shown as by a viewer.
        attention: whether to return the attention of each character, if the model tells it.

    Raises:
        RestError: the image cannot be read.
    """
    if not encoded:
        raise invalid_argument("no image: send the image file as the body of the request")
    start = time.perf_counter()
    with versions.use(RequestPath(versions.name)) as served:
        future = await run_in_threadpool(served.submit_upright, encoded, attention)
        reading: Reading = await asyncio.wrap_future(future)
        version = str(served.version)
    return {
        "text": reading.text,
        "probability": reading.probability,
        "characters": _characters(reading, attention),
        "model": versions.name,
        "version": version,
        "milliseconds": round(1000 * (time.perf_counter() - start), 1),
    }


def _characters(reading: Reading, attention: bool) -> list[dict[str, object]]:
    """Returns each character with what is known of it."""
    characters: list[dict[str, object]] = [{"character": each} for each in reading.text]
    for each, probability in zip(characters, reading.character_probabilities or (), strict=False):
        each["probability"] = probability
    if attention and reading.attention is not None:
        for each, weights in zip(characters, reading.attention, strict=True):
            each["attention"] = np.round(weights.astype(float), 4).tolist()
    return characters
