"""Runs training steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.training.graph import TrainGraph


class StepResult(NamedTuple):
    """Holds the results of one training step.

    Attributes:
        global_step: number of training steps of the model so far, including this one.
        applied: False if the update was skipped because it was not finite.
        loss: mean over the batch, before the update.
        gradient_norm: global norm of the gradients before clipping.
        learning_rate: learning rate of this step.
        record_indices: int64 `[N]`, the indices of the batch's records in the dataset, from 0.
        comments: bytes `[N]`, the paths of the batch's images, or empty.
        seconds: duration of the step.
    """

    global_step: int
    applied: bool
    loss: float
    gradient_norm: float
    learning_rate: float
    record_indices: np.ndarray
    comments: np.ndarray
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Number of images trained on per second."""
        return len(self.record_indices) / self.seconds


def take_steps(
    session: tf.compat.v1.Session, model: TrainGraph, count: int
) -> Iterator[StepResult]:
    """Takes a number of training steps, and yields the results of each."""
    session.run(model.start)
    for _ in range(count):
        yield _take_step(session, model)


def _take_step(session: tf.compat.v1.Session, model: TrainGraph) -> StepResult:
    """Trains on one batch and returns the results."""
    started = time.monotonic()
    values = session.run(
        {
            "global_step": model.update.step,
            "applied": model.update.applied,
            "loss": model.loss,
            "gradient_norm": model.update.gradient_norm,
            "learning_rate": model.update.learning_rate,
            "record_indices": model.batch.record_indices,
            "comments": model.batch.comments,
        }
    )
    seconds = time.monotonic() - started
    values["global_step"] = int(values["global_step"])
    return StepResult(**values, seconds=seconds)
