"""Predicts the text of image files, in the order of their names."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import MAX_PIXELS, TEST_BATCH_SIZE, Config
from aocr.data.decoder_complaints import DecoderWatch
from aocr.data.file_reading import read_file
from aocr.data.image_files import convert_watched
from aocr.data.image_header import ImageFileError, TooManyPixelsError, quiet_pillow
from aocr.data.preprocessing import Prepared
from aocr.model import checkpoints
from aocr.model.postprocessing import Reading, character_mask
from aocr.model.search.text_search import Search
from aocr.serving.batching import batch_arrivals
from aocr.serving.graph import ServingGraph, build_serving_graph
from aocr.util.errors import first_line
from aocr.util.session import open_session

MAX_IMAGES_WITHOUT_GRAPPLER = 16
"""Largest number of images for which `predict` turns off Grappler, TensorFlow's graph optimizer.
For so few images, optimizing the graph takes longer than it saves."""


class FilePrediction(NamedTuple):
    """Holds the prediction for one image file.

    Attributes:
        path: path of the file, as it was given.
        text: the predicted text.
        probability: probability of the text, its end included.
        character_probabilities: the probability of each character, given those before it.
        failure: why the file could not be read; empty if it was.
        readings: the most probable texts; none for greedy decoding.
        is_exact: False if a search was not wide enough to be sure of the readings.
        complaint: what the decoder complains about although it decodes the image; or empty.
    """

    path: str
    text: str = ""
    probability: float = 0.0
    character_probabilities: tuple[float, ...] = ()
    failure: str = ""
    readings: tuple[Reading, ...] = ()
    is_exact: bool = True
    complaint: str = ""


class _PreparedFile(NamedTuple):
    """Holds an image file, prepared for the model.

    Attributes:
        path: path of the file.
        image: pixels float32 `[32, W, C]` and their width; None if the file could not be read.
        failure: why it could not be read, else empty.
        complaint: what the decoder complains about, or empty.
    """

    path: str
    image: Prepared | None = None
    failure: str = ""
    complaint: str = ""


class _ImagePrediction(NamedTuple):
    """Holds the fields of `FilePrediction` that the model computes."""

    text: str
    probability: float
    character_probabilities: tuple[float, ...]
    readings: tuple[Reading, ...]
    is_exact: bool


def predict(
    config: Config,
    paths: Iterable[str],
    checkpoint: str,
    gpu_id: int,
    search: Search | None = None,
) -> Iterator[FilePrediction]:
    """Predicts the text of each image file, which is read and converted as by `aocr dataset`.

    Args:
        config: the config of the model.
        paths: paths of image files. They may arrive one by one: a prediction does not wait for
            a full batch.
        checkpoint: path of the checkpoint that holds the weights.
        gpu_id: index of the GPU; negative for the CPU.
        search: says which texts are looked for; None for greedy decoding.

    Yields:
        A prediction for each path, in the order of the paths. If a file cannot be read, its
        prediction holds the reason.

    Raises:
        UserError: the checkpoint does not fit the config.
    """
    model = build_serving_graph(config, search=search)
    few = isinstance(paths, Sequence) and len(paths) <= MAX_IMAGES_WITHOUT_GRAPPLER
    session = open_session(model.graph, gpu_id, optimize=not few)
    with session, quiet_pillow(), DecoderWatch() as watch, ThreadPoolExecutor() as threads:
        checkpoints.restore(session, checkpoint)
        prepare = functools.partial(_prepare_file, session, model, watch)
        for batch in batch_arrivals(paths, TEST_BATCH_SIZE):
            yield from _predict_files(session, model, list(threads.map(prepare, batch)))


def _prepare_file(
    session: tf.compat.v1.Session, model: ServingGraph, watch: DecoderWatch, path: str
) -> _PreparedFile:
    """Reads and prepares one image file. May be called by several threads at a time."""
    try:
        image, complaint = convert_watched(read_file(path), MAX_PIXELS, watch)
        with watch.together():
            pixels, widths = session.run(model.prepared, {model.input: image.encoded})
    except TooManyPixelsError as error:  # whose reason names a flag of another command
        return _PreparedFile(path, failure=f"more than {MAX_PIXELS} pixels ({error.detail})")
    except ImageFileError as error:
        return _PreparedFile(path, failure=str(error))
    except tf.errors.OpError as error:
        return _PreparedFile(path, failure=first_line(error))
    prepared = Prepared(pixels[0], widths[0])  # [1, 32, W, C] --> [32, W, C]
    return _PreparedFile(path, prepared, complaint=complaint)


def _predict_files(
    session: tf.compat.v1.Session, model: ServingGraph, files: list[_PreparedFile]
) -> Iterator[FilePrediction]:
    """Yields a prediction for each file; the model runs once, on all images."""
    images = [file.image for file in files if file.image is not None]
    predictions = iter(_predict_images(session, model, images) if images else [])
    for file in files:
        if file.image is None:
            yield FilePrediction(file.path, failure=file.failure)
        else:
            prediction = next(predictions)._asdict()
            yield FilePrediction(file.path, **prediction, complaint=file.complaint)


def _predict_images(
    session: tf.compat.v1.Session, model: ServingGraph, images: list[Prepared]
) -> list[_ImagePrediction]:
    """Runs the model on a batch of prepared images."""
    batch = Prepared(*(np.stack(values) for values in zip(*images, strict=True)))
    fetches = model.transcription, model.readings or ()
    found, readings = session.run(fetches, dict(zip(model.prepared, batch, strict=True)))
    return [
        _ImagePrediction(
            text=text.decode(),
            probability=float(found.probability[number]),
            character_probabilities=tuple(
                found.step_probabilities[number][character_mask(found.symbols[number])].tolist()
            ),
            readings=readings.of_image(number) if readings else (),
            is_exact=bool(readings.is_exact[number]) if readings else True,
        )
        for number, text in enumerate(found.text)
    ]
