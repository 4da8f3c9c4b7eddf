"""Batch normalization, and the moving averages that replace a batch's statistics at inference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import tensorflow as tf

from aocr.model import variable_names

EPSILON = 0.001
"""Added to every variance."""


class BatchStatistic(NamedTuple):
    """Holds one statistic of a training batch, and the moving average that follows it.

    Attributes:
        moving_average: float32 `[C]`, a variable that is not trained.
        batch_value: float32 `[C]`, the mean or the unbiased variance of this batch.
    """

    moving_average: tf.Variable
    batch_value: tf.Tensor


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
        statistics: those of the batch.
        step: int32 scalar, the global step.
        momentum: see `moving_average_decay`.
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
