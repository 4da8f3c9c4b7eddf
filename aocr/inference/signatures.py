"""Adds the signatures of a SavedModel that aocr 0.7.6 lacks (docs/exports.md), and runs them.

`serving_batch` reads encoded images, and answers what it can if some are damaged. `serving_pixels`
reads prepared images, for programs that cannot decode files. Both run a second copy of the network
on the same variables, so that `serving_default` remains as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.charset import FIRST_CHARACTER_ID
from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.images.preprocessing import Prepared, Tolerated, prepare_decodable
from aocr.inference import names
from aocr.inference.graph import Recognition, ServingGraph, readings_by_key, recognize
from aocr.model.decoders.common import after_eos
from aocr.model.postprocessing import Transcription
from aocr.model.readings import Reading


class CharacterReadings(NamedTuple):
    """Holds a value for each character of each text, in order; behind the text all are 0.

    Attributes:
        characters: int32 `[N, S]`, their symbols: 3 is the first character of the charset.
        probabilities: float32 `[N, S]`.
        attention: float32 `[N, S, T]`.
    """

    characters: tf.Tensor
    probabilities: tf.Tensor
    attention: tf.Tensor


def by_character(transcription: Transcription) -> CharacterReadings:
    """Moves the steps that are characters to the front; `character_mask` marks the same steps."""
    symbols = transcription.symbols
    is_character = (symbols >= FIRST_CHARACTER_ID) & ~after_eos(symbols)
    steps = tf.range(tf.shape(symbols)[1])
    behind = tf.shape(symbols)[1] * tf.cast(~is_character, tf.int32)
    order = tf.argsort(steps + behind, axis=1)  # [N, S]
    is_text = tf.gather(is_character, order, batch_dims=1)

    def moved(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, order, batch_dims=1)

    return CharacterReadings(
        characters=moved(symbols) * tf.cast(is_text, tf.int32),
        probabilities=moved(transcription.step_probabilities) * tf.cast(is_text, tf.float32),
        attention=moved(transcription.attention) * tf.cast(is_text, tf.float32)[:, :, tf.newaxis],
    )


class Signature(NamedTuple):
    """Names the tensors that a client feeds and fetches.

    Attributes:
        name: the name of the signature.
        inputs: the fed tensors, by the keys of the signature.
        outputs: the fetched tensors, by the keys of the signature.
    """

    name: str
    inputs: dict[str, tf.Tensor]
    outputs: dict[str, tf.Tensor]

    def definition(self) -> meta_graph_pb2.SignatureDef:
        """Returns the signature as a SavedModel stores it."""
        saved_model = tf.compat.v1.saved_model
        inputs, outputs = (
            {key: saved_model.build_tensor_info(tensor) for key, tensor in tensors.items()}
            for tensors in (self.inputs, self.outputs)
        )
        return saved_model.build_signature_def(inputs, outputs, saved_model.PREDICT_METHOD_NAME)


def add_signatures(
    model: ServingGraph, config: Config, with_attention: bool = False
) -> tuple[Signature, ...]:
    """Adds the tensors of `serving_batch` and `serving_pixels` to a serving graph.

    Args:
        model: the graph; its variables are used again, and its search.
        config: the model.
        with_attention: let both signatures answer with the attention as well.
    """
    root = tf.compat.v1.get_variable_scope
    with model.graph.as_default(), tf.name_scope(names.BATCH_SCOPE):
        encoded = tf.compat.v1.placeholder(tf.string, [None], "images")
        tolerated = prepare_decodable(encoded, config)
        pixels, widths = _replaceable(tolerated.prepared, config)
        with tf.compat.v1.variable_scope(root(), reuse=True):
            recognition = recognize(Prepared(pixels, widths), config, model.search)
        outputs = _outputs(recognition, by_character(recognition.transcription))
        if not with_attention:
            del outputs[names.SIGNATURE_ATTENTION]
        given = {names.SIGNATURE_PIXELS: pixels}
        if not config.padding_counts:
            given[names.SIGNATURE_WIDTHS] = widths
        return (
            Signature(
                names.BATCH_SIGNATURE,
                {names.SIGNATURE_IMAGES: encoded},
                _with_errors(outputs, tolerated),
            ),
            Signature(names.PIXELS_SIGNATURE, given, outputs),
        )


def _replaceable(prepared: Prepared, config: Config) -> Prepared:
    """Returns prepared images that a client may feed instead of files."""
    shape = [None, IMAGE_HEIGHT, config.image_width, config.channels]
    replaceable = tf.compat.v1.placeholder_with_default
    return Prepared(
        replaceable(prepared.pixels, shape, "pixels"),
        replaceable(prepared.width, [None], "widths"),
    )


def _outputs(recognition: Recognition, readings: CharacterReadings) -> dict[str, tf.Tensor]:
    searched = recognition.readings
    return {
        **({} if searched is None else readings_by_key(searched)),
        names.SIGNATURE_TEXT: recognition.transcription.text,
        names.SIGNATURE_PROBABILITY: recognition.transcription.probability,
        names.SIGNATURE_CHARACTERS: readings.characters,
        names.SIGNATURE_CHARACTER_PROBABILITIES: readings.probabilities,
        names.SIGNATURE_ATTENTION: readings.attention,
    }


def _with_errors(outputs: dict[str, tf.Tensor], tolerated: Tolerated) -> dict[str, tf.Tensor]:
    """Returns the outputs, empty, zero or false for images that could not be decoded, and why."""
    is_decoded = tf.equal(tolerated.error, "")

    def or_nothing(values: tf.Tensor) -> tf.Tensor:
        mask = tf.reshape(is_decoded, [-1] + [1] * (values.shape.rank - 1))
        return tf.where(
            mask, values, "" if values.dtype == tf.string else tf.zeros([], values.dtype)
        )

    return {
        **{key: or_nothing(values) for key, values in outputs.items()},
        names.SIGNATURE_ERROR: tf.identity(tolerated.error),
    }


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
