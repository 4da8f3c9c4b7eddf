"""The graph behind `serving_pixels`, frozen and without loops, for runtimes other than TensorFlow.

It reads one image, and answers with ids of characters, because such runtimes have no strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.charset import Charset
from aocr.exports.formats.runtime import Runtime
from aocr.exports.formats.unrolling import Node, unroll
from aocr.inference import names
from aocr.inference.signatures import Images, ServingSession
from aocr.model import config_file
from aocr.model.readings import Reading
from aocr.util.errors import UserError

OUTPUTS = (
    names.SIGNATURE_CHARACTERS,
    names.SIGNATURE_CHARACTER_PROBABILITIES,
    names.SIGNATURE_PROBABILITY,
)
"""The outputs: int32 `[1, S]`, see `CharacterReadings`, float32 `[1, S]`, and float32 `[1]`."""


class PixelsGraph(NamedTuple):
    """Holds a graph of nodes that any runtime knows.

    Attributes:
        graph_def: the graph; its outputs are `OUTPUTS`.
        inputs: the inputs of `serving_pixels` for one image, by their names.
    """

    graph_def: tf.compat.v1.GraphDef
    inputs: dict[str, tf.TensorSpec]


def build_pixels_graph(serving: ServingSession) -> PixelsGraph:
    """Freezes the part of a session's graph that reads prepared pixels, and unrolls its loops."""
    signature = next(each for each in serving.signatures if each.name == names.PIXELS_SIGNATURE)
    outputs = [Node(key, signature.outputs[key].op.name) for key in OUTPUTS]
    graph = serving.session.graph
    with graph.as_default():
        frozen = tf.compat.v1.graph_util.convert_variables_to_constants(
            serving.session, graph.as_graph_def(), [node.source for node in outputs]
        )
    inputs = {
        key: tf.TensorSpec([1, *tensor.shape[1:]], tensor.dtype)
        for key, tensor in signature.inputs.items()
    }
    sources = {key: tensor.op.name for key, tensor in signature.inputs.items()}
    sources[names.SIGNATURE_PIXELS] = f"{names.BATCH_SCOPE}/{names.CROPPED_IMAGES}"
    nodes = {Node(key, sources[key]): spec for key, spec in inputs.items()}
    return PixelsGraph(unroll(frozen, nodes, outputs), inputs)


def single_images(prepared: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Yields the inputs of each image of a batch: `[N, ...]` to `[1, ...]`."""
    count = len(prepared[names.SIGNATURE_PIXELS])
    for number in range(count):
        yield {key: values[number : number + 1] for key, values in prepared.items()}


class PixelsReader:
    """Reads prepared images, one at a time, and spells their texts.

    Args:
        folder: the folder of the export; its `config.json` has the characters.
        runtime: the runtime that runs the export.
    """

    def __init__(self, folder: str, runtime: Runtime) -> None:
        self._runtime = runtime
        config = config_file.read(folder)
        if config is None:
            raise UserError(f"{folder} has no {config_file.FILE_NAME}")
        self._symbols = Charset(config.characters).symbols

    def readers(self):
        """Returns the one way to read."""
        return {names.PIXELS_SIGNATURE: self._read}

    def close(self) -> None:
        """Ends the runtime."""
        self._runtime.close()

    def _read(self, images: Images) -> list[Reading]:
        outputs = [self._runtime.run(inputs) for inputs in single_images(images.prepared)]
        return [
            Reading(
                self._spell(each[names.SIGNATURE_CHARACTERS][0]),
                float(each[names.SIGNATURE_PROBABILITY][0]),
            )
            for each in outputs
        ]

    def _spell(self, characters: np.ndarray) -> str:
        return "".join(self._symbols[each] for each in characters)
