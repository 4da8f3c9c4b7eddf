"""The training loop: steps, checkpoints, validation."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import Config, TrainingOptions
from aocr.data import records
from aocr.data.dataset_scan import log_for_training, scan
from aocr.data.input_pipeline import batches_a_pass
from aocr.data.record_files import expand
from aocr.model import checkpoints, config_file
from aocr.training import initialization, tensorboard
from aocr.training.best_checkpoint import BestCheckpoint
from aocr.training.graph import TrainGraph, build_train_graph
from aocr.training.precision import BFLOAT16, convolution_type
from aocr.training.progress import Epochs, Means, Progress, progress
from aocr.training.run import Run
from aocr.training.step_plan import Plan, plan
from aocr.training.validation import Validator
from aocr.util.errors import UserError
from aocr.util.session import open_session
from aocr.util.signals import collect_stop_signals

MOST_NOT_FINITE = 10
"""Updates in a row that are left out, after which training gives up."""


class StepResult(NamedTuple):
    """What came of one step; `step` is the global one after it."""

    step: int
    applied: bool
    loss: float
    gradient_norm: float
    learning_rate: float
    places: np.ndarray
    comments: np.ndarray


def train(config: Config, options: TrainingOptions, run: Run) -> None:
    """Trains until the steps or the patience end, or SIGINT or SIGTERM arrives.

    Args:
        config: the model.
        options: how to train it.
        run: from where to where.

    Raises:
        UserError: no record can be used, the checkpoint is of another model, a file cannot be
            written, or the loss is not finite any more.
    """
    files = expand(run.dataset)
    found = scan(files, config)
    usable = log_for_training(found, config, options.drop_wide)
    trained_on = found.trainable(options.drop_wide)
    batches = batches_a_pass(trained_on, config.widths, options.batch_size)
    steps = plan(options, batches, checkpoints.step_of(run.checkpoint()))
    if steps.last_step <= steps.first_step:
        logging.info("Nothing to train: --max-steps=%s is reached.", options.max_steps)
        return
    left_out = found.untrainable(options.drop_wide)
    validator = Validator(config, run.validation, run.gpu_id) if run.validation else None
    if options.seed is not None:
        tf.config.experimental.enable_op_determinism()
    convolutions = convolution_type(run.precision)
    model = build_train_graph(config, options, files, left_out, steps, convolutions)
    with contextlib.ExitStack() as stack:
        stack.enter_context(model.graph.as_default())
        requests = stack.enter_context(collect_stop_signals())
        opened = stack.enter_context(
            open_session(model.graph, run.gpu_id, bfloat16=run.precision == BFLOAT16)
        )
        saver = _Saver(run, options, validator, opened, model.graph)
        initialization.begin(opened, run, config)
        config_file.write(run.model_dir, config)
        others = found.records - usable
        epochs = Epochs(usable, others, options.num_epoch, batches, steps.skipped)
        with saver.writer:
            _Loop(opened, model, options, steps, saver, epochs).run(requests)


class _Saver:
    """Saves and validates one run's model."""

    def __init__(
        self,
        run: Run,
        options: TrainingOptions,
        validator: Validator | None,
        opened: tf.compat.v1.Session,
        graph: tf.Graph,
    ) -> None:
        self._session, self._options, self._validator = opened, options, validator
        self._checkpoints = checkpoints.Checkpoints(run.model_dir, options.keep_checkpoints)
        self._best = BestCheckpoint(run.model_dir, run.resume) if validator else None
        self._model_dir = run.model_dir
        self._saved_step = self._validated_step = -1
        if run.checkpoint():
            self._checkpoints.count_former()
        self.writer = tf.compat.v1.summary.FileWriter(run.model_dir, graph)

    def save(self, step: int) -> None:
        """Saves the model, unless that was done."""
        if step != self._saved_step:
            logging.info("Saving the model at step %i.", step)
            self._checkpoints.save(self._session, step)
            self._saved_step = step
        self.writer.flush()

    def validate(self, step: int) -> bool:
        """Saves and tests the model, and keeps it if it is the best; whether patience has ended."""
        if self._validator is None or self._best is None or step == self._validated_step:
            return False
        self._validated_step = step
        self.save(step)
        summary, samples = self._validator(str(checkpoints.latest_checkpoint(self._model_dir)))
        best = self._best.judge(self._session, step, summary)
        values = {f"validation/{name}": value for name, value in summary._asdict().items()}
        self.writer.add_summary(tensorboard.scalars(values), step)
        self.writer.add_summary(tensorboard.samples(samples), step)
        self.writer.flush()
        patience = self._options.patience
        if patience is None or best.validations_since < patience:
            return False
        logging.info("No gain in %i validations: training ends.", best.validations_since)
        return True


