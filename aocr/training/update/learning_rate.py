"""Computes the learning rate of each training step.

To add a schedule, write its function, add it to `SCHEDULES`, and add its name to
`aocr.training.options.SCHEDULES`, which the command line reads without TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from aocr.training.options import TrainingOptions

ONE_CYCLE_DIVISOR = 25.0
"""A one-cycle schedule starts at the peak learning rate divided by this number."""

ONE_CYCLE_WARMUP = 0.3
"""Fraction of the steps in which a one-cycle schedule rises, unless the warm-up is given."""

Steps: TypeAlias = int | tf.Tensor
"""A number of steps; a float32 scalar where it is known only at run time."""

Schedule = Callable[[tf.Tensor, TrainingOptions, Steps], tf.Tensor]
"""Returns the learning rate of a step, as `learning_rate_at` does, for a float32 step."""


def learning_rate_at(
    step: tf.Tensor, options: TrainingOptions, last_step: int | tf.Tensor
) -> tf.Tensor:
    """Returns the learning rate of a step, a float32 scalar.

    Args:
        step: int32 scalar, the number of steps before this one.
        options: the initial learning rate, the schedule and the number of warm-up steps.
        last_step: the global step at which the schedule ends; an int32 scalar if it is known only
            at run time.
    """
    if isinstance(last_step, tf.Tensor):
        last_step = tf.cast(last_step, tf.float32)
    schedule = SCHEDULES[options.learning_rate_schedule]
    return schedule(tf.cast(step, tf.float32), options, last_step)


def _constant(step: tf.Tensor, options: TrainingOptions, last_step: Steps) -> tf.Tensor:
    """Keeps the initial learning rate after the warm-up."""
    return options.initial_learning_rate * _warmup(step, options.warmup_steps)


def _cosine(step: tf.Tensor, options: TrainingOptions, last_step: Steps) -> tf.Tensor:
    """Decays to 0 along half a cosine after the warm-up (Loshchilov and Hutter, 2017)."""
    peak = options.initial_learning_rate * _warmup(step, options.warmup_steps)
    return peak * _cosine_decay(step, options.warmup_steps, last_step)


def _one_cycle(step: tf.Tensor, options: TrainingOptions, last_step: Steps) -> tf.Tensor:
    """Rises from a 25th of the peak, then decays along half a cosine (Smith and Topin, 2018)."""
    warmup_steps = options.warmup_steps or _one_cycle_warmup(last_step)
    warmup = _warmup(step, warmup_steps)
    rise = (1 + (ONE_CYCLE_DIVISOR - 1) * warmup) / ONE_CYCLE_DIVISOR
    return options.initial_learning_rate * rise * _cosine_decay(step, warmup_steps, last_step)


def _one_cycle_warmup(last_step: Steps) -> Steps:
    """Returns the number of steps in which a one-cycle schedule rises."""
    if isinstance(last_step, int):
        return math.ceil(ONE_CYCLE_WARMUP * last_step)
    return tf.math.ceil(ONE_CYCLE_WARMUP * last_step)


def _warmup(step: tf.Tensor, warmup_steps: Steps) -> tf.Tensor:
    """Returns a fraction that rises linearly and is 1 from the last warm-up step on."""
    return tf.minimum(1.0, (step + 1) / _at_least_one(warmup_steps))


def _cosine_decay(step: tf.Tensor, first_step: Steps, last_step: Steps) -> tf.Tensor:
    """Returns a fraction that falls from 1 to 0 along half a cosine between two steps."""
    progress = (step - first_step) / _at_least_one(last_step - first_step)
    return (1 + tf.cos(math.pi * tf.clip_by_value(progress, 0.0, 1.0))) / 2


def _at_least_one(steps: Steps) -> Steps:
    return max(1, steps) if isinstance(steps, int) else tf.maximum(1.0, steps)


SCHEDULES: dict[str, Schedule] = {
    "constant": _constant,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
}
"""The learning rate schedules by the names that `--learning-rate-schedule` takes."""
