"""Builds the serving graph: encoded images in, texts out."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import Charset
from aocr.config import Config
from aocr.data import preprocessing
from aocr.model import recognizer
from aocr.model.decoder import Greedy
from aocr.model.postprocessing import Transcription, transcribe


class ServingGraph(NamedTuple):
    """A graph that reads; without variables for training, and without a device.

    Attributes:
        graph: what holds it all.
        input: string scalar or `[N]`, encoded images: `input_image_as_bytes:0`.
        prepared: pixels and widths of the images; may be fed in place of the input.
        features: float32 `[N, T, 512]`, the CNN's output.
        greedy: the decoder's symbols, logits and attention.
        reading: what was read, `[N]`.
        output: the texts, in the shape of the input.
        probability: their probabilities, in the shape of the input.
    """

    graph: tf.Graph
    input: tf.Tensor
    prepared: preprocessing.Prepared
    features: tf.Tensor
    greedy: Greedy
    reading: Transcription
    output: tf.Tensor
    probability: tf.Tensor


def build_serving_graph(config: Config, stop_at_eos: bool = True) -> ServingGraph:
    """Encoded images in, texts out (COMPAT.md, section 3).

    Args:
        config: the model.
        stop_at_eos: see `Decoder.greedy`.
    """
    with tf.Graph().as_default() as graph:
        encoded = tf.compat.v1.placeholder(tf.string, name="input_image_as_bytes")
        # [] or [N] --> [N, ...]
        prepared = preprocessing.prepare_all(
            tf.reshape(encoded, [-1]), config
        )  # [] or [N] --> [N, ...]
        images = preprocessing.crop_to_bucket(prepared.pixels, prepared.width, config)
        features, decoder = recognizer.forward(images, prepared.width, config)
        greedy = decoder.greedy(stop_at_eos)
        reading = transcribe(greedy, Charset(config.characters))
        _scalar_for_one(reading.text, "prediction")
        _scalar_for_one(reading.probability, "probability")
        return ServingGraph(
            graph=graph,
            input=encoded,
            prepared=prepared,
            features=features,
            greedy=greedy,
            reading=reading,
            output=tf.reshape(reading.text, tf.shape(encoded)),
            probability=tf.reshape(reading.probability, tf.shape(encoded)),
        )


def _scalar_for_one(values: tf.Tensor, name: str) -> tf.Tensor:
    """`[N]` as it is, but `[1]` as a scalar: public clients of 0.7.6 feed `[bytes]` and want one.

    Only the two names of the frozen graph do so; the signature's outputs have the input's shape.
    """
    shape = tf.shape(values)
    rank = tf.cast(tf.not_equal(shape[0], 1), tf.int32)
    return tf.reshape(values, shape[:rank], name=name)
