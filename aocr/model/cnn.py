"""The sliding CNN: images to a sequence of features (COMPAT.md, section 5, "Sliding CNN")."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import COLUMN_WIDTH
from aocr.model.conv2d import conv2d

BATCH_NORM_EPSILON = 0.001


class Convolution(NamedTuple):
    """One layer: a square kernel, stride 1, then batch norm if asked for, ReLU, and max-pooling."""

    scope: str
    kernel: int
    filters: int
    batch_norm: bool
    pool: tuple[int, int] | None  # height, width


LAYERS = (
    Convolution("conv_conv1", 3, 64, False, (2, 2)),
    Convolution("conv_conv2", 3, 128, False, (2, 2)),
    Convolution("conv_conv3", 3, 256, True, None),
    Convolution("conv_conv4", 3, 256, False, (2, 1)),
    Convolution("conv_conv5", 3, 512, True, None),
    Convolution("conv_conv6", 3, 512, False, (2, 1)),
    Convolution("conv_conv7", 2, 512, True, (2, 1)),
)


class Training(NamedTuple):
    """What the layers need in training only.

    Attributes:
        step: int32 scalar, the global step, which the moving averages warm up with.
        averages: the layers append their moving averages, each with the batch's value.
        seed: of dropout; with the step it decides what is dropped.
        dropout: share of the features that is dropped.
        bn_momentum: share of a moving average that a step keeps, warm-up apart.
        convolutions: what they compute in.
    """

    step: tf.Tensor
    averages: list[tuple[tf.Variable, tf.Tensor]]
    seed: int = 0
    dropout: float = 0.5
    bn_momentum: float = 0.99
    convolutions: tf.DType = tf.float32

    def move_averages(self) -> list[tf.Operation]:
        """Makes the operations that bring each moving average nearer to the batch's value."""
        rate = 1 - moving_average_decay(self.step, self.bn_momentum)
        return [average.assign_sub(rate * (average - value)).op for average, value in self.averages]


def features(
    images: tf.Tensor, columns: tf.Tensor | None = None, training: Training | None = None
) -> tf.Tensor:
    """Runs the seven convolutions and drops out features in training.

    Args:
        images: float32 `[N, 32, W, C]`, from 0 to 255.
        columns: int32 `[N]`, how many columns of features each image has; what is right of them
            counts for nothing, as if the image ended there. None: it counts.
        training: None when reading: moving averages in place of the batch's, and no dropout.

    Returns:
        float32 `[N, T, 512]`, with T = ceil(W / 4).
    """
    scale = COLUMN_WIDTH
    x = (images - 128) / 128
    mask = _mask(x, columns, scale)
    x = _masked(x, mask)
    for layer in LAYERS:
        x = convolution(x, layer, training, mask)
        if layer.pool:
            scale //= layer.pool[1]
            mask = _mask(x, columns, scale)
        x = _masked(x, mask)
    x = tf.squeeze(x, axis=1)  # [N, 1, T, 512] --> [N, T, 512]
    return _drop_out(x, training) if training else x


def _drop_out(x: tf.Tensor, training: Training) -> tf.Tensor:
    """Dropout (Srivastava et al., 2014), the same for the same seed and step."""
    if not training.dropout:
        return x
    seed = tf.stack([training.seed, training.step])
    return tf.nn.experimental.stateless_dropout(x, training.dropout, seed, rng_alg="philox")


def _mask(x: tf.Tensor, columns: tf.Tensor | None, scale: int) -> tf.Tensor | None:
    """float32 `[N, 1, W, 1]`: 1 where an image is, 0 right of it; its columns are `scale` wide."""
    if columns is None:
        return None
    return tf.sequence_mask(columns * scale, tf.shape(x)[2], tf.float32)[
        :, tf.newaxis, :, tf.newaxis
    ]


def _masked(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Zero right of each image, which is what a padded convolution sees beyond an edge.

    An image's width is a multiple of what the pooling divides it by, so no window of it looks
    over that edge.
    """
    return x if mask is None else x * mask


def convolution(
    x: tf.Tensor, layer: Convolution, training: Training | None, mask: tf.Tensor | None = None
) -> tf.Tensor:
    """`[N, H, W, C]` to `[N, ceil(H / pool), ceil(W / pool), filters]`.

    Args:
        x: what the layer sees.
        layer: what it does.
        training: see `features`.
        mask: `[N, 1, W, 1]`, what counts for the batch norm; None for all.
    """
    with tf.compat.v1.variable_scope(layer.scope):
        shape = [layer.kernel, layer.kernel, x.shape[-1], layer.filters]
        weights = tf.compat.v1.get_variable(
            "W", shape, initializer=tf.compat.v1.glorot_uniform_initializer()
        )
        x = conv2d(x, weights, training.convolutions if training else None)
        if layer.batch_norm:
            x = _batch_norm(x, training, mask)
    x = tf.nn.relu(x)
    return tf.nn.max_pool2d(x, layer.pool, layer.pool, "SAME") if layer.pool else x


def _batch_norm(x: tf.Tensor, training: Training | None, mask: tf.Tensor | None) -> tf.Tensor:
    """Batch normalisation over all axes but the last (Ioffe and Szegedy, 2015)."""
    get, zeros, ones = tf.compat.v1.get_variable, tf.zeros_initializer(), tf.ones_initializer()
    channels = [x.shape[-1]]
    with tf.compat.v1.variable_scope("BatchNorm"):
        gamma = get("gamma", channels, initializer=ones)
        beta = get("beta", channels, initializer=zeros)
        mean = get("moving_mean", channels, initializer=zeros, trainable=False)
        variance = get("moving_variance", channels, initializer=ones, trainable=False)
    normalize = tf.compat.v1.nn.fused_batch_norm
    if not training:
        return normalize(
            x, gamma, beta, mean, variance, epsilon=BATCH_NORM_EPSILON, is_training=False
        )[0]
    if mask is None:
        x, *batch = normalize(x, gamma, beta, epsilon=BATCH_NORM_EPSILON, is_training=True)
    else:
        x, *batch = normalize_masked(x, gamma, beta, mask)
    training.averages.extend(zip((mean, variance), batch[:2], strict=True))
    return x


def normalize_masked(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Batch norm over what the mask `[N, 1, W, 1]` leaves; with mean and unbiased variance."""
    count = tf.reduce_sum(mask) * tf.cast(tf.shape(x)[1], tf.float32)
    mean = tf.reduce_sum(x * mask, axis=[0, 1, 2]) / count
    variance = tf.reduce_sum(tf.square(x - mean) * mask, axis=[0, 1, 2]) / count
    scale = gamma * tf.math.rsqrt(variance + BATCH_NORM_EPSILON)
    return x * scale + (beta - mean * scale), mean, variance * count / tf.maximum(count - 1, 1)


def moving_average_decay(step: tf.Tensor, momentum: float) -> tf.Tensor:
    """Share of the old average that a step keeps: `min(momentum, (1 + step) / (10 + step))`.

    0.7.6 keeps 0.99 from the first step on. Its averages start at 1, far from the true variance
    of about 0.001, so that a model read garbage for its first 600 steps.
    """
    step = tf.cast(step, tf.float32)
    return tf.minimum(momentum, (1 + step) / (10 + step))
