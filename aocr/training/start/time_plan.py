"""Measures how fast a training run is, and plans its last step from `--max-minutes`.

The plan is made after the first steps were measured. They may have been slow ones, on a machine
that was busy, so the steps are measured again on the way, and the plan is corrected if it is far
off. The learning rate schedule ends at the planned step, wherever that moves. The plan is stored in
the checkpoint, and a run that resumes keeps the plan that it finds: with a seed it takes the steps
of a run that was not interrupted. Until there is a plan, the schedule assumes the end that
`--num-epoch` and `--max-steps` give: it starts slowly, or near its peak, whatever its end is.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.model.variable_names import PLANNED_LAST_STEP, PLANNED_MILLISECONDS
from aocr.model.weights.files import CheckpointReader
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan
from aocr.training.start.training_set import TrainingSet
from aocr.util.text.plurals import counted

VARIABLES = (PLANNED_LAST_STEP, PLANNED_MILLISECONDS)
"""Names of the variables that keep the plan."""


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
        checkpoint: the checkpoint that the run resumes from; None for a new model.
        options: the minutes.

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


MEASURED_STEPS = 5
"""Number of steps that are measured, after the first one, which is much slower."""


class Pace(NamedTuple):
    """Says how fast a run trains, without validations and checkpoints.

    Attributes:
        step_seconds: mean duration of a step, waiting for its images included.
        images_per_second: number of images trained on per second.
        epoch_seconds: duration of an epoch.
    """

    step_seconds: float
    images_per_second: float
    epoch_seconds: float


def pace_of(seconds: Sequence[float], training_set: TrainingSet, one_width: bool) -> Pace:
    """Returns the pace of a run from the durations of steps.

    The first step counts only if there is no other.

    Args:
        seconds: the durations, at least one.
        training_set: the records and steps of an epoch.
        one_width: whether all batches have the same width. The median of their durations then
            stands for all, and a single delay does not count; else the mean does.
    """
    average = statistics.median if one_width else statistics.fmean
    step = max(1e-9, average(seconds[1:] or seconds))
    epoch = step * training_set.batches_per_epoch
    return Pace(step, training_set.used / epoch, epoch)


MEASURED_SHARE, LARGEST_MEASURED_SHARE = 0.02, 0.25
"""Shares of the time in which steps are measured: at least, and at most if steps are slow."""

VALIDATION_COST = 0.4
"""Assumed duration of reading an image in validation, where training on it takes 1: forward pass
and decoding without gradients."""

TOLERATED_EXCESS = 1.2
"""A run that takes longer than its minutes times this number says so."""

CHECKED_PART = 8
"""A plan is checked each time when this part of the steps that it has left was taken: an eighth."""

UNCHECKED_PART = 8
"""The last part of a plan, an eighth of its steps, is not corrected: a few seconds would decide."""

TOLERATED_CHANGE = 0.2
"""Share of the steps left by which a plan may be off before it is corrected."""


class TimeBudget(NamedTuple):
    """Says what a run has done with its time, and will do besides training.

    Attributes:
        started: the value of `time.monotonic()` before the first step.
        planned: last step that an earlier run has planned for these minutes; None if none has.
        validation_images: number of images that a validation reads; 0 for no validation.
    """

    started: float
    planned: int | None = None
    validation_images: int = 0


def steps_that_fit(
    seconds: float, pace: Pace, validation_images: int, validation_interval: int
) -> int:
    """Returns the number of steps that fit into a time with their validations and a last one.

    The time of checkpoints, a fraction of a second each, is not counted.

    Args:
        seconds: the time.
        pace: the pace of the training.
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
        options: the minutes, and the interval between validations.
        budget: what the run does with its time besides training.
        limit: the last step that `--num-epoch` and `--max-steps` permit.
        agree: a function from a number of this replica to that which counts among those of all:
            they measure different times, and must come to one plan.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        options: TrainingOptions,
        budget: TimeBudget,
        limit: int,
        agree: Callable[[int], int] = int,
    ) -> None:
        self._agree, self._limit = agree, limit
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
        values = dict(zip(VARIABLES, (last_step, milliseconds(self._minutes)), strict=True))
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

    def make(self, step: int, pace: Pace, steps_per_epoch: int) -> int:
        """Plans the last step, sets the end of the schedule, and logs it.

        Args:
            step: the global step so far.
            pace: the pace of the steps so far.
            steps_per_epoch: number of batches of an epoch.

        Returns:
            The last step; the present one if no time is left.
        """
        count = self._agree(self._steps_left(pace))
        last_step = min(self._limit, step + count)
        self._set(last_step)
        fitting = f"about {counted(count, 'step')}, {count / steps_per_epoch:.1f} epochs more"
        comes_first = ", because --max-steps or --num-epoch comes first"
        reason = comes_first if last_step == self._limit else ""
        end = f"training ends at global step {last_step}{reason}"
        logging.info("%g minutes: %s; %s.", self._minutes, fitting, end)
        return last_step

    def correct(self, step: int, pace: Pace, last_step: int) -> int:
        """Plans the last step again, if the plan is far off, and returns it.

        Some steps always remain, in which the learning rate falls to the end of its schedule.

        Args:
            step: the global step so far.
            pace: the pace since the plan was made or checked.
            last_step: the last step of the plan.
        """
        left = last_step - step
        count = self._agree(max(self._steps_left(pace), left // CHECKED_PART))
        corrected = min(self._limit, step + count)
        if abs(corrected - last_step) <= TOLERATED_CHANGE * left:
            return last_step
        self._set(corrected)
        text = "A step takes %.3fs now: training ends at global step %i instead of %i."
        logging.info(text, pace.step_seconds, corrected, last_step)
        return corrected

    def _steps_left(self, pace: Pace) -> int:
        left = 60 * self._minutes - (time.monotonic() - self._started)
        return steps_that_fit(left, pace, *self._validations)

    def log_excess(self, steps_left: int) -> None:
        """Logs once that the run takes much longer than planned."""
        elapsed = (time.monotonic() - self._started) / 60
        if self._is_late or elapsed <= TOLERATED_EXCESS * self._minutes:
            return
        self._is_late = True
        logging.warning(
            "Training has taken %.1f minutes instead of --max-minutes=%g: it is slower than was "
            "planned. It goes on for %i steps, because the learning rate schedule is kept; Ctrl-C "
            "ends it with a checkpoint.",
            elapsed,
            self._minutes,
            steps_left,
        )


class RunTiming:
    """Measures the steps of a run, logs its pace, and plans its end where that is asked for.

    Attributes:
        last_step: the global step after which the run ends. It changes with `--max-minutes`.

    Args:
        plan: the steps that `--num-epoch` and `--max-steps` permit.
        training_set: the records and steps of an epoch.
        one_width: whether all batches have the same width.
        time_plan: the plan from the minutes; None without `--max-minutes`.
    """

    def __init__(
        self,
        plan: StepPlan,
        training_set: TrainingSet,
        one_width: bool,
        time_plan: TimePlan | None = None,
    ) -> None:
        self.last_step = plan.last_step
        self._training_set, self._one_width, self._time_plan = training_set, one_width, time_plan
        self._seconds: list[float] | None = []  # of the steps that are measured
        self._next_check = 0  # the global step to check the plan at, once it is made
        self._fewest_left = 0  # steps to which a plan is no more corrected

    @property
    def has_plan(self) -> bool:
        """Whether the run ends by its minutes, which a run of the same minutes does not prolong."""
        return self._time_plan is not None and self._time_plan.is_made

    def add(self, step: int, seconds: float) -> bool:
        """Counts a step, and returns whether it led to a plan of the last step, or to another one.

        Args:
            step: the global step.
            seconds: the duration of the step.
        """
        if self._seconds is not None:
            self._seconds.append(seconds)
            if self._next_check:
                return step >= self._next_check and self._check_plan(step, self._seconds)
            if self._is_measured(self._seconds[1:]):
                return self._end_measuring(step, self._seconds)
        if self._time_plan and self.last_step > step:
            self._time_plan.log_excess(self.last_step - step)
        return False

    def _is_measured(self, counted_seconds: Sequence[float]) -> bool:
        if self._time_plan and not self._time_plan.is_made:
            return self._time_plan.is_due(len(counted_seconds), sum(counted_seconds))
        return len(counted_seconds) >= MEASURED_STEPS

    def _end_measuring(self, step: int, seconds: Sequence[float]) -> bool:
        """Logs the pace, and returns whether the last step was planned."""
        self._seconds = None
        pace = pace_of(seconds, self._training_set, self._one_width)
        logging.info(
            "About %.3g images a second, %.3g minutes an epoch.",
            pace.images_per_second,
            pace.epoch_seconds / 60,
        )
        if not self._time_plan or self._time_plan.is_made:
            return False
        steps_per_epoch = self._training_set.batches_per_epoch
        self.last_step = self._time_plan.make(step, pace, steps_per_epoch)
        left = self.last_step - step
        self._fewest_left = max(4 * MEASURED_STEPS, left // UNCHECKED_PART)
        self._measure_again(step)
        return True

    def _check_plan(self, step: int, seconds: Sequence[float]) -> bool:
        """Corrects the plan, if it is far off, and returns whether it was."""
        pace = pace_of(seconds, self._training_set, one_width=False)  # a delay takes time, too
        before = self.last_step
        if self._time_plan:
            self.last_step = self._time_plan.correct(step, pace, before)
        self._measure_again(step)
        return self.last_step != before

    def _measure_again(self, step: int) -> None:
        """Begins to measure the steps until the plan is checked next, unless it is near its end."""
        left = self.last_step - step
        self._seconds = [] if left >= self._fewest_left else None
        self._next_check = step + max(MEASURED_STEPS, left // CHECKED_PART)
