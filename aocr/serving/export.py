"""A restored session to a SavedModel or a frozen graph, checked before it appears."""

from __future__ import annotations

import io
import logging
import os
import posixpath
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from aocr.config import Config
from aocr.model import config_file, tensor_names
from aocr.util.errors import UserError, first_line

FROZEN_GRAPH = "frozen_graph.pb"
SAVED_MODEL = "savedmodel"
OWN_FILES = (
    FROZEN_GRAPH,
    "saved_model.pb",
    "fingerprint.pb",
    "variables",
    "assets",
    config_file.FILE_NAME,
)
"""What an export may leave in its folder, and `--force` therefore replaces."""

FROZEN_NAMES = (
    tensor_names.IMAGE_INPUT,
    tensor_names.PREDICTION_OUTPUT,
    tensor_names.PROBABILITY_OUTPUT,
)
PROBABILITY_TOLERANCE = 1e-4


class Endpoints(NamedTuple):
    """Encoded images in (string, scalar or `[N]`); texts and probabilities out, same shape."""

    input: tf.Tensor
    output: tf.Tensor
    probability: tf.Tensor


Read = Callable[[bytes], tuple[str, float]]
"""One encoded image to its text and probability."""


def export(
    session: tf.compat.v1.Session,
    endpoints: Endpoints,
    folder: str,
    form: str,
    force: bool,
    config: Config,
) -> None:
    """Writes the session's graph and weights, reads them back, compares, and names the result.

    Args:
        session: with restored variables.
        endpoints: of the session's graph.
        folder: where the files go; it appears with all of them or not at all.
        form: `savedmodel` or `frozengraph`.
        force: replace a former export.
        config: goes beside the model, as `config.json`.

    Raises:
        UserError: the folder has something in it, cannot be written, or what was written reads
            otherwise than the session.
    """
    folder = folder.rstrip("/") or folder
    check_folder(folder, force)
    temporary = f"{folder}.{os.getpid()}.tmp"
    try:
        if form == SAVED_MODEL:
            _write_saved_model(session, endpoints, temporary)
            _check(session, endpoints, _read_saved_model(temporary))
        else:
            _write_frozen_graph(session, temporary)
            _check(session, endpoints, _read_frozen_graph(temporary))
        config_file.write(temporary, config)
        _move(temporary, folder)
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write the export {folder}: {reason}") from error
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)
    if form == SAVED_MODEL:
        logging.info("Exported SavedModel into %s", folder)
    else:
        logging.info("Exported as %s", posixpath.join(folder, FROZEN_GRAPH))


def check_folder(folder: str, force: bool) -> None:
    """Refuses a folder with something in it.

    Raises:
        UserError: as said.
    """
    if not tf.io.gfile.exists(folder):
        return
    if not tf.io.gfile.isdir(folder):
        raise UserError(f"{folder} is a file: name a folder to export into")
    if tf.io.gfile.listdir(folder) and not force:
        raise UserError(f"{folder} is not empty: name another folder, or replace it with --force")


def _move(temporary: str, folder: str) -> None:
    """Puts the new files in place of those of a former export; others stay."""
    tf.io.gfile.makedirs(folder)
    for name in OWN_FILES:
        old = posixpath.join(folder, name)
        if tf.io.gfile.exists(old):
            tf.io.gfile.rmtree(old) if tf.io.gfile.isdir(old) else tf.io.gfile.remove(old)
    for name in tf.io.gfile.listdir(temporary):
        name = name.rstrip("/")
        tf.io.gfile.rename(posixpath.join(temporary, name), posixpath.join(folder, name))


def _write_saved_model(session: tf.compat.v1.Session, endpoints: Endpoints, folder: str) -> None:
    """Tag `serve`, signature `serving_default` (COMPAT.md, section 3)."""
    saved_model = tf.compat.v1.saved_model
    info = saved_model.build_tensor_info
    with session.graph.as_default():
        signature = saved_model.build_signature_def(
            inputs={tensor_names.SIGNATURE_IMAGES: info(endpoints.input)},
            outputs={
                tensor_names.SIGNATURE_TEXT: info(endpoints.output),
                tensor_names.SIGNATURE_PROBABILITY: info(endpoints.probability),
            },
            method_name=saved_model.PREDICT_METHOD_NAME,
        )
        builder = saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            session,
            [saved_model.SERVING],
            {saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
            clear_devices=True,
            strip_default_attrs=True,
        )
    builder.save()


