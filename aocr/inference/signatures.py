"""Adds the signatures of a SavedModel that aocr 0.7.6 did not have (docs/exports.md).

`serving_batch` reads encoded images, and answers what it can if some are damaged. `serving_pixels`
reads prepared images, for programs that cannot decode files. Both run a second copy of the network
on the same variables, so that `serving_default` remains as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.charset import FIRST_CHARACTER_ID
from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.images.preprocessing import Prepared, Tolerated, prepare_decodable
from aocr.inference import names
from aocr.inference.graph import Recognition, ServingGraph, readings_by_key, recognize
from aocr.model.decoders.common import after_eos
from aocr.model.postprocessing import Transcription


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