class _Loop:
    """The steps of one run."""

    def __init__(
        self,
        opened: tf.compat.v1.Session,
        model: TrainGraph,
        options: TrainingOptions,
        steps: Plan,
        saver: _Saver,
        epochs: Epochs,
    ) -> None:
        self._session, self._model, self._options = opened, model, options
        self._plan, self._saver, self._epochs = steps, saver, epochs
        self._not_finite = self._left_out = 0
        self._means = Means()
        self._step = steps.first_step

    def run(self, requests: list[str]) -> None:
        """All steps; then, or when a signal is among the requests, a last checkpoint."""
        with progress(self._plan.last_step - self._plan.first_step) as shown:
            for _ in self._steps(shown):
                if requests:
                    logging.info("Stopping on %s.", requests[0])
                    break
                if self._is_enough():
                    break
            self._save()
            if not requests:
                self._saver.validate(self._step)
        self._say_farewell(bool(requests))

    def _steps(self, shown: Progress) -> Iterator[None]:
        """Every step of the plan, counted and said."""
        update, batch = self._model.update, self._model.batch
        fetches = StepResult(
            update.step,
            update.applied,
            self._model.loss,
            update.gradient_norm,
            update.learning_rate,
            batch.places,
            batch.comments,
        )
        self._session.run(self._model.start)
        for number in range(1, self._plan.last_step - self._plan.first_step + 1):
            started = time.monotonic()
            result: StepResult = self._session.run(fetches)
            seconds = time.monotonic() - started
            self._step = int(result.step)
            shown.step(number, seconds, result.loss, len(result.places), str(self._epochs))
            self._note(result, seconds)
            yield

    def _note(self, result: StepResult, seconds: float) -> None:
        """Counts a step."""
        self._epochs.add(len(result.places))
        self._means.add(seconds, float(result.loss), bool(result.applied))
        values = {
            "loss": result.loss,
            "total_gradient_norm": result.gradient_norm,
            "learning_rate": result.learning_rate,
            "images_per_second": len(result.places) / seconds,
        }
        self._saver.writer.add_summary(tensorboard.scalars(values), self._step)
        self._not_finite = 0 if result.applied else self._not_finite + 1
        if not result.applied:
            self._tell_not_finite(result)

    def _tell_not_finite(self, result: StepResult) -> None:
        """Names the images of an update that was left out.

        Raises:
            UserError: it is one too many.
        """
        self._left_out += 1
        names = (
            records.text_of(comment) or f"record {place + 1}"
            for place, comment in zip(result.places, result.comments, strict=True)
        )
        logging.warning(
            "The update to global step %i is left out: the loss or its gradient is not finite. "
            "Its images: %s",
            self._step,
            ", ".join(names),
        )
        if self._not_finite >= MOST_NOT_FINITE:
            self._save()
            raise UserError(
                f"{self._not_finite} updates in a row were not finite: lower "
                "--initial-learning-rate, keep gradient clipping, and go on from a checkpoint "
                "before the loss rose"
            )

    def _is_enough(self) -> bool:
        """Saves and validates where it is time to; whether patience has ended."""
        if self._step % self._options.steps_per_checkpoint == 0:
            self._save()
        interval = self._options.validation_interval or self._options.steps_per_checkpoint
        return self._step % interval == 0 and self._saver.validate(self._step)

    def _save(self) -> None:
        """Says the means since the last checkpoint, and saves."""
        if self._means.steps:
            self._means.log(self._step)
            self._means = Means()
        self._saver.save(self._step)

    def _say_farewell(self, stopped: bool) -> None:
        if self._left_out:
            logging.warning("%i updates were left out, see above.", self._left_out)
        logging.info(
            "Training has %s at global step %i. The same command goes on from there.",
            "stopped" if stopped else "finished",
            self._step,
        )
