"""Holds a session that turns encoded images into text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.inference import names
from aocr.inference.graph import ServingGraph
from aocr.inference.signatures import Signature
from aocr.model.readings import Reading


class Images(NamedTuple):
    """Holds a batch of images, in the two forms in which exports take them.

    Attributes:
        encoded: the image files.
        prepared: the inputs of `serving_pixels` by their keys; empty if nothing takes them.
    """

    encoded: list[bytes]
    prepared: Mapping[str, np.ndarray]


ReadBatch = Callable[[Images], list[Reading]]
"""Reads a batch of images: their texts and probabilities."""


class Exported(Protocol):
    """Declares what a format loads from its files."""

    def readers(self) -> Mapping[str, ReadBatch]:
        """Returns each way to read images with the export, by its name."""

    def close(self) -> None:
        """Frees what the export holds."""


class ServingSession(NamedTuple):
    """Holds a session with a serving graph, and the tensors that a client feeds and fetches.

    Attributes:
        session: a session whose variables have their trained values.
        input: string, encoded images: a scalar or `[N]`.
        output: string, the texts. In a frozen graph a scalar for one image, else `[N]`; in the
            other graphs in the shape of the input.
        probability: float64, the texts' probabilities, in the shape of `output`.
        search_outputs: what a search adds to the signature `serving_default`, by its keys.
        signatures: what else a client may feed and fetch.
        loaded_definitions: the definitions of all signatures in the file that the graph is from.
    """

    session: tf.compat.v1.Session
    input: tf.Tensor
    output: tf.Tensor
    probability: tf.Tensor
    search_outputs: Mapping[str, tf.Tensor] = MappingProxyType({})
    signatures: tuple[Signature, ...] = ()
    loaded_definitions: Mapping[str, meta_graph_pb2.SignatureDef] = MappingProxyType({})

    def predict(self, encoded: bytes) -> tuple[str, float]:
        """Returns the text of one encoded image and the text's probability."""
        fetches = [self.output, self.probability]
        text, probability = self.session.run(fetches, {self.input: encoded})
        return text.decode(), float(probability)

    def all_signatures(self) -> list[Signature]:
        """Returns `serving_default` and the other signatures."""
        outputs = {
            names.SIGNATURE_TEXT: self.output,
            names.SIGNATURE_PROBABILITY: self.probability,
            **self.search_outputs,
        }
        inputs = {names.SIGNATURE_IMAGES: self.input}
        return [Signature(names.DEFAULT_SIGNATURE, inputs, outputs), *self.signatures]

    def definitions(self) -> dict[str, meta_graph_pb2.SignatureDef]:
        """Returns the definitions of all signatures, as a SavedModel has or would have them."""
        if self.loaded_definitions:
            return dict(self.loaded_definitions)
        with self.session.graph.as_default():
            return {each.name: each.definition() for each in self.all_signatures()}

    def readers(self) -> dict[str, ReadBatch]:
        """Returns a function for each signature, which reads images as the signature does."""
        return {each.name: functools.partial(self._read, each) for each in self.all_signatures()}

    def _read(self, signature: Signature, images: Images) -> list[Reading]:
        given = {names.SIGNATURE_IMAGES: images.encoded, **images.prepared}
        feed = {tensor: given[key] for key, tensor in signature.inputs.items()}
        outputs = [signature.outputs[names.SIGNATURE_TEXT]]
        outputs.append(signature.outputs[names.SIGNATURE_PROBABILITY])
        texts, probabilities = self.session.run(outputs, feed)
        return [
            Reading(text.decode(), float(probability))
            for text, probability in zip(np.ravel(texts), np.ravel(probabilities), strict=True)
        ]

    def prepare(self, encoded: list[bytes]) -> dict[str, np.ndarray]:
        """Returns what `serving_pixels` takes instead of encoded images, by its keys.

        It is empty without that signature. Only in the graph that was not loaded from an export can
        the pixels be fetched.
        """
        signatures = {each.name: each for each in self.signatures}
        if names.PIXELS_SIGNATURE not in signatures:
            return {}
        files = signatures[names.BATCH_SIGNATURE].inputs[names.SIGNATURE_IMAGES]
        return self.session.run(signatures[names.PIXELS_SIGNATURE].inputs, {files: encoded})

    def close(self) -> None:
        """Closes the session."""
        self.session.close()


def session_of(
    session: tf.compat.v1.Session, model: ServingGraph, signatures: tuple[Signature, ...] = ()
) -> ServingSession:
    """Returns a session with the graph of a model, whose variables are restored.

    Args:
        session: the session.
        model: its graph.
        signatures: what a client may feed and fetch besides `serving_default`.
    """
    return ServingSession(
        session=session,
        input=model.input,
        output=model.output,
        probability=model.probability,
        search_outputs=model.search_outputs,
        signatures=signatures,
    )
