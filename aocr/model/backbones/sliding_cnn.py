"""The sliding CNN: images to a sequence of feature columns.

It has the layers of 0.7.6 (docs/compatibility.md, "Sliding CNN").
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH
from aocr.model.backbones.layers import (
    BatchStatistic,
    CNNOutput,
    Training,
    apply_mask,
    batch_norm,
    convolve,
    drop_out,
    normalize_pixels,
    width_mask,
)


class Convolution(NamedTuple):
    """Describes one layer: a convolution of stride 1, batch norm, ReLU, and max-pooling.

    Attributes:
        scope: the scope of the layer's variables.
        kernel: height and width of the kernel.
        filters: channels of the output.
        batch_norm: normalize before the ReLU.
        pool: height and width of the pooling window; None for no pooling.
    """

    scope: str
    kernel: int
    filters: int
    batch_norm: bool
    pool: tuple[int, int] | None


LAYERS = (
    Convolution("conv_conv1", 3, 64, False, (2, 2)),
    Convolution("conv_conv2", 3, 128, False, (2, 2)),
    Convolution("conv_conv3", 3, 256, True, None),
    Convolution("conv_conv4", 3, 256, False, (2, 1)),
    Convolution("conv_conv5", 3, 512, True, None),
    Convolution("conv_conv6", 3, 512, False, (2, 1)),
    Convolution("conv_conv7", 2, 512, True, (2, 1)),
)


def extract_features(
    images: tf.Tensor, sequence_lengths: tf.Tensor | None = None, training: Training | None = None
) -> CNNOutput:
    """Runs the seven convolutions, and in training the dropout.

    Args:
        images: float32 `[N, 32, W, C]`, values from 0 to 255.
        sequence_lengths: int32 `[N]`, the number of feature columns of each image. Pixels to the
            right of them are treated as if the image ended there. None: padding counts as pixels.
        training: None for inference, which uses moving averages and no dropout.
    """
    column_width = COLUMN_WIDTH
    x = normalize_pixels(images)
    mask = width_mask(x, sequence_lengths, column_width)
    x = apply_mask(x, mask)
    batch_statistics: tuple[BatchStatistic, ...] = ()
    for layer in LAYERS:
        x, layer_statistics = convolution(x, layer, training, mask)
        batch_statistics += layer_statistics
        if layer.pool:
            column_width //= layer.pool[1]
            mask = width_mask(x, sequence_lengths, column_width)
        x = apply_mask(x, mask)
    x = tf.squeeze(x, axis=1)  # [N, 1, T, 512] --> [N, T, 512]
    return CNNOutput(drop_out(x, training) if training else x, batch_statistics)


def convolution(
    x: tf.Tensor, layer: Convolution, training: Training | None, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, tuple[BatchStatistic, ...]]:
    """Applies one layer.

    Args:
        x: `[N, H, W, C]`.
        layer: the layer.
        training: None for inference.
        mask: `[N, 1, W, 1]`, 1 for the pixels that the batch norm counts; None for all.

    Returns:
        `[N, ceil(H / pool height), ceil(W / pool width), filters]`, and the statistics of the
        layer's batch norm.
    """
    batch_statistics: tuple[BatchStatistic, ...] = ()
    with tf.compat.v1.variable_scope(layer.scope):
        initializer = tf.compat.v1.glorot_uniform_initializer()
        x = convolve(x, layer.kernel, layer.filters, initializer, training)
        if layer.batch_norm:
            x, batch_statistics = batch_norm(x, mask, is_training=training is not None)
    x = tf.nn.relu(x)
    if layer.pool:
        x = tf.nn.max_pool2d(x, layer.pool, layer.pool, "SAME")
    return x, batch_statistics
