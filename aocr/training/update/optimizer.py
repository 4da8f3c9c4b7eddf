"""Turns a loss into a training step: gradients, clipping, weight decay and the update.

To add an optimizer, add it to `OPTIMIZERS`, and its default learning rate to
`aocr.training.options.LEARNING_RATES`, which the command line reads without TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.training.options import TrainingOptions
from aocr.training.update import weight_averages
from aocr.training.update.learning_rate import learning_rate_at

ADADELTA_RHO = 0.95
ADADELTA_EPSILON = 1e-8
SGD_MOMENTUM = 0.9


def _adadelta(learning_rate: tf.Tensor) -> tf.compat.v1.train.Optimizer:
    """Creates the optimizer of 0.7.6 (Zeiler, 2012; docs/compatibility.md, "Loss")."""
    return tf.compat.v1.train.AdadeltaOptimizer(learning_rate, ADADELTA_RHO, ADADELTA_EPSILON)


def _sgd(learning_rate: tf.Tensor) -> tf.compat.v1.train.Optimizer:
    """Creates stochastic gradient descent with momentum."""
    return tf.compat.v1.train.MomentumOptimizer(learning_rate, SGD_MOMENTUM)


OPTIMIZERS: dict[str, Callable[[tf.Tensor], tf.compat.v1.train.Optimizer]] = {
    "adadelta": _adadelta,
    "adam": tf.compat.v1.train.AdamOptimizer,
    "adamw": tf.compat.v1.train.AdamOptimizer,
    "sgd": _sgd,
}
"""Creates each optimizer from a learning rate.

AdamW is Adam with another default weight decay: the decay is decoupled for every optimizer.
"""


class Update(NamedTuple):
    """Holds the tensors of a training step.

    Attributes:
        step: int32 scalar, the global step after the update. Fetching it applies the update.
        applied: bool scalar, False if the loss or the gradient was not finite. The weights, all
            moving averages and the optimizer's state then stay unchanged, but the step counts.
        gradient_norm: float32 scalar, the global norm before clipping.
        learning_rate: float32 scalar.
        gradients: the gradient of each trainable variable by the variable's name, before clipping.
    """

    step: tf.Tensor
    applied: tf.Tensor
    gradient_norm: tf.Tensor
    learning_rate: tf.Tensor
    gradients: dict[str, tf.Tensor]


class GlobalGradients(NamedTuple):
    """Holds gradients that were computed elsewhere, one a trainable variable, and their norm."""

    gradients: Sequence[tf.Tensor]
    norm: tf.Tensor


class ClippedGradients(NamedTuple):
    """Holds clipped gradients and `norm`, their global norm before clipping."""

    gradients: Sequence[tf.Tensor]
    norm: tf.Tensor


def build_update(
    loss: tf.Tensor,
    move_averages: Callable[[], list[tf.Operation]],
    global_step: tf.Variable,
    options: TrainingOptions,
    last_step: int | tf.Tensor,
    computed: GlobalGradients | None = None,
) -> Update:
    """Builds the update of a training step.

    Args:
        loss: float32 scalar.
        move_averages: a function that creates the operations that update the moving averages of
            batch norm.
        global_step: int32 scalar.
        options: the optimizer, learning rate, schedule, weight decay, clipping and averaging.
        last_step: the end of the schedule, as `learning_rate_at` takes it.
        computed: the gradients of the loss; None to compute them here.
    """
    step = tf.convert_to_tensor(global_step)
    learning_rate = learning_rate_at(step, options, last_step)
    averages = weight_averages.create() if options.ema_decay else {}
    optimizer = OPTIMIZERS[options.optimizer](learning_rate)
    if computed:
        gradients, variables = computed.gradients, tf.compat.v1.trainable_variables()
    else:
        gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    norm = computed.norm if computed else None
    clipped = clip_gradients(gradients, options.max_gradient_norm, norm)

    def apply() -> tf.Tensor:
        before = move_averages()
        if options.weight_decay:
            before += _decay_weights(variables, learning_rate * options.weight_decay)
        with tf.control_dependencies(before):  # the averages of 0.7.6 move before the weights
            applied = optimizer.apply_gradients(zip(clipped.gradients, variables, strict=True))
        with tf.control_dependencies([applied]):
            after = weight_averages.updates(averages, step, options.ema_decay)
        with tf.control_dependencies([applied, *after]):
            return tf.constant(True)

    is_finite = tf.math.is_finite(loss) & tf.math.is_finite(clipped.norm)
    applied = tf.cond(is_finite, apply, lambda: tf.constant(False))
    with tf.control_dependencies([applied]):
        next_step = global_step.assign_add(1, read_value=True)
    return Update(
        step=tf.identity(next_step),
        applied=applied,
        gradient_norm=clipped.norm,
        learning_rate=learning_rate,
        gradients={v.op.name: g for v, g in zip(variables, gradients, strict=True)},
    )


def clip_gradients(
    gradients: Sequence[tf.Tensor], max_norm: float | None, norm: tf.Tensor | None = None
) -> ClippedGradients:
    """Scales gradients down to a maximum global norm; None leaves them unchanged.

    Args:
        gradients: one a variable.
        max_norm: the maximum.
        norm: the global norm, if it is known.
    """
    norm = tf.linalg.global_norm(gradients) if norm is None else norm
    if max_norm is None:
        return ClippedGradients(gradients, norm)
    clipped, _ = tf.clip_by_global_norm(gradients, max_norm, use_norm=norm)
    return ClippedGradients(clipped, norm)


def _decay_weights(variables: Sequence[tf.Variable], fraction: tf.Tensor) -> list[tf.Operation]:
    """Shrinks all matrices and kernels by a fraction of themselves (Loshchilov and Hutter, 2019).

    Biases and the scales and shifts of batch norm do not decay.
    """
    return [v.assign_sub(fraction * v).op for v in variables if v.shape.rank > 1]
