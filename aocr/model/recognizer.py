"""The whole network: prepared images to a decoder, and its teacher-forced losses."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH, Config
from aocr.model import cnn
from aocr.model.decoder import Decoder, decoder_inputs
from aocr.model.encoder import encode
from aocr.model.loss import sequence_losses


class Forward(NamedTuple):
    """Holds what the forward path made.

    Attributes:
        features: float32 `[N, T, 512]`, the CNN's output.
        decoder: the decoder, bound to the encoded features.
    """

    features: tf.Tensor
    decoder: Decoder


def forward(
    images: tf.Tensor, widths: tf.Tensor, config: Config, training: cnn.Training | None = None
) -> Forward:
    """Runs images through the CNN and the encoder, and creates the decoder on their output.

    Args:
        images: float32 `[N, 32, W, C]`, prepared and cropped to their bucket.
        widths: int32 `[N]`, widths of the images without padding, in pixels.
        config: the model.
        training: what the layers need in training; None for inference.
    """
    columns = None if config.padding_counts else -(-widths // COLUMN_WIDTH)
    features = cnn.features(images, columns, training)
    memory = encode(features, columns, config.encoder_units)
    return Forward(features, Decoder(config, config.vocab_size, memory))


def teacher_forced_losses(decoder: Decoder, targets: tf.Tensor) -> tf.Tensor:
    """Returns the loss of each example, float32 `[N]`, for targets int32 `[N, S]`."""
    return sequence_losses(decoder.teacher_forced(decoder_inputs(targets)), targets)
