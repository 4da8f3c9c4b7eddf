"""Validates the checkpoints of a run, keeps the best one, and stops training early."""

from __future__ import annotations

import logging

import tensorflow as tf

from aocr.model.weights import checkpoints
from aocr.training.start.run import Run
from aocr.training.tensorboard import EventWriter
from aocr.training.validation.best_checkpoint import BestCheckpoint
from aocr.training.validation.validator import Validator
from aocr.util.text.plurals import counted


class EarlyStopping:
    """Validates the newest checkpoint, and decides when training should stop.

    Create it within the graph, after all variables.

    Args:
        session: holds the weights.
        run: gives the model directory.
        validator: measures a checkpoint.
        events: receives the metrics for TensorBoard.
        patience: number of validations without improvement after which to stop; None for never.

    Raises:
        UserError: `best.json` of an earlier run cannot be understood.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        run: Run,
        validator: Validator,
        events: EventWriter,
        patience: int | None,
    ) -> None:
        self._session, self._model_dir, self._validator = session, run.model_dir, validator
        self._events, self._patience = events, patience
        self._best = BestCheckpoint(run.model_dir, run.resume)
        self._validated_step: int | None = None

    def validate(self, step: int) -> bool:
        """Validates the newest checkpoint, unless it was validated before.

        Args:
            step: global step of the checkpoint, whose weights the session holds.

        Returns:
            Whether training should stop.
        """
        if step == self._validated_step:
            return False
        self._validated_step = step
        checkpoint = str(checkpoints.latest_checkpoint(self._model_dir))
        validation = self._validator.validate(checkpoint)
        best = self._best.update(self._session, step, validation.summary)
        self._events.add_validation(validation.summary, validation.samples, step)
        return self._is_exhausted(best.validations_without_improvement)

    def _is_exhausted(self, validations: int) -> bool:
        """Returns whether patience has run out after validations without improvement."""
        if self._patience is None or validations < self._patience:
            return False
        count = counted(validations, "validation")
        logging.info("No improvement in %s: training ends.", count)
        return True
