"""Makes a tiny model of noise with its exports, in the process of the tests, in a second or two."""

import pathlib
import shutil
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from helpers import TINY, encoded, load_noise, noise
from PIL import Image

from aocr.exports import formats
from aocr.exports.export import ExportedModel, write_verified
from aocr.exports.folder import Destination
from aocr.inference.graph import build_serving_graph
from aocr.inference.signatures import ServingSession
from aocr.model import config_file
from aocr.util.paths.files import write_atomically


class TinyModel(NamedTuple):
    """Holds where the parts of the model are.

    Attributes:
        model_dir: a model directory.
        checkpoint: path of the checkpoint in it.
        saved_model: an export in the format `savedmodel`.
        frozen_graph: an export in the format `frozengraph`.
        versions: a folder with the versions 1 and 3 of a SavedModel, and other things.
    """

    model_dir: str
    checkpoint: str
    saved_model: str
    frozen_graph: str
    versions: str


def make_tiny_model(folder: pathlib.Path) -> TinyModel:
    """Makes all parts below a folder."""
    made = TinyModel(
        model_dir=f"{folder}/model",
        checkpoint=f"{folder}/model/model.ckpt-1",
        saved_model=f"{folder}/saved_model",
        frozen_graph=f"{folder}/frozen_graph",
        versions=f"{folder}/versions",
    )
    graph = build_serving_graph(TINY)
    with graph.graph.as_default(), tf.compat.v1.Session() as session:
        load_noise(session)
        config_file.write(made.model_dir, TINY)
        tf.compat.v1.train.Saver().save(session, made.checkpoint, write_meta_graph=False)
        serving = ServingSession(session, graph.input, graph.output, graph.probability)
        for name, target in (
            ("savedmodel", made.saved_model),
            ("frozengraph", made.frozen_graph),
        ):
            destination = Destination(target, formats.load_format(name))
            write_verified(ExportedModel(serving, TINY), destination)
    for version in ("1", "00000003"):
        add_version(made, version)
    write_atomically(f"{made.versions}/notes.txt", b"not a version")
    tf.io.gfile.makedirs(f"{made.versions}/4")  # which is not complete
    return made


def add_version(made: TinyModel, version: str, versions: str = "") -> None:
    """Adds a version of the SavedModel, which appears complete."""
    target = f"{versions or made.versions}/{version}"
    shutil.copytree(made.saved_model, f"{target}.tmp")
    tf.io.gfile.rename(f"{target}.tmp", target)


def pixels(name: str, height: int = 32, width: int = 16) -> np.ndarray:
    """Returns a grey image, uint8 `[height, width]`, always the same for one name."""
    return (127 * noise(name, height, width) + 128).astype(np.uint8)


def picture(name: str) -> Image.Image:
    """Returns a grey image of 16 x 32 pixels, always the same for one name."""
    return Image.fromarray(pixels(name))


def png(name: str) -> bytes:
    """Returns such an image as a PNG file."""
    return encoded(picture(name))
