"""Runs training steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.data.batches.sharing import FILLING
from aocr.training.cluster.replicas import StopVotes
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
        images: number of images that all replicas trained on; None without replicas.
    """

    global_step: int
    applied: bool
    loss: float
    gradient_norm: float
    learning_rate: float
    record_indices: np.ndarray
    comments: np.ndarray
    seconds: float
    images: int | None = None

    @property
    def image_count(self) -> int:
        """Number of images trained on."""
        return len(self.record_indices) if self.images is None else self.images

    @property
    def images_per_second(self) -> float:
        """Number of images trained on per second."""
        return self.image_count / self.seconds


def take_steps(
    session: tf.compat.v1.Session,
    model: TrainGraph,
    count: int,
    votes: StopVotes | None = None,
    explained: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Iterator[StepResult]:
    """Takes a number of training steps, and yields the results of each.

    Args:
        session: holds the weights.
        model: the training graph.
        count: number of steps.
        votes: agrees with other processes when to stop; None for no signals.
        explained: makes a context that explains the errors of a step.
    """
    session.run(model.start)
    votes = StopVotes([]) if votes is None else votes
    for _ in range(count):
        with explained():
            result = _take_step(session, model, votes)
        yield result


def _take_step(session: tf.compat.v1.Session, model: TrainGraph, votes: StopVotes) -> StepResult:
    """Trains on one batch and returns the results."""
    started = time.monotonic()
    fetches = {
        "global_step": model.update.step,
        "applied": model.update.applied,
        "loss": model.loss,
        "gradient_norm": model.update.gradient_norm,
        "learning_rate": model.update.learning_rate,
        "record_indices": model.batch.record_indices,
        "comments": model.batch.comments,
    }
    shared = model.values.shared
    if shared is None:
        values = session.run(fetches)
    else:
        fetches |= {"images": shared.images, "stop_votes": shared.stop_votes}
        values = session.run(fetches, {shared.own_vote: votes.own})
        votes.count(int(values.pop("stop_votes")))
        values["images"] = int(values["images"])
        values |= _counted(values["record_indices"], values["comments"])
    seconds = time.monotonic() - started
    values["global_step"] = int(values["global_step"])
    return StepResult(**values, seconds=seconds)


def _counted(indices: np.ndarray, comments: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the records of this process that have a weight in the update."""
    counts = indices != FILLING
    return {"record_indices": indices[counts], "comments": comments[counts]}
