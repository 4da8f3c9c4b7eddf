"""From a loss to a training step: learning rate, clipping, weight decay, and the update itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.config import TrainingOptions

ADADELTA_RHO = 0.95
ADADELTA_EPSILON = 1e-8
SGD_MOMENTUM = 0.9

ONE_CYCLE_START = 25.0
"""The rate starts at this fraction of its peak."""

ONE_CYCLE_RISE = 0.3
"""Share of the steps in which the rate rises, unless the warm-up is given."""


class Update(NamedTuple):
    """A training step.

    Attributes:
        step: int32 scalar, the global step after the update that fetching it makes.
        applied: bool scalar, False where the loss or the gradient was not finite: then weights,
            averages and the optimizer's state are as before, but the step counts.
        gradient_norm: float32 scalar, before clipping.
        learning_rate: float32 scalar.
        gradients: the gradient of each trainable variable, by name, before clipping.
    """

    step: tf.Tensor
    applied: tf.Tensor
    gradient_norm: tf.Tensor
    learning_rate: tf.Tensor
    gradients: dict[str, tf.Tensor]


def update(
    loss: tf.Tensor,
    move_averages: Callable[[], list[tf.Operation]],
    global_step: tf.Variable,
    options: TrainingOptions,
    last_step: int,
) -> Update:
    """Builds the update.

    Args:
        loss: float32 scalar.
        move_averages: makes the operations that move the averages of batch norm.
        global_step: int32 scalar.
        options: optimizer, rate, schedule, decay, clipping.
        last_step: the global step at which a schedule ends.
    """
    rate = learning_rate(tf.convert_to_tensor(global_step), options, last_step)
    optimizer = OPTIMIZERS[options.optimizer](rate)
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, norm = _clip(gradients, options.max_gradient_norm)

    def apply() -> tf.Tensor:
        before = move_averages() + _decay(variables, rate * options.weight_decay, options)
        with tf.control_dependencies(before):  # averages move before the weights do
            done = optimizer.apply_gradients(zip(clipped, variables, strict=True))
        with tf.control_dependencies([done]):
            return tf.constant(True)

    finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
    applied = tf.cond(finite, apply, lambda: tf.constant(False))
    with tf.control_dependencies([applied]):
        step = global_step.assign_add(1, read_value=True)
    return Update(
        step=tf.identity(step),
        applied=applied,
        gradient_norm=norm,
        learning_rate=rate,
        gradients={v.op.name: g for v, g in zip(variables, gradients, strict=True)},
    )


OPTIMIZERS: dict[str, Callable[[tf.Tensor], tf.compat.v1.train.Optimizer]] = {
    "adadelta": lambda rate: tf.compat.v1.train.AdadeltaOptimizer(
        rate, ADADELTA_RHO, ADADELTA_EPSILON
    ),
    "adam": tf.compat.v1.train.AdamOptimizer,
    "adamw": tf.compat.v1.train.AdamOptimizer,
    "sgd": lambda rate: tf.compat.v1.train.MomentumOptimizer(rate, SGD_MOMENTUM),
}
"""Adadelta is 0.7.6's (Zeiler, 2012); AdamW is Adam with the decay that all of them take."""


def learning_rate(step: tf.Tensor, options: TrainingOptions, last_step: int) -> tf.Tensor:
    """The rate of a step, float32 scalar.

    It rises in equal parts over the warm-up. After that it is constant, or falls to 0 as half a
    cosine (Loshchilov and Hutter, 2017). One-cycle (Smith and Topin, 2018) is the second with a
    long rise from a 25th of the rate.

    Args:
        step: int32 scalar, from 0.
        options: rate, schedule and warm-up.
        last_step: where the fall ends.
    """
    cycle = options.learning_rate_schedule == "one-cycle"
    warmup = options.warmup_steps or (math.ceil(ONE_CYCLE_RISE * last_step) if cycle else 0)
    done = tf.cast(step, tf.float32)
    rise = tf.minimum(1.0, (done + 1) / max(1, warmup))
    if cycle:
        rise = (1 + (ONE_CYCLE_START - 1) * rise) / ONE_CYCLE_START
    if options.learning_rate_schedule == "constant":
        return options.initial_learning_rate * rise
    part = tf.clip_by_value((done - warmup) / max(1, last_step - warmup), 0.0, 1.0)
    return options.initial_learning_rate * rise * (1 + tf.cos(math.pi * part)) / 2


def _clip(gradients: Sequence[tf.Tensor], max_norm: float | None):
    """Gradients scaled to at most a global norm (None: as they are), and their norm before."""
    norm = tf.linalg.global_norm(gradients)
    if max_norm is None:
        return gradients, norm
    return tf.clip_by_global_norm(gradients, max_norm, use_norm=norm)


def _decay(
    variables: Sequence[tf.Variable], amount: tf.Tensor, options: TrainingOptions
) -> list[tf.Operation]:
    """Shrinks every matrix and kernel by a part of itself (Loshchilov and Hutter, 2019)."""
    if not options.weight_decay:
        return []
    return [v.assign_sub(amount * v).op for v in variables if v.shape.rank > 1]
