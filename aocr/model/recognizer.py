"""The whole network: from prepared images to a decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from aocr.config import (
    ATTENTION,
    COLUMN_WIDTH,
    CONTENT,
    CTC,
    JOINT,
    LOCATION,
    RIGHT_TO_LEFT,
    Config,
)
from aocr.model.backbones import compact_cnn, sliding_cnn
from aocr.model.backbones.layers import BatchStatistic, Training
from aocr.model.decoders.common import Decoder, Decoding
from aocr.model.decoders.composed import JointDecoder, ReversedDecoder
from aocr.model.decoders.content import ContentDecoder
from aocr.model.decoders.ctc import CTCDecoder
from aocr.model.decoders.location import LocationDecoder
from aocr.model.encoder import Memory, encode, reverse_columns

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search

BACKBONES = {
    "sliding": sliding_cnn.extract_features,
    "compact": compact_cnn.extract_features,
}
"""The CNNs by the names that `--backbone` takes."""

ATTENTION_DECODERS: dict[str, Callable[[Config, Memory], Decoder]] = {
    CONTENT: ContentDecoder,
    LOCATION: LocationDecoder,
}
"""The attention decoders by the names that `--attention` takes."""


class ForwardPass(NamedTuple):
    """Holds what a graph needs of the network.

    Attributes:
        features: float32 `[N, T, D]`, the CNN's output.
        decoder: the decoder of the encoded features, which computes the losses of labels.
        batch_statistics: the statistics of all batch norms, with their moving averages; none at
            inference.
    """

    features: tf.Tensor
    decoder: Decoder
    batch_statistics: tuple[BatchStatistic, ...]


def forward(
    images: tf.Tensor, widths: tf.Tensor, config: Config, training: Training | None = None
) -> ForwardPass:
    """Runs images through CNN and encoder, and creates the decoder on their output.

    Args:
        images: float32 `[N, 32, W, C]`, prepared, values from 0 to 255.
        widths: int32 `[N]`, the images' widths without padding, in pixels.
        config: the model.
        training: the settings of the layers in training; None for inference.
    """
    sequence_lengths = _sequence_lengths(widths, config)
    # [N, 32, W, C] --> [N, T, D]
    features, batch_statistics = BACKBONES[config.backbone](images, sequence_lengths, training)
    is_reversed = config.direction == RIGHT_TO_LEFT
    columns = reverse_columns(features, sequence_lengths) if is_reversed else features
    # [N, T, D] --> [N, T, 2U]
    memory = encode(columns, sequence_lengths, config.encoder_units)
    decoder = create_decoder(config, memory, is_training=training is not None)
    if is_reversed:
        decoder = ReversedDecoder(decoder, sequence_lengths)
    return ForwardPass(features, decoder, batch_statistics)


def decode(
    decoder: Decoder, config: Config, search: Search | None, stop_at_eos: bool = True
) -> Decoding:
    """Decodes greedily, or by a search if one is given.

    Args:
        decoder: the decoder of the model.
        config: the model.
        search: the texts that are looked for; None for greedy decoding.
        stop_at_eos: whether to stop at the last EOS, as `Decoder.decode` does.
    """
    if search is None:
        return decoder.decode(stop_at_eos)
    from aocr.model.search.text_search import search_texts  # few models search

    return search_texts(decoder, search, config.decoder_steps)


def _sequence_lengths(widths: tf.Tensor, config: Config) -> tf.Tensor | None:
    """Returns how many feature columns each image covers, int32 `[N]`; None if padding counts.

    Numbers are rounded up without dividing a negative one, which `tf2onnx` would round otherwise.
    """
    return None if config.padding_counts else (widths + COLUMN_WIDTH - 1) // COLUMN_WIDTH


def create_decoder(config: Config, memory: Memory, is_training: bool) -> Decoder:
    """Creates the decoder of a model on encoded columns.

    Args:
        config: the model.
        memory: the encoded columns.
        is_training: create both decoders of a joint model; otherwise only the one that reads.
    """
    creators = {ATTENTION: ATTENTION_DECODERS[config.attention], CTC: CTCDecoder}
    if config.decoder == JOINT and is_training:
        return JointDecoder(*(create(config, memory) for create in creators.values()))
    return creators[config.reading_decoder](config, memory)
