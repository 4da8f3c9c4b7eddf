"""Plans the last step of a run from the minutes that it may take: `--max-minutes`.

The plan is made once, after the first steps were measured, and is stored in the checkpoint, so that
the learning rate schedule and its end stay the same in a run that is interrupted and resumed. Until
the plan is made, the schedule assumes the end that `--num-epoch` and `--max-steps` give: it starts
slowly, or near its peak, whatever its end is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aocr.model.variable_names import PLANNED_LAST_STEP, PLANNED_MILLISECONDS
from aocr.model.weights.reader import CheckpointReader
from aocr.training.options import TrainingOptions
from aocr.training.pace import MEASURED_STEPS, Pace
from aocr.training.start.step_plan import StepPlan
from aocr.util.text.plurals import counted

VARIABLES = (PLANNED_LAST_STEP, PLANNED_MILLISECONDS)
"""Names of the variables that keep the plan."""

MEASURED_SHARE, LARGEST_MEASURED_SHARE = 0.02, 0.25
"""Shares of the time in which steps are measured: at least, and at most if steps are slow."""

VALIDATION_COST = 0.4
"""Assumed duration of reading an image in validation, where training on it takes 1: forward pass
and decoding without gradients."""

TOLERATED_EXCESS = 1.2
"""A run that takes longer than its minutes times this number says so."""


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
    last_step, milliseconds = (int(reader.read(name)) for name in VARIABLES)
    return last_step if last_step and milliseconds == _milliseconds(options.max_minutes) else None


def _milliseconds(minutes: float) -> int:
    return round(minutes * 60_000)


class TimeBudget(NamedTuple):
    """Says what a run has done with its time, and will do besides training.

    Attributes:
        started: value of `time.monotonic()` before the first step.
        planned: last step that an earlier run has planned for these minutes; None if none has.
        validation_images: number of images that a validation reads; 0 for no validation.
    """

    started: float
    planned: int | None = None
    validation_images: int = 0


def make_time_plan(
    session: tf.compat.v1.Session,
    options: TrainingOptions,
    budget: TimeBudget,
    agree: Callable[[int], int] = int,
) -> TimePlan | None:
    """Returns the time plan of a run; None without `--max-minutes`.

    Args:
        session: a session on the training graph, with its weights initialized.
        options: gives the minutes, and the interval between validations.
        budget: see there.
        agree: see `TimePlan`.
    """
    return None if options.max_minutes is None else TimePlan(session, options, budget, agree)


def steps_that_fit(
    seconds: float, pace: Pace, validation_images: int, validation_interval: int
) -> int:
    """Returns the number of steps that fit into a time with their validations and a last one.

    The time of checkpoints, a fraction of a second each, is not counted.

    Args:
        seconds: the time.
        pace: of the training.
        validation_images: number of images that a validation reads; 0 for no validation.
        validation_interval: number of steps between validations.
    """
    validation = VALIDATION_COST * validation_images / pace.images_per_second
    step = pace.step_seconds + validation / validation_interval
    return max(0, int((seconds - validation) / step))


class TimePlan:
    """Plans the last step of a run, and keeps the plan in the variables of the training graph.

    Args:
        session: a session on the training graph, with its weights initialized.
        options: gives the minutes, and the interval between validations.
        budget: see there.
        agree: returns the number that counts among those that several replicas give: they measure
            different times, and must come to one plan.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        options: TrainingOptions,
        budget: TimeBudget,
        agree: Callable[[int], int] = int,
    ) -> None:
        self._agree = agree
        self._session, self._started = session, budget.started
        self._minutes = float(options.max_minutes or 0)
        self._validations = budget.validation_images, options.steps_per_validation
        self._is_late = False
        self._set(budget.planned or 0)
        if budget.planned:
            text = "Continuing a plan of --max-minutes=%g: training ends at global step %i."
            logging.info(text, self._minutes, budget.planned)

    def _set(self, last_step: int) -> None:
        """Sets the variables."""
        values = dict(zip(VARIABLES, (last_step, _milliseconds(self._minutes)), strict=True))
        with self._session.graph.as_default():
            for variable in tf.compat.v1.global_variables():
                if variable.op.name in values:
                    variable.load(values[variable.op.name], self._session)
        self.is_made = last_step > 0

    def is_due(self, measured_steps: int, measured_seconds: float) -> bool:
        """Returns whether enough steps were measured, or no time is left to measure more."""
        return bool(self._agree(int(self._is_due(measured_steps, measured_seconds))))

    def _is_due(self, measured_steps: int, measured_seconds: float) -> bool:
        total, elapsed = 60 * self._minutes, time.monotonic() - self._started
        if elapsed >= LARGEST_MEASURED_SHARE * total:
            return measured_steps > 0 or elapsed >= total
        return measured_steps >= MEASURED_STEPS and measured_seconds >= MEASURED_SHARE * total

    def make(self, step: int, pace: Pace, limit: int, steps_per_epoch: int) -> int:
        """Plans the last step, sets the end of the schedule, and logs it.

        Args:
            step: the global step so far.
            pace: of the steps so far.
            limit: the last step that `--num-epoch` and `--max-steps` permit.
            steps_per_epoch: number of batches of an epoch.

        Returns:
            The last step; the present one if no time is left.
        """
        left = 60 * self._minutes - (time.monotonic() - self._started)
        count = self._agree(steps_that_fit(left, pace, *self._validations))
        last_step = min(limit, step + count)
        self._set(last_step)
        fitting = f"about {counted(count, 'step')}, {count / steps_per_epoch:.1f} epochs more"
        reason = ", because --max-steps or --num-epoch comes first" if last_step == limit else ""
        end = f"training ends at global step {last_step}{reason}"
        logging.info("%g minutes: %s; %s.", self._minutes, fitting, end)
        return last_step

    def log_excess(self, steps_left: int) -> None:
        """Logs once that the run takes much longer than planned."""
        elapsed = (time.monotonic() - self._started) / 60
        if self._is_late or elapsed <= TOLERATED_EXCESS * self._minutes:
            return
        self._is_late = True
        logging.warning(
            "Training has taken %.1f minutes instead of --max-minutes=%g: it is slower than its "
            "first steps were. It goes on for %i steps, because the learning rate schedule is "
            "kept; Ctrl-C ends it with a checkpoint.",
            elapsed,
            self._minutes,
            steps_left,
        )
