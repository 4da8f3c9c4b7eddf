"""Builds the serving graph: encoded images in, texts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from aocr.charset import PAD_ID, Charset
from aocr.config import Config
from aocr.data.images import preprocessing
from aocr.inference import names
from aocr.model import recognizer
from aocr.model.decoders.common import Decoding, after_eos
from aocr.model.postprocessing import (
    RankedTexts,
    Transcription,
    transcribe,
    transcribe_readings,
)

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search


class Recognition(NamedTuple):
    """Holds what a model makes of prepared images; for the attributes see `ServingGraph`."""

    features: tf.Tensor
    decoding: Decoding
    transcription: Transcription
    readings: RankedTexts | None


class ServingGraph(NamedTuple):
    """Holds a graph that reads images. It has no optimizer variables and pins no operation.

    Attributes:
        graph: the graph with everything below.
        input: string, a scalar or `[N]`: encoded images; named `input_image_as_bytes:0`.
        prepared: pixels and widths of the images; they may be fed instead of the input.
        features: float32 `[N, T, 512]`, the CNN's output.
        decoding: the decoder's symbols and attention.
        transcription: texts, probabilities, symbols and attention, see `Transcription`.
        readings: the most probable texts, if they are searched; None for greedy decoding.
        output: string, the predicted texts in the shape of the input.
        probability: float64, their probabilities in the shape of the input.
        search_outputs: what a search adds, by the keys of the signature; none for greedy decoding.
        search: the texts that are looked for, in the graph; None for greedy decoding.
    """

    graph: tf.Graph
    input: tf.Tensor
    prepared: preprocessing.Prepared
    features: tf.Tensor
    decoding: Decoding
    transcription: Transcription
    readings: RankedTexts | None
    output: tf.Tensor
    probability: tf.Tensor
    search_outputs: dict[str, tf.Tensor]
    search: Search | None


def build_serving_graph(
    config: Config, stop_at_eos: bool = True, search: Search | None = None
) -> ServingGraph:
    """Builds a graph that reads encoded images (docs/compatibility.md, "Graph names").

    Args:
        config: the model.
        stop_at_eos: whether decoding may end early (`Decoder.decode`).
        search: the texts that are looked for; None for greedy decoding.
    """
    with tf.Graph().as_default() as graph:
        encoded = tf.compat.v1.placeholder(tf.string, name=names.IMAGE_INPUT)
        # [] or [N] --> [N] --> [N, 32, W, C]
        prepared = _prepare(tf.reshape(encoded, [-1]), config)
        with tf.name_scope("recognizer"):  # keeps names such as transpose_1 free
            if search:
                from aocr.model.search.text_search import in_graph

                search = in_graph(search)
            recognition = recognize(prepared, config, search, stop_at_eos)
        transcription, readings = recognition.transcription, recognition.readings
        _name_steps(transcription)
        _name_scalar_for_one(transcription.text, names.PREDICTION_OUTPUT)
        _name_scalar_for_one(transcription.probability, names.PROBABILITY_OUTPUT)
        return ServingGraph(
            graph=graph,
            input=encoded,
            prepared=prepared,
            features=recognition.features,
            decoding=recognition.decoding,
            transcription=transcription,
            readings=readings,
            output=tf.reshape(transcription.text, tf.shape(encoded)),
            probability=tf.reshape(transcription.probability, tf.shape(encoded)),
            search_outputs={} if readings is None else _name_readings(readings, tf.shape(encoded)),
            search=search,
        )


def recognize(
    prepared: preprocessing.Prepared,
    config: Config,
    search: Search | None = None,
    stop_at_eos: bool = True,
) -> Recognition:
    """Reads prepared images.

    Args:
        prepared: float32 `[N, 32, W, C]` and int32 `[N]`.
        config: the model.
        search: the texts that are looked for; None for greedy decoding.
        stop_at_eos: whether decoding may end early (`Decoder.decode`).
    """
    images = preprocessing.crop_to_bucket(prepared.pixels, prepared.width, config)
    images = tf.identity(images, name=names.CROPPED_IMAGES)
    model = recognizer.forward(images, prepared.width, config)
    decoding = recognizer.decode(model.decoder, config, search, stop_at_eos)
    charset = Charset(config.characters)
    return Recognition(
        features=model.features,
        decoding=decoding,
        transcription=transcribe(decoding, charset),
        readings=transcribe_readings(decoding, charset),
    )


def _prepare(encoded: tf.Tensor, config: Config) -> preprocessing.Prepared:
    """Prepares the images; clients may feed their pixels by the name that they have in 0.7.6."""
    prepared = preprocessing.prepare_all(encoded, config)
    return prepared._replace(pixels=tf.identity(prepared.pixels, name=names.PREPARED_IMAGES))


def _name_steps(transcription: Transcription) -> None:
    """Names the decoder's symbols and their probabilities as in 0.7.6.

    After the first EOS the symbols are PAD and the probabilities 1, so that a client may join all
    symbols, or multiply all probabilities. In 0.7.6 these steps, which are never trained, hold
    arbitrary symbols.
    """
    symbols = transcription.symbols
    padded = tf.where(after_eos(symbols), PAD_ID, symbols)
    tf.cast(padded, tf.int64, name=names.SYMBOL_IDS)
    tf.identity(transcription.step_probabilities, name=names.STEP_PROBABILITIES)


def _name_readings(readings: RankedTexts, shape: tf.Tensor) -> dict[str, tf.Tensor]:
    """Names the outputs of a search in a frozen graph, and returns those of the signature.

    Args:
        readings: the readings of N images.
        shape: the shape of the input, which the outputs have, with an axis of readings.
    """
    tf.identity(readings.text, name=names.READINGS)
    tf.identity(readings.probability, name=names.READING_PROBABILITIES)
    tf.identity(readings.is_exact, name=names.READINGS_ARE_EXACT)
    return {
        key: tf.reshape(values, tf.concat([shape, tf.shape(values)[1:]], axis=0))
        for key, values in readings_by_key(readings).items()
    }


def readings_by_key(readings: RankedTexts) -> dict[str, tf.Tensor]:
    """Returns the outputs of a search of N images by the keys of a signature."""
    return {
        names.SIGNATURE_READINGS: readings.text,
        names.SIGNATURE_READING_PROBABILITIES: readings.probability,
        names.SIGNATURE_READINGS_ARE_EXACT: readings.is_exact,
    }


def _name_scalar_for_one(values: tf.Tensor, name: str) -> None:
    """Names an output of the frozen graph: a scalar for one image, `[N]` for several.

    0.7.6 does so even for a vector of one image, and public clients feed `[bytes]` and expect a
    scalar. The signature's outputs have the shape of the input instead.
    """
    shape = tf.shape(values)
    rank = tf.cast(tf.not_equal(shape[0], 1), tf.int32)
    tf.reshape(values, shape[:rank], name=name)
