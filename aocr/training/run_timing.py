"""Tells how fast a run is, and when it ends."""

from __future__ import annotations

from aocr.training.pace import MEASURED_STEPS, PaceMeter
from aocr.training.start.step_plan import StepPlan
from aocr.training.start.training_set import TrainingSet
from aocr.training.step import StepResult
from aocr.training.timing import TimePlan


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
