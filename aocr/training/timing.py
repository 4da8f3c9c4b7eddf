"""Plans the last step of a run from the minutes that it may take: `--max-minutes`.

The plan is made once, after the first steps were measured, and is stored in the checkpoint, so that
the learning rate schedule and its end stay the same in a run that is interrupted and resumed. Until
the plan is made, the schedule assumes the end that `--num-epoch` and `--max-steps` give: it starts
slowly, or near its peak, whatever its end is.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import VARIABLES, StepPlan, milliseconds
from aocr.training.start.training_set import TrainingSet
from aocr.training.step import StepResult
from aocr.util.text.plurals import counted

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

    def log(self) -> None:
        """Logs the pace in a line."""
        logging.info(
            "About %.3g images a second, %.3g minutes an epoch.",
            self.images_per_second,
            self.epoch_seconds / 60,
        )


class PaceMeter:
    """Collects the durations of the first steps of a run.

    Args:
        training_set: gives the number of records and steps of an epoch.
        one_width: whether all batches have the same width. The median of their durations then
            stands for all, and a single delay does not count; else the mean does.
    """

    def __init__(self, training_set: TrainingSet, one_width: bool) -> None:
        self._training_set = training_set
        self._average = statistics.median if one_width else statistics.fmean
        self._seconds: list[float] = []

    def add(self, seconds: float) -> None:
        """Adds the duration of the next step."""
        self._seconds.append(seconds)

    @property
    def measured_steps(self) -> int:
        """Number of steps that count so far: all but the first."""
        return max(0, len(self._seconds) - 1)

    @property
    def measured_seconds(self) -> float:
        """Duration of these steps."""
        return sum(self._seconds[1:])

    def pace(self) -> Pace:
        """Returns the pace of the steps so far; that of the first one if there is no other."""
        step = max(1e-9, self._average(self._seconds[1:] or self._seconds))
        epoch = step * self._training_set.batches_per_epoch
        return Pace(step, self._training_set.used / epoch, epoch)


MEASURED_SHARE, LARGEST_MEASURED_SHARE = 0.02, 0.25
"""Shares of the time in which steps are measured: at least, and at most if steps are slow."""

VALIDATION_COST = 0.4
"""Assumed duration of reading an image in validation, where training on it takes 1: forward pass
and decoding without gradients."""

TOLERATED_EXCESS = 1.2
"""A run that takes longer than its minutes times this number says so."""


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


class RunTiming:
    """Measures the first steps of a run, logs its pace, and plans its end where that is asked for.

    Attributes:
        last_step: the global step after which the run ends. It changes once with `--max-minutes`.

    Args:
        plan: gives the last step that `--num-epoch` and `--max-steps` permit.
        training_set: gives the number of records and steps of an epoch.
        one_width: whether all batches have the same width.
        time_plan: plans the last step; None without `--max-minutes`.
    """

    def __init__(
        self,
        plan: StepPlan,
        training_set: TrainingSet,
        one_width: bool,
        time_plan: TimePlan | None = None,
    ) -> None:
        self.last_step = plan.last_step
        self._steps_per_epoch = training_set.batches_per_epoch
        self._time_plan = time_plan
        self._meter: PaceMeter | None = PaceMeter(training_set, one_width)

    def add(self, result: StepResult) -> bool:
        """Counts a step, and returns whether it led to a plan of the last step."""
        if self._meter:
            self._meter.add(result.seconds)
            if self._is_measured(self._meter):
                return self._end_measuring(self._meter, result.global_step)
        if self._time_plan and self.last_step > result.global_step:
            self._time_plan.log_excess(self.last_step - result.global_step)
        return False

    def _is_measured(self, meter: PaceMeter) -> bool:
        if self._time_plan and not self._time_plan.is_made:
            return self._time_plan.is_due(meter.measured_steps, meter.measured_seconds)
        return meter.measured_steps >= MEASURED_STEPS

    def _end_measuring(self, meter: PaceMeter, step: int) -> bool:
        """Logs the pace, and returns whether the last step was planned."""
        self._meter = None
        pace = meter.pace()
        pace.log()
        if not self._time_plan or self._time_plan.is_made:
            return False
        self.last_step = self._time_plan.make(step, pace, self.last_step, self._steps_per_epoch)
        return True
