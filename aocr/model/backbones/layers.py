"""The layers that CNNs are made of: convolution, batch norm, dropout, and the mask of padding."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, NamedTuple

import tensorflow as tf

from aocr.model import variable_names

MIN_CHANNELS = 16
"""Images with fewer channels make matrix products that are too thin to be fast."""

EPSILON = 0.001
"""Added to every variance."""


class KernelGradient(enum.Enum):
    """Lists the ways to compute the gradient with respect to a convolution's kernel.

    On CPUs with AVX2 but without AVX-512, oneDNN computes this gradient at half the speed of its
    other convolutions. Matrix products over shifted images make a training step a fifth faster
    there (im2col of Chellapilla et al., 2006, one row of the kernel at a time).
    `tests/benchmarks/training_step.py` measures both.
    """

    TENSORFLOW = "TensorFlow's own operation"
    MATRIX_PRODUCTS = "matrix products over shifted images"


class BatchStatistic(NamedTuple):
    """Holds one statistic of a training batch, and the moving average that follows it.

    Attributes:
        moving_average: float32 `[C]`, a variable that is not trained.
        batch_value: float32 `[C]`, the mean or the unbiased variance of this batch.
    """

    moving_average: tf.Variable
    batch_value: tf.Tensor


class Training(NamedTuple):
    """Holds what the layers need in training only.

    Attributes:
        step: int32 scalar, the global step.
        seed: the seed of the dropout; together with the step it decides which features are dropped.
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
        batch_statistics: the statistics of every batch norm, with their moving averages; none at
            inference.
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


def conv2d(
    x: tf.Tensor,
    kernel: tf.Tensor,
    compute_dtype: tf.DType = tf.float32,
    kernel_gradient: KernelGradient = KernelGradient.TENSORFLOW,
) -> tf.Tensor:
    """Convolves with stride 1 and SAME padding.

    Args:
        x: float32 `[N, H, W, C]`.
        kernel: float32 `[K, K, C, D]`.
        compute_dtype: float32, or bfloat16 to cast the inputs to it and the result back.
        kernel_gradient: how to compute the gradient with respect to the kernel. bfloat16 and
            images with few channels always use TensorFlow's operation.

    Returns:
        float32 `[N, H, W, D]`.
    """
    if compute_dtype == tf.bfloat16:
        x, kernel = tf.cast(x, tf.bfloat16), tf.cast(kernel, tf.bfloat16)
        return tf.cast(tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), tf.float32)
    if kernel_gradient is KernelGradient.MATRIX_PRODUCTS and x.shape[-1] >= MIN_CHANNELS:
        return conv2d_with_matrix_products(x, kernel)
    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")


def convolve(
    x: tf.Tensor, size: int, filters: int, initializer: Any, training: Training | None
) -> tf.Tensor:
    """Creates a kernel in the current scope and convolves with it.

    Args:
        x: float32 `[N, H, W, C]`.
        size: K, the height and width of the kernel.
        filters: D.
        initializer: the initializer of the kernel.
        training: the settings of training; None for inference.

    Returns:
        float32 `[N, H, W, D]`.
    """
    shape = [size, size, x.shape[-1], filters]
    kernel = tf.compat.v1.get_variable(
        variable_names.CONVOLUTION_KERNEL, shape, initializer=initializer
    )
    if training is None:
        return conv2d(x, kernel)
    return conv2d(x, kernel, training.compute_dtype, training.kernel_gradient)


@tf.custom_gradient
def conv2d_with_matrix_products(x: tf.Tensor, kernel: tf.Tensor):
    """Convolves as `tf.nn.conv2d` does, but takes the kernel's gradient by matrix products."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image_gradient = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x),
            filter=kernel,
            out_backprop=upstream,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return image_gradient, gradient_by_matrix_products(x, upstream, kernel.shape[0])

    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), gradient


def gradient_by_matrix_products(x: tf.Tensor, upstream: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the gradient of a convolution with respect to its kernel.

    Args:
        x: `[N, H, W, C]`, the images that were convolved.
        upstream: `[N, H, W, D]`, the gradient with respect to the convolution's result.
        size: K, the height and width of the kernel.

    Returns:
        `[K, K, C, D]`.
    """
    height, channels, width = x.shape[1], x.shape[3], tf.shape(x)[2]
    filters = upstream.shape[-1]
    before = (size - 1) // 2
    margins = [before, size - 1 - before]
    # Without this dependency the executor shifts the images of all layers beforehand.
    with tf.control_dependencies([upstream]):
        rows = tf.transpose(x, [1, 0, 2, 3])  # [N, H, W, C] --> [H, N, W, C]
    padded = tf.pad(rows, [margins, [0, 0], margins, [0, 0]])
    shifted = tf.concat([padded[:, :, j : j + width] for j in range(size)], axis=3)
    # [N, H, W, D] --> [HNW, D]
    upstream = tf.reshape(tf.transpose(upstream, [1, 0, 2, 3]), [-1, filters])
    products = [
        tf.matmul(  # a slice along the first axis is not copied
            tf.reshape(shifted[i : i + height], [-1, size * channels]),  # [HNW, KC]
            upstream,
            transpose_a=True,
        )
        for i in range(size)
    ]
    return tf.reshape(tf.stack(products), [size, size, channels, filters])


