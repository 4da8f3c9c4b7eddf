"""Writes what a training leaves: checkpoints, the best one of them, and curves for TensorBoard."""

from __future__ import annotations

import logging
from collections.abc import Callable

import tensorflow as tf

from aocr.model.weights import checkpoints
from aocr.training.cluster.replicas import Replicas
from aocr.training.graph import StepResult
from aocr.training.options import Run, TrainingOptions
from aocr.training.tensorboard import EventWriter
from aocr.training.validation.validator import BestCheckpoint, Validator
from aocr.util.text.plurals import counted


class RunOutputs:
    """Saves and validates the model of one run; in a cluster the chief does, and the others wait.

    Create it within the graph, after all variables.

    Args:
        session: the session that holds the weights.
        run: the run, which names the model directory.
        options: the number of checkpoints to keep, those of the run that is resumed included, and
            the patience.
        validator: what measures a checkpoint; None for no validation.
        replicas: the processes that train.
        check: a function that every replica calls after a checkpoint was written. What it raises
            ends the training.

    Raises:
        UserError: the model directory cannot be created, or `best.json` of an earlier run cannot be
            understood.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        run: Run,
        options: TrainingOptions,
        validator: Validator | None,
        replicas: Replicas,
        *,
        check: Callable[[], None],
    ) -> None:
        self._session, self._replicas, self._validator = session, replicas, validator
        self._check = check
        self._model_dir, self._patience = run.model_dir, options.patience
        self._validates = replicas.number_of_chief(int(validator is not None))
        self._saved_step: int | None = None
        self._validated_step: int | None = None
        self._reads_nothing = False
        if replicas.is_chief:
            self._checkpoints = checkpoints.CheckpointWriter(
                run.model_dir, options.keep_checkpoints
            )
            if run.checkpoint:
                self._checkpoints.adopt_existing()
            self._events = EventWriter(run.model_dir, session.graph)
            if validator:
                self._best = BestCheckpoint(run.model_dir, run.resume, validator)

    def add_step(self, result: StepResult) -> None:
        """Adds the numbers of a training step to the curves."""
        if self._replicas.is_chief:
            self._events.add_step(result)

    def save(self, step: int) -> None:
        """Saves a checkpoint, unless the last one is of the same global step.

        Raises:
            UserError: the checkpoint cannot be written, or training cannot go on.
        """
        if step != self._saved_step:
            self._replicas.together(lambda: self._save(step))
            self._saved_step = step

    def save_alone(self, step: int) -> None:
        """Saves a checkpoint after a failure, unless there are other replicas to wait for.

        Raises:
            UserError: the failure has a reason that a user can mend.
        """
        if self._replicas.processes == 1:
            self.save(step)
        self._check()

    def _save(self, step: int) -> None:
        if self._replicas.is_chief:
            logging.info("Saving the model at step %i.", step)
            self._checkpoints.save(self._session, step)
            self._events.flush()
        self._check()

    def validate(self, step: int) -> bool:
        """Saves and validates the model, unless it was validated before.

        Args:
            step: the global step.

        Returns:
            Whether training should stop, because the patience is exhausted.
        """
        if not self._validates:
            return False
        self.save(step)
        if step == self._validated_step:
            return False
        self._validated_step = step
        return bool(self._replicas.number_of_chief(self._replicas.together(self._validate)))

    def _validate(self) -> int:
        """Validates the checkpoint that was saved last, and returns 1 to stop, else 0."""
        step = self._validated_step
        if self._validator is None or step is None:
            return 0
        checkpoint = str(checkpoints.latest_checkpoint(self._model_dir))
        summary, samples = self._validator.validate(checkpoint)
        self._reads_nothing = summary.images > 0 and not summary.exact
        best = self._best.update(self._session, step, summary)
        self._events.add_validation(summary, samples, step)
        return int(self._is_exhausted(best.validations_without_improvement))

    def advise(self) -> None:
        """Says what to do if the last validation read no image exactly."""
        if self._reads_nothing:
            logging.warning(
                "No image of --validation was read exactly. Begin with a model that reads, by "
                "--init-from=latin in a new --model-dir, or train longer or on more images; see "
                "what is trained on with 'aocr inspect DATASET --sheet=FILE.png'."
            )

    def _is_exhausted(self, validations: int) -> bool:
        """Returns whether patience has run out after validations without improvement."""
        if self._patience is None or validations < self._patience:
            return False
        count = counted(validations, "validation")
        logging.info("No improvement in %s: training ends.", count)
        return True

    def close(self) -> None:
        """Closes the event file."""
        if self._replicas.is_chief:
            self._events.close()
