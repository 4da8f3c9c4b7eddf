"""The compact CNN: a backbone that is several times faster than the sliding CNN.

It has 3x3 convolutions with batch norm in every layer (Simonyan and Zisserman, 2015; Ioffe and
Szegedy, 2015), and adds a layer's input to its output where both have as many channels (He et al.,
2016). Depthwise convolutions have fewer multiplications, but are slower on CPUs.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH
from aocr.model import tensor_names
from aocr.model.backbone import (
    CNNOutput,
    Training,
    apply_mask,
    drop_out,
    normalize_pixels,
    width_mask,
)
from aocr.model.batch_norm import BatchStatistic, batch_norm
from aocr.model.conv2d import conv2d

KERNEL_SIZE = 3


class Layer(NamedTuple):
    """Describes one layer: a convolution of stride 1, batch norm, ReLU, and max-pooling.

    Attributes:
        filters: channels of the output.
        pool: height and width of the pooling window; None for no pooling.
    """

    filters: int
    pool: tuple[int, int] | None = None


LAYERS = (
    Layer(24, pool=(2, 2)),
    Layer(48, pool=(2, 2)),
    Layer(96),
    Layer(96, pool=(2, 1)),
    Layer(128),
    Layer(128, pool=(2, 1)),
    Layer(192, pool=(2, 1)),
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
        Features float32 `[N, ceil(W / 4), 192]`.
    """
    column_width = COLUMN_WIDTH
    x = normalize_pixels(images)
    mask = width_mask(x, sequence_lengths, column_width)
    x = apply_mask(x, mask)
    batch_statistics: tuple[BatchStatistic, ...] = ()
    for number, layer in enumerate(LAYERS, start=1):
        with tf.compat.v1.variable_scope(f"{tensor_names.COMPACT_SCOPE}/conv{number}"):
            x, layer_statistics = _convolve(x, layer.filters, training)
        batch_statistics += layer_statistics
        x = apply_mask(x, mask)
        if layer.pool:
            x = tf.nn.max_pool2d(x, layer.pool, layer.pool, "SAME")
            column_width //= layer.pool[1]
            mask = width_mask(x, sequence_lengths, column_width)
    x = tf.squeeze(x, axis=1)  # [N, 1, T, 192] --> [N, T, 192]
    return CNNOutput(drop_out(x, training) if training else x, batch_statistics)


def _convolve(
    x: tf.Tensor, filters: int, training: Training | None
) -> tuple[tf.Tensor, tuple[BatchStatistic, ...]]:
    """Applies a layer without its pooling: `[N, H, W, C] --> [N, H, W, filters]`.

    Returns:
        The result, and the statistics of the layer's batch norm.
    """
    channels = x.shape[-1]
    kernel = tf.compat.v1.get_variable(
        tensor_names.CONVOLUTION_KERNEL,
        [KERNEL_SIZE, KERNEL_SIZE, channels, filters],
        initializer=tf.compat.v1.variance_scaling_initializer(scale=2.0),  # He et al., 2015
    )
    if training is None:
        y = conv2d(x, kernel)
    else:
        y = conv2d(x, kernel, training.compute_dtype, training.kernel_gradient)
    y, statistics = batch_norm(y, None, is_training=training is not None)
    return tf.nn.relu(x + y if filters == channels else y), statistics
