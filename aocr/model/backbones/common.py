"""Defines what the backbones share: CNNs that turn images into a sequence of feature columns."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.model.backbones.batch_norm import BatchStatistic
from aocr.model.backbones.conv2d import KernelGradient


class Training(NamedTuple):
    """Holds what the layers need in training only.

    Attributes:
        step: int32 scalar, the global step.
        seed: of the dropout; together with the step it decides which features are dropped.
        dropout: share of the features that is dropped.
        compute_dtype: data type that the convolutions compute in.
        kernel_gradient: how the convolutions compute the gradient of their kernels.
    """

    step: tf.Tensor
    seed: int = 0
    dropout: float = 0.5
    compute_dtype: tf.DType = tf.float32
    kernel_gradient: KernelGradient = KernelGradient.TENSORFLOW


class CNNOutput(NamedTuple):
    """Holds the features of a batch of images.

    Attributes:
        features: float32 `[N, T, D]`, with T = ceil(W / 4); D depends on the backbone.
        batch_statistics: of every batch norm, with their moving averages; none at inference.
    """

    features: tf.Tensor
    batch_statistics: tuple[BatchStatistic, ...]


def normalize_pixels(images: tf.Tensor) -> tf.Tensor:
    """Maps pixels from 0 to 255 to numbers from -1 to 1."""
    return (images - 128) / 128


def drop_out(features: tf.Tensor, training: Training) -> tf.Tensor:
    """Drops features out (Srivastava et al., 2014); seed and step decide which."""
    if not training.dropout:
        return features
    seed = tf.stack([training.seed, training.step])
    return tf.nn.experimental.stateless_dropout(features, training.dropout, seed, rng_alg="philox")


def width_mask(
    x: tf.Tensor, sequence_lengths: tf.Tensor | None, column_width: int
) -> tf.Tensor | None:
    """Returns float32 `[N, 1, W, 1]`: 1 where an image is, 0 to the right of it.

    Args:
        x: `[N, H, W, C]`.
        sequence_lengths: int32 `[N]`, feature columns of each image; None for no mask.
        column_width: width of one feature column in pixels of `x`.
    """
    if sequence_lengths is None:
        return None
    return tf.sequence_mask(sequence_lengths * column_width, tf.shape(x)[2], tf.float32)[
        :, tf.newaxis, :, tf.newaxis
    ]


def apply_mask(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Sets pixels to the right of each image to zero, as SAME padding sets those outside it.

    An image's width is a multiple of all pooling widths together, so no pooling window covers
    pixels on both sides of its right edge.
    """
    return x if mask is None else x * mask
