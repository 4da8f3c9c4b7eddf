"""Saves the checkpoints of a training run."""

from __future__ import annotations

import logging

import tensorflow as tf

from aocr.model.weights import checkpoints
from aocr.training.start.run import Run


class Checkpointer:
    """Saves the weights of one run, and keeps the most recent checkpoints.

    Create it within the graph, after all variables.

    Args:
        session: holds the weights.
        run: gives the model directory.
        keep: number of checkpoints to keep. Those of the run that is resumed count too.

    Raises:
        UserError: the model directory cannot be created.
    """

    def __init__(self, session: tf.compat.v1.Session, run: Run, keep: int) -> None:
        self._session = session
        self._checkpoints = checkpoints.CheckpointWriter(run.model_dir, keep)
        self._saved_step: int | None = None
        if run.checkpoint:
            self._checkpoints.adopt_existing()

    def save(self, step: int) -> None:
        """Saves a checkpoint, unless the last one is of the same step.

        Args:
            step: global step.

        Raises:
            UserError: the checkpoint cannot be written.
        """
        if step == self._saved_step:
            return
        logging.info("Saving the model at step %i.", step)
        self._checkpoints.save(self._session, step)
        self._saved_step = step