class Normalization(NamedTuple):
    """Holds normalized values and the statistics that normalized them.

    Attributes:
        values: float32 `[N, H, W, C]`.
        mean: float32 `[C]`.
        variance: float32 `[C]`, unbiased.
    """

    values: tf.Tensor
    mean: tf.Tensor
    variance: tf.Tensor


def batch_norm(
    x: tf.Tensor, mask: tf.Tensor | None, is_training: bool
) -> tuple[tf.Tensor, tuple[BatchStatistic, ...]]:
    """Normalizes over all axes but the last (Ioffe and Szegedy, 2015).

    Creates the variables in the scope `BatchNorm` of the current scope.

    Args:
        x: float32 `[N, H, W, C]`.
        mask: float32 `[N, 1, W, 1]`, 1 for the pixels whose statistics count; None for all.
        is_training: normalize by the batch's own statistics, not by the moving averages.

    Returns:
        The normalized values, `[N, H, W, C]`, and the batch's mean and variance; no statistics
        at inference.
    """
    channels = [x.shape[-1]]
    with tf.compat.v1.variable_scope(variable_names.BATCH_NORM_SCOPE):
        gamma = _variable(variable_names.GAMMA, channels, 1.0)
        beta = _variable(variable_names.BETA, channels, 0.0)
        mean = _variable(variable_names.MOVING_MEAN, channels, 0.0, trainable=False)
        variance = _variable(variable_names.MOVING_VARIANCE, channels, 1.0, trainable=False)
    if not is_training:
        values, *_ = tf.compat.v1.nn.fused_batch_norm(
            x, gamma, beta, mean, variance, epsilon=EPSILON, is_training=False
        )
        return values, ()
    batch = normalize(x, gamma, beta) if mask is None else normalize_masked(x, gamma, beta, mask)
    statistics = BatchStatistic(mean, batch.mean), BatchStatistic(variance, batch.variance)
    return batch.values, statistics


def _variable(name: str, shape: list[int], value: float, trainable: bool = True) -> tf.Variable:
    initializer = tf.ones_initializer() if value else tf.zeros_initializer()
    return tf.compat.v1.get_variable(name, shape, initializer=initializer, trainable=trainable)


def normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> Normalization:
    """Normalizes a batch by its own statistics."""
    values, mean, variance, *_ = tf.compat.v1.nn.fused_batch_norm(
        x, gamma, beta, epsilon=EPSILON, is_training=True
    )
    return Normalization(values, mean, variance)


def normalize_masked(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, mask: tf.Tensor
) -> Normalization:
    """Normalizes a batch by the statistics of those pixels that the mask selects.

    Args:
        x: float32 `[N, H, W, C]`.
        gamma: float32 `[C]`, the scale.
        beta: float32 `[C]`, the offset.
        mask: float32 `[N, 1, W, 1]`, 1 for pixels that count, else 0.
    """
    count = tf.reduce_sum(mask) * tf.cast(tf.shape(x)[1], tf.float32)
    mean = tf.reduce_sum(x * mask, axis=[0, 1, 2]) / count
    variance = tf.reduce_sum(tf.square(x - mean) * mask, axis=[0, 1, 2]) / count
    scale = gamma * tf.math.rsqrt(variance + EPSILON)
    return Normalization(
        values=x * scale + (beta - mean * scale),
        mean=mean,
        variance=variance * count / tf.maximum(count - 1, 1),
    )


def moving_average_updates(
    statistics: Iterable[BatchStatistic], step: tf.Tensor, momentum: float
) -> list[tf.Operation]:
    """Creates the operations that move each moving average towards the batch's value.

    Args:
        statistics: the statistics of the batch.
        step: int32 scalar, the global step.
        momentum: the largest decay, as `moving_average_decay` takes it.
    """
    rate = 1 - moving_average_decay(step, momentum)
    return [
        average.assign_sub(rate * (average - batch_value)).op for average, batch_value in statistics
    ]


def moving_average_decay(step: tf.Tensor, momentum: float) -> tf.Tensor:
    """Returns the share of a moving average that a training step keeps, float32 scalar.

    It is `min(momentum, (1 + step) / (10 + step))`. 0.7.6 keeps 0.99 from the first step on. Its
    moving variances start at 1, far from the true variance of about 0.001, so that a new model
    predicts garbage for 600 steps.

    Args:
        step: int32 scalar, the global step.
        momentum: the largest share, which later steps keep.
    """
    step = tf.cast(step, tf.float32)
    return tf.minimum(momentum, (1 + step) / (10 + step))
