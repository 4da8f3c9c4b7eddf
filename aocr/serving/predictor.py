"""Reads images by file name, in the order of their names."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import MAX_PIXELS, TEST_BATCH_SIZE, Config
from aocr.data.image_files import to_supported_format
from aocr.data.image_header import ImageFileError, quiet_pillow
from aocr.data.preprocessing import Prepared
from aocr.model import checkpoints
from aocr.model.postprocessing import character_steps
from aocr.report.predictions_file import characters_of, json_line, six_digits
from aocr.serving.graph import ServingGraph, build_serving_graph
from aocr.util.errors import first_line
from aocr.util.session import open_session

FEW = 16
"""Up to so many images are read sooner without Grappler, see `session.open_session`."""


class Prediction(NamedTuple):
    """One file and what was read from it.

    Attributes:
        path: of the file.
        text: what was read.
        probability: of the text and of its end.
        character_probabilities: of each character of the text, given those before it.
        failure: why nothing was read, else empty.
    """

    path: str
    text: str = ""
    probability: float = 0.0
    character_probabilities: tuple[float, ...] = ()
    failure: str = ""


def predict(
    config: Config, paths: Iterable[str], checkpoint: str, gpu_id: int
) -> Iterator[Prediction]:
    """Reads each file, converted as `aocr dataset` does; a bad one is a prediction with a failure.

    Args:
        config: the model.
        paths: image files. They may arrive one by one: nothing waits for a full batch.
        checkpoint: its weights.
        gpu_id: negative for the CPU.

    Raises:
        UserError: the checkpoint is of another model.
    """
    model = build_serving_graph(config)
    few = isinstance(paths, Sequence) and len(paths) <= FEW
    opened = open_session(model.graph, gpu_id, optimize=not few)
    with opened, quiet_pillow(), ThreadPoolExecutor() as threads:
        checkpoints.restore(opened, checkpoint)
        for batch in _batches_as_they_come(paths):
            yield from _read_batch(opened, model, threads, batch)


def log_result(prediction: Prediction) -> None:
    """The lines of COMPAT.md, section 4, and the reason of a failure."""
    if prediction.failure:
        logging.error("Result: error while opening file %s.", prediction.path)
        logging.error("%s: %s", prediction.path, prediction.failure)
    else:
        logging.info("Result: OK. %.2f %s", prediction.probability, prediction.text)


def to_row(prediction: Prediction) -> str:
    """Path, text and probability as a line of TSV."""
    return f"{prediction.path}\t{prediction.text}\t{prediction.probability:.6f}\n"


def to_json(prediction: Prediction) -> str:
    """What is known of the prediction, character by character, as a line of JSON."""
    if prediction.failure:
        return json_line({"path": prediction.path, "error": prediction.failure})
    return json_line(
        {
            "path": prediction.path,
            "text": prediction.text,
            "probability": six_digits(prediction.probability),
            "characters": characters_of(prediction.text, prediction.character_probabilities),
        }
    )


def _batches_as_they_come(paths: Iterable[str]) -> Iterator[list[str]]:
    """Lists of one to `TEST_BATCH_SIZE` paths: whatever has arrived since the last."""
    arrived: queue.Queue[str | None] = queue.Queue(maxsize=4 * TEST_BATCH_SIZE)

    def pump() -> None:
        for path in itertools.chain(paths, [None]):
            arrived.put(path)

    threading.Thread(target=pump, daemon=True).start()
    ended = False
    while not ended:
        batch = [arrived.get()]
        while len(batch) < TEST_BATCH_SIZE and not arrived.empty() and batch[-1] is not None:
            batch.append(arrived.get())
        ended = batch[-1] is None
        present = [path for path in batch if path is not None]
        if present:
            yield present


def _read_batch(
    opened: tf.compat.v1.Session,
    model: ServingGraph,
    threads: ThreadPoolExecutor,
    paths: list[str],
) -> Iterator[Prediction]:
    """One prediction a path, in order."""

    def load(path: str) -> Prepared | str:
        try:
            with tf.io.gfile.GFile(path, "rb") as file:
                encoded = to_supported_format(file.read(), MAX_PIXELS).encoded
            pixels, widths = opened.run(model.prepared, {model.input: encoded})
            return Prepared(pixels[0], widths[0])
        except (UnicodeError, TypeError):
            return "its name is not UTF-8, which TensorFlow cannot open"
        except tf.errors.NotFoundError:
            return "no such file"
        except ImageFileError as error:
            return str(error)
        except tf.errors.OpError as error:
            return first_line(error)

    loaded = list(threads.map(load, paths))
    images = [image for image in loaded if not isinstance(image, str)]
    readings = _readings(opened, model, images) if images else iter(())
    for path, image in zip(paths, loaded, strict=True):
        if isinstance(image, str):
            yield Prediction(path, failure=image)
        else:
            yield Prediction(path, *next(readings))


def _readings(
    opened: tf.compat.v1.Session, model: ServingGraph, images: list[Prepared]
) -> Iterator[tuple[str, float, tuple[float, ...]]]:
    """The text of each prepared image, its probability and those of its characters."""
    batch = zip(model.prepared, zip(*images, strict=True), strict=True)
    reading = opened.run(model.reading, {tensor: np.stack(values) for tensor, values in batch})
    for n, text in enumerate(reading.text):
        steps = reading.step_probabilities[n][character_steps(reading.symbols[n])]
        yield text.decode(), float(reading.probability[n]), tuple(steps.tolist())