def _write_frozen_graph(session: tf.compat.v1.Session, folder: str) -> None:
    """One file, the weights inside; `FROZEN_NAMES` are its input and outputs."""
    with session.graph.as_default():
        frozen = tf.compat.v1.graph_util.convert_variables_to_constants(
            session, session.graph.as_graph_def(), FROZEN_NAMES[1:]
        )
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(posixpath.join(folder, FROZEN_GRAPH), "wb") as file:
        file.write(frozen.SerializeToString())


def _read_saved_model(folder: str) -> Read:
    """Reads an image as a client of the signature does."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    saved_model = tf.compat.v1.saved_model
    meta_graph = saved_model.load(session, [saved_model.SERVING], folder)
    signature = meta_graph.signature_def[saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
    keys = tensor_names.SIGNATURE_TEXT, tensor_names.SIGNATURE_PROBABILITY
    outputs = [signature.outputs[key].name for key in keys]
    return _reader(session, signature.inputs[tensor_names.SIGNATURE_IMAGES].name, outputs)


def _read_frozen_graph(folder: str) -> Read:
    """Reads an image as a client that loads the frozen graph by its names does."""
    with tf.io.gfile.GFile(posixpath.join(folder, FROZEN_GRAPH), "rb") as file:
        graph_def = tf.compat.v1.GraphDef.FromString(file.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    image, *outputs = (f"{name}:0" for name in FROZEN_NAMES)
    return _reader(tf.compat.v1.Session(graph=graph), image, outputs)


def _reader(session: tf.compat.v1.Session, image: str, outputs: list[str]) -> Read:
    def read(encoded: bytes) -> tuple[str, float]:
        text, probability = session.run(outputs, {image: encoded})
        return text.decode(), float(probability)

    return read


def _check(session: tf.compat.v1.Session, endpoints: Endpoints, read: Read) -> None:
    """Compares what was written with the live model on sample images.

    Raises:
        UserError: they read differently.
    """
    samples = sample_images()
    live = _reader(session, endpoints.input.name, [t.name for t in endpoints[1:]])
    largest = 0.0
    for sample in samples:
        (text, probability), (expected, sure) = read(sample), live(sample)
        largest = max(largest, abs(probability - sure))
        if text != expected or largest > PROBABILITY_TOLERANCE:
            raise UserError(
                f"the export reads {text!r} ({probability:.6f}) where the model reads "
                f"{expected!r} ({sure:.6f}): nothing is exported"
            )
    logging.info(
        "Checked the export against the model on %i sample images: same texts, "
        "probabilities within %.0e.",
        len(samples),
        largest,
    )


def sample_images() -> list[bytes]:
    """A few images to compare models on: words and noise, of several sizes, modes and formats."""
    noise = np.random.default_rng(0).integers(0, 256, [40, 100, 3], np.uint8)
    pictures = [
        (_word("HELLO", "L", (120, 40)), "PNG"),
        (_word("2026", "RGB", (160, 60)), "JPEG"),
        (_word("A WIDE ONE", "RGB", (400, 32)), "BMP"),
        (Image.fromarray(noise), "PNG"),
    ]
    encoded = []
    for picture, form in pictures:
        file = io.BytesIO()
        picture.save(file, form)
        encoded.append(file.getvalue())
    return encoded


def _word(text: str, mode: str, size: tuple[int, int]) -> Image.Image:
    picture = Image.new(mode, size, "white")
    font = ImageFont.load_default(size[1] * 0.6)
    ImageDraw.Draw(picture).text((size[0] / 2, size[1] / 2), text, "black", font, anchor="mm")
    return picture
