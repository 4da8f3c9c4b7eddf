"""Runs the steps of a training run, and saves and validates the model in between."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from aocr.training.options import TrainingOptions
from aocr.training.outputs import RunOutputs
from aocr.training.progress import EpochCounter, RunningMeans, SkippedUpdates, show_progress
from aocr.training.start.step_plan import StepPlan
from aocr.training.step import StepResult
from aocr.training.timing import RunTiming


class TrainingLoop:
    """Runs the steps of one run, and saves and validates the model in between.

    Args:
        plan: gives the number of steps.
        options: gives the intervals between checkpoints and between validations.
        epochs: counts and logs epochs.
        outputs: see `RunOutputs`.
        timing: measures the steps, and says when the run ends.
    """

    def __init__(
        self,
        plan: StepPlan,
        options: TrainingOptions,
        epochs: EpochCounter,
        outputs: RunOutputs,
        timing: RunTiming,
    ) -> None:
        self._plan, self._epochs, self._outputs, self._timing = plan, epochs, outputs, timing
        self._checkpoint_interval = options.steps_per_checkpoint
        self._validation_interval = options.steps_per_validation
        self._skipped = SkippedUpdates()
        self._means = RunningMeans()
        self._step = plan.first_step

    def run(self, steps: Iterable[StepResult], stop_signals: Iterable[str]) -> None:
        """Trains until the steps or the patience run out, or a signal asks to stop.

        Saves the model at the end in each case.

        Args:
            steps: takes a training step for each item.
            stop_signals: names of the signals that have arrived; may grow at any time; true if
                there are any.

        Raises:
            UserError: too many updates in a row were not finite, or a file cannot be written.
        """
        with show_progress(self._plan.step_count) as progress:
            for number, result in enumerate(steps, start=1):
                progress.show(number, result, str(self._epochs))
                self._record(result)
                if self._timing.add(result):
                    progress.set_total(self._timing.last_step - self._plan.first_step)
                if stop_signals:
                    logging.info("Stopping on %s.", next(iter(stop_signals)))
                    break
                if self._save_and_validate_when_due() or self._step >= self._timing.last_step:
                    break
            self._save(finishing=not stop_signals)
            if not stop_signals:
                self._validate()
        self._log_end(stopped=bool(stop_signals))

    def _record(self, result: StepResult) -> None:
        """Counts a step, and ends training if too many updates in a row were skipped."""
        self._step = result.global_step
        self._epochs.add(result.image_count)
        self._means.add(result)
        self._outputs.events.add_step(result)
        self._skipped.add(result)
        if self._skipped.are_too_many:
            self._save()
            raise self._skipped.error()

    def _save_and_validate_when_due(self) -> bool:
        """Returns whether training should stop early."""
        if self._step % self._checkpoint_interval == 0:
            self._save()
        return self._step % self._validation_interval == 0 and self._validate()

    def _save(self, finishing: bool = False) -> None:
        """Logs the means of the steps since the last checkpoint, and saves the model.

        Args:
            finishing: whether training ends here, which 0.7.6 has a line for.
        """
        if self._means.steps:
            self._means.log(self._step)
            self._means = RunningMeans()
        if finishing:
            logging.info("Finishing the training and saving the model at step %d.", self._step)
        self._outputs.checkpointer.save(self._step)
        self._outputs.events.flush()

    def _validate(self) -> bool:
        """Saves and validates the model, and returns whether training should stop early."""
        if self._outputs.early_stopping is None:
            return False
        self._outputs.checkpointer.save(self._step)
        return self._outputs.early_stopping.validate(self._step)

    def _log_end(self, stopped: bool) -> None:
        self._skipped.log_total()
        logging.info(
            "Training has %s at global step %i. Run the same command again to continue.",
            "stopped" if stopped else "finished",
            self._step,
        )
