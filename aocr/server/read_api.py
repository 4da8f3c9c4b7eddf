"""Answers `POST /read`: one image file in, its text with the details of each character out."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from starlette.concurrency import run_in_threadpool

from aocr.reading.backend import Reading
from aocr.server.errors import invalid_argument
from aocr.server.models.model_versions import ModelVersions
from aocr.server.tf_serving.request_path import RequestPath


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
    for each, probability in zip(characters, reading.character_probabilities, strict=False):
        each["probability"] = probability
    if attention and reading.attention is not None:
        for each, weights in zip(characters, reading.attention, strict=True):
            each["attention"] = np.round(weights.astype(float), 4).tolist()
    return characters
