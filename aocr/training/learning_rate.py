"""Computes the learning rate of each training step.

To add a schedule, write its function, add it to `SCHEDULES`, and add its name to
`aocr.training.options.SCHEDULES`, which the command line reads without TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from aocr.training.options import TrainingOptions

ONE_CYCLE_DIVISOR = 25.0
"""A one-cycle schedule starts at the peak learning rate divided by this number."""

ONE_CYCLE_WARMUP = 0.3
"""Fraction of the steps in which a one-cycle schedule rises, unless the warm-up is given."""

Schedule = Callable[[tf.Tensor, TrainingOptions, int], tf.Tensor]
"""Returns the learning rate of a step, as `learning_rate_at` does, for a float32 step."""


def learning_rate_at(step: tf.Tensor, options: TrainingOptions, last_step: int) -> tf.Tensor:
    """Returns the learning rate of a step, a float32 scalar.

    Args:
        step: int32 scalar, the number of steps before this one.
        options: gives the initial learning rate, the schedule and the number of warm-up steps.
        last_step: the global step at which the schedule ends.
    """
    schedule = SCHEDULES[options.learning_rate_schedule]
    return schedule(tf.cast(step, tf.float32), options, last_step)


def _constant(step: tf.Tensor, options: TrainingOptions, last_step: int) -> tf.Tensor:
    """Keeps the initial learning rate after the warm-up."""
    return options.initial_learning_rate * _warmup(step, options.warmup_steps)


def _cosine(step: tf.Tensor, options: TrainingOptions, last_step: int) -> tf.Tensor:
    """Decays to 0 along half a cosine after the warm-up (Loshchilov and Hutter, 2017)."""
    peak = options.initial_learning_rate * _warmup(step, options.warmup_steps)
    return peak * _cosine_decay(step, options.warmup_steps, last_step)


def _one_cycle(step: tf.Tensor, options: TrainingOptions, last_step: int) -> tf.Tensor:
    """Rises from a 25th of the peak, then decays along half a cosine (Smith and Topin, 2018)."""
    warmup_steps = options.warmup_steps or math.ceil(ONE_CYCLE_WARMUP * last_step)
    warmup = _warmup(step, warmup_steps)
    rise = (1 + (ONE_CYCLE_DIVISOR - 1) * warmup) / ONE_CYCLE_DIVISOR
    return options.initial_learning_rate * rise * _cosine_decay(step, warmup_steps, last_step)


def _warmup(step: tf.Tensor, warmup_steps: int) -> tf.Tensor:
    """Returns a fraction that rises linearly and is 1 from the last warm-up step on."""
    return tf.minimum(1.0, (step + 1) / max(1, warmup_steps))


def _cosine_decay(step: tf.Tensor, first_step: int, last_step: int) -> tf.Tensor:
    """Returns a fraction that falls from 1 to 0 along half a cosine between two steps."""
    progress = (step - first_step) / max(1, last_step - first_step)
    return (1 + tf.cos(math.pi * tf.clip_by_value(progress, 0.0, 1.0))) / 2


SCHEDULES: dict[str, Schedule] = {
    "constant": _constant,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
}
"""The learning rate schedules by the names that `--learning-rate-schedule` takes."""
