"""The compact CNN: a backbone that is several times faster than the sliding CNN.

It has 3x3 convolutions with batch norm in every layer (Simonyan and Zisserman, 2015; Ioffe and
Szegedy, 2015), and adds a layer's input to its output where both have as many channels (He et al.,
2016). Depthwise convolutions have fewer multiplications, but are slower on CPUs.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH
from aocr.model import variable_names
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

KERNEL_SIZE = 3


class Layer(NamedTuple):
    """Describes one layer: a convolution of stride 1, max-pooling, batch norm, and ReLU.

    Attributes:
        filters: channels of the output.
        pool: height and width of the pooling window; None for no pooling.
    """

    filters: int
    pool: tuple[int, int] | None = None


LAYERS = (
    Layer(16, pool=(2, 2)),
    Layer(48, pool=(2, 2)),
    Layer(72),
    Layer(72, pool=(2, 1)),
    Layer(104),
    Layer(104, pool=(2, 1)),
    Layer(160, pool=(2, 1)),
)
"""The layers: the height shrinks from 32 pixels to 1, the width to a quarter."""


def extract_features(
    images: tf.Tensor, sequence_lengths: tf.Tensor | None = None, training: Training | None = None
) -> CNNOutput:
    """Runs the layers, and in training the dropout.

    Args:
        images: float32 `[N, 32, W, C]`, values from 0 to 255.
        sequence_lengths: int32 `[N]`, the number of feature columns of each image. Pixels to the
            right of them are treated as if the image ended there, except that they count in the
            statistics of a training batch. None: padding counts as pixels.
        training: None for inference, which uses moving averages and no dropout.

    Returns:
        Features float32 `[N, ceil(W / 4), 160]`.
    """
    column_width = COLUMN_WIDTH
    x = normalize_pixels(images)
    x = apply_mask(x, width_mask(x, sequence_lengths, column_width))
    batch_statistics: tuple[BatchStatistic, ...] = ()
    for number, layer in enumerate(LAYERS, start=1):
        with tf.compat.v1.variable_scope(f"{variable_names.COMPACT_SCOPE}/conv{number}"):
            x, layer_statistics = apply_layer(x, layer, training)
        batch_statistics += layer_statistics
        column_width //= layer.pool[1] if layer.pool else 1
        x = apply_mask(x, width_mask(x, sequence_lengths, column_width))
    x = tf.squeeze(x, axis=1)  # [N, 1, T, D] --> [N, T, D]
    return CNNOutput(drop_out(x, training) if training else x, batch_statistics)


def apply_layer(
    x: tf.Tensor, layer: Layer, training: Training | None
) -> tuple[tf.Tensor, tuple[BatchStatistic, ...]]:
    """Convolves, pools, normalizes, and applies the ReLU.

    Pooling comes first because batch norm then has a half or a quarter of the pixels to normalize.

    Args:
        x: float32 `[N, H, W, C]`.
        layer: the layer.
        training: None for inference.

    Returns:
        `[N, H / pool height, W / pool width, filters]`, and the statistics of the batch norm.
    """
    initializer = tf.compat.v1.variance_scaling_initializer(scale=2.0)  # He et al., 2015
    y = convolve(x, KERNEL_SIZE, layer.filters, initializer, training)
    if y.shape[-1] == x.shape[-1]:
        y += x
    if layer.pool:
        y = tf.nn.max_pool2d(y, layer.pool, layer.pool, "SAME")
    y, statistics = batch_norm(y, None, is_training=training is not None)
    return tf.nn.relu(y), statistics
