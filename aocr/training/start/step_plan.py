"""Plans which steps a training run takes and on which records."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import tensorflow as tf

from aocr.model.variable_names import PLANNED_LAST_STEP, PLANNED_MILLISECONDS
from aocr.model.weights.reader import CheckpointReader
from aocr.training.options import TrainingOptions

VARIABLES = (PLANNED_LAST_STEP, PLANNED_MILLISECONDS)
"""Names of the variables that keep the plan."""


class StepPlan(NamedTuple):
    """Determines the steps of one run.

    With a seed, the records of a step and their order depend only on the seed and the global step.
    A run that was killed and resumed therefore takes the same steps as one that was not.

    Attributes:
        seed: random seed of the order of the records, of dropout and of fresh weights.
        first_step: the global step before the run.
        last_step: the global step after the run.
        first_epoch: the epoch that the run starts in, from 0.
        skipped: number of batches of that epoch that earlier runs have trained on.
    """

    seed: int
    first_step: int
    last_step: int
    first_epoch: int = 0
    skipped: int = 0

    @property
    def step_count(self) -> int:
        """Number of steps of the run; 0 if `last_step` was reached before."""
        return max(0, self.last_step - self.first_step)


def make_step_plan(
    options: TrainingOptions, steps_per_epoch: int, step: int, planned: int | None = None
) -> StepPlan:
    """Plans the steps of a run.

    Args:
        options: gives `seed` (None for a new seed, and so a new order, in each run), `num_epoch`
            (the epochs of this run), and `max_steps` (the steps of all runs).
        steps_per_epoch: number of batches of an epoch.
        step: the global step before the run.
        planned: the last step that `--max-minutes` came to in an earlier run.
    """
    last_step = step + options.num_epoch * steps_per_epoch
    last_step = min(each for each in (last_step, options.max_steps, planned) if each is not None)
    if options.seed is None:
        return StepPlan(secrets.randbelow(2**31), step, last_step)
    first_epoch, skipped = divmod(step, steps_per_epoch)
    return StepPlan(options.seed, step, last_step, first_epoch, skipped)


def schedule_end(options: TrainingOptions, plan: StepPlan) -> int | tf.Tensor:
    """Returns the global step at which the learning rate schedule ends.

    With `--max-minutes` it is an int32 scalar that `TimePlan` sets. Creates its variables.
    """
    if options.max_minutes is None:
        return plan.last_step
    last_step, _ = (
        tf.compat.v1.get_variable(
            name, [], dtype, initializer=tf.zeros_initializer(), trainable=False
        )
        for name, dtype in zip(VARIABLES, (tf.int32, tf.int64), strict=True)
    )
    return tf.where(last_step > 0, last_step, plan.last_step)


def planned_last_step(checkpoint: str | None, options: TrainingOptions) -> int | None:
    """Returns the last step that an earlier run has planned for the same minutes; None if none has.

    Args:
        checkpoint: that the run resumes from.
        options: gives the minutes.

    Raises:
        UserError: the checkpoint is damaged.
    """
    if checkpoint is None or options.max_minutes is None:
        return None
    reader = CheckpointReader(checkpoint)
    if any(name not in reader.shapes for name in VARIABLES):
        return None
    last_step, planned_for = (int(reader.read(name)) for name in VARIABLES)
    return last_step if last_step and planned_for == milliseconds(options.max_minutes) else None


def milliseconds(minutes: float) -> int:
    """Converts minutes to whole milliseconds, as a checkpoint stores them."""
    return round(minutes * 60_000)
