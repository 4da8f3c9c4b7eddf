"""Lets the chief of a cluster write what a training leaves, while the others wait for it."""

from __future__ import annotations

import logging
from typing import NamedTuple, Protocol

import tensorflow as tf

from aocr.model.weights import checkpoints
from aocr.training.cluster.replicas import Replicas
from aocr.training.options import TrainingOptions
from aocr.training.start.run import Run
from aocr.training.step import StepResult
from aocr.training.tensorboard import EventWriter
from aocr.training.validation.validator import EarlyStopping, Validator


class RunOutputs(NamedTuple):
    """Holds what a training loop writes to.

    Attributes:
        checkpointer: saves the model.
        early_stopping: validates the model; None for no validation.
        events: receives curves for TensorBoard.
    """

    checkpointer: Saver
    early_stopping: Stopper | None
    events: Events


class Saver(Protocol):
    """Saves the model."""

    def save(self, step: int) -> None:
        """Saves a checkpoint, unless the last one is of the same step."""


class Stopper(Protocol):
    """Validates the model."""

    def validate(self, step: int) -> bool:
        """Validates the newest checkpoint, and returns whether training should stop."""


class Events(Protocol):
    """Receives curves."""

    def __enter__(self) -> Events:
        """Returns itself."""

    def __exit__(self, *error: object) -> None:
        """Closes what is written to."""

    def add_step(self, result: StepResult) -> None:
        """Adds the numbers of a training step."""

    def flush(self) -> None:
        """Writes everything added so far."""


class SharedSaver:
    """Lets the chief save while the others wait.

    Args:
        replicas: of the cluster.
        own: saves; None on all but the chief.
    """

    def __init__(self, replicas: Replicas, own: Saver | None) -> None:
        self._replicas, self._own = replicas, own

    def save(self, step: int) -> None:
        """Saves a checkpoint, unless the last one is of the same step."""
        self._replicas.together(lambda: self._own.save(step) if self._own else None)


class SharedStopper:
    """Lets the chief validate while the others wait, and all stop when it says so.

    Args:
        replicas: of the cluster.
        own: validates; None on all but the chief.
    """

    def __init__(self, replicas: Replicas, own: Stopper | None) -> None:
        self._replicas, self._own = replicas, own

    def validate(self, step: int) -> bool:
        """Validates the newest checkpoint, and returns whether training should stop."""
        stops = self._replicas.together(lambda: self._own.validate(step) if self._own else False)
        return bool(self._replicas.from_chief([int(stops)])[0])


class NoEvents:
    """Drops the curves of all replicas but the chief."""

    def __enter__(self) -> NoEvents:
        """Returns itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Does nothing."""

    def add_step(self, result: StepResult) -> None:
        """Drops the numbers of a training step."""

    def flush(self) -> None:
        """Does nothing."""


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


def open_outputs(
    session: tf.compat.v1.Session,
    run: Run,
    options: TrainingOptions,
    validator: Validator | None,
    replicas: Replicas,
) -> RunOutputs:
    """Creates the model directory and opens what the training loop writes to.

    In a cluster only the chief writes, and the others wait for it.
    """
    validates = replicas.number_of_chief(int(validator is not None))
    if not replicas.is_chief:
        stopper = SharedStopper(replicas, None) if validates else None
        return RunOutputs(SharedSaver(replicas, None), stopper, NoEvents())
    checkpointer = Checkpointer(session, run, options.keep_checkpoints)
    events = EventWriter(run.model_dir, session.graph)
    early_stopping = None
    if validator:
        early_stopping = EarlyStopping(session, run, validator, events, options.patience)
    if replicas.processes == 1:
        return RunOutputs(checkpointer, early_stopping, events)
    stopper = SharedStopper(replicas, early_stopping) if early_stopping else None
    return RunOutputs(SharedSaver(replicas, checkpointer), stopper, events)
