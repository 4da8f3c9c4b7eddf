"""A new version appears while a client reads 1,000 images: part of `serving_load.py`."""

from __future__ import annotations

import asyncio
import base64
import collections
import json
import os
import pathlib
import shutil
import sys

import http_load
import measure
from served_process import Server, serving

IMAGES_OF_A_REQUEST, IMAGES_IN_ALL = 4, 1000


def write_version(folder: str, sign: float) -> None:
    """Writes an export of a small model of noise, whose weights have a sign."""
    import tensorflow as tf
    from helpers import TINY, load_noise

    from aocr.exports.export import ExportedModel, write_verified
    from aocr.exports.folder import Destination
    from aocr.exports.formats import savedmodel
    from aocr.inference.graph import build_serving_graph
    from aocr.inference.signatures import ServingSession

    graph = build_serving_graph(TINY)
    with graph.graph.as_default(), tf.compat.v1.Session() as session:
        for name, value in load_noise(session).items():
            if "variance" not in name:
                variable = next(v for v in tf.compat.v1.global_variables() if v.op.name == name)
                variable.load(sign * value, session)
        serving = ServingSession(session, graph.input, graph.output, graph.probability)
        write_verified(ExportedModel(serving, TINY), Destination(folder, savedmodel.FORMAT))


async def _read_on(server: Server, images: list[bytes], target: str, source: str) -> list[list]:
    """Reads images in requests of several; a new version appears after a tenth of them.

    Goes on until 1,000 images are read, and half as many after the new version has answered.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    listed = [{"b64": base64.b64encode(image).decode()} for image in images]
    request = http_load.post(json.dumps({"inputs": listed}).encode())
    answers: list[list] = []
    changed_at = None
    while (
        len(answers) * IMAGES_OF_A_REQUEST < IMAGES_IN_ALL
        or changed_at is None
        or (len(answers) < changed_at + IMAGES_IN_ALL // IMAGES_OF_A_REQUEST // 2)
    ):
        if len(answers) == IMAGES_IN_ALL // IMAGES_OF_A_REQUEST // 10:
            pathlib.Path(source).rename(target)
        status, body = await http_load.ask(reader, writer, request)
        found = json.loads(body)
        answers.append([status, *found.get("outputs", {}).get("probability", [])])
        if changed_at is None and answers[-1] != answers[0]:
            changed_at = len(answers)
        if len(answers) > 1_000_000:
            raise RuntimeError("the new version does not answer")
    return answers


def new_version(folder: str) -> None:
    """Reads while a new version appears, and prints who answered."""
    sys.path.insert(0, f"{measure.ROOT}/tests")
    from tiny_model import png

    import aocr

    images = [png(name) for name in "abcd"]
    expected = {}
    for version, sign in ((1, 1.0), (2, -1.0)):
        write_version(f"{folder}/new{version}", sign)
        with aocr.load(f"{folder}/new{version}", gpu_id=-1) as reader:
            expected[version] = [reading.probability for reading in reader.read(images)]
    os.mkdir(f"{folder}/versions")
    shutil.move(f"{folder}/new1", f"{folder}/versions/1")
    with serving(f"{folder}/versions", folder) as server:
        answers = asyncio.run(_read_on(server, images, f"{folder}/versions/2", f"{folder}/new2"))
    seen: collections.Counter = collections.Counter()
    for status, *probabilities in answers:
        if status != 200:
            seen["errors"] += 1
            continue
        of = [v for v, values in expected.items() if _alike(probabilities, values)]
        seen[f"answers of version {of[0]}" if len(of) == 1 else "mixed answers"] += 1
    print(f"{len(answers)} requests of {IMAGES_OF_A_REQUEST} images: {dict(seen)}")
    print(f"errors: {seen['errors']}, mixtures: {seen['mixed answers']} (target: none of both)")


def _alike(found: list[float], expected: list[float]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(abs(one - other) < 1e-4 * abs(other) for one, other in pairs)
