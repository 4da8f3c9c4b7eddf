"""The whole network: from prepared images to a decoder and its losses."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH, Config
from aocr.model import cnn
from aocr.model.batch_norm import BatchStatistic
from aocr.model.decoder import Decoder, decoder_inputs
from aocr.model.encoder import encode
from aocr.model.loss import sequence_losses


class ForwardPass(NamedTuple):
    """Holds what a graph needs of the network.

    Attributes:
        features: float32 `[N, T, 512]`, the CNN's output.
        decoder: decodes the encoded features, greedily or teacher-forced.
        batch_statistics: of the CNN's batch norms, with their moving averages; none at inference.
    """

    features: tf.Tensor
    decoder: Decoder
    batch_statistics: tuple[BatchStatistic, ...]


def forward(
    images: tf.Tensor, widths: tf.Tensor, config: Config, training: cnn.Training | None = None
) -> ForwardPass:
    """Runs images through the CNN and the encoder, and creates the decoder on their output.

    Args:
        images: float32 `[N, 32, W, C]`, prepared, values from 0 to 255.
        widths: int32 `[N]`, the images' widths without padding, in pixels.
        config: the model.
        training: what the layers need in training; None for inference.
    """
    sequence_lengths = _sequence_lengths(widths, config)
    # [N, 32, W, C] --> [N, T, 512]
    features, batch_statistics = cnn.extract_features(images, sequence_lengths, training)
    # [N, T, 512] --> [N, T, 2U]
    memory = encode(features, sequence_lengths, config.encoder_units)
    decoder = Decoder(config, config.vocab_size, memory)
    return ForwardPass(features, decoder, batch_statistics)


def _sequence_lengths(widths: tf.Tensor, config: Config) -> tf.Tensor | None:
    """Returns the number of feature columns of each image, int32 `[N]`; None if padding counts."""
    return None if config.padding_counts else -(-widths // COLUMN_WIDTH)  # rounded up


def teacher_forced_losses(
    decoder: Decoder, targets: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Returns the loss of each image with the right symbol fed into every step.

    Args:
        decoder: the decoder of the images.
        targets: int32 `[N, S]`, the labels' symbols, EOS, then padding.
        label_smoothing: see `sequence_losses`; for training only.

    Returns:
        float32 `[N]`, in nats.
    """
    logits = decoder.teacher_forced_logits(decoder_inputs(targets))
    return sequence_losses(logits, targets, label_smoothing)
