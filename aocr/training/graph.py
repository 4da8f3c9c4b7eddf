"""Builds the training graph, records in, training steps out; and takes the steps."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.batches.epochs import ShuffleOrder, Source, TrainingBatch, training_batches
from aocr.data.batches.sharing import FILLING
from aocr.data.images import preprocessing
from aocr.model import recognizer
from aocr.model.backbones import layers
from aocr.model.backbones.layers import moving_average_updates
from aocr.model.variable_names import GLOBAL_STEP
from aocr.training.cluster.replicas import ALONE, Replicas, StopVotes
from aocr.training.cluster.towers import Forward, StepValues, step_values
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan
from aocr.training.start.time_plan import schedule_end
from aocr.training.update.optimizer import Update, build_update
from aocr.training.update.precision import fastest_kernel_gradient

SEED_STEP = 1_000_003
"""Distance between the seeds of the dropout of two replicas."""


class TrainGraph(NamedTuple):
    """Holds a graph that trains.

    Attributes:
        graph: the graph of everything below.
        start: the operation to run before the first step.
        batch: the batch that a step trains on.
        update: the training step; fetching `update.step` takes one.
        values: what the update is computed from.
    """

    graph: tf.Graph
    start: tf.Operation
    batch: TrainingBatch
    update: Update
    values: StepValues

    @property
    def loss(self) -> tf.Tensor:
        """The mean over the batch's images, float32 scalar."""
        return self.values.loss

    @property
    def features(self) -> tf.Tensor:
        """The CNN's output, float32 `[N, T, 512]`."""
        return self.values.features


def build_train_graph(
    config: Config,
    options: TrainingOptions,
    source: Source,
    plan: StepPlan,
    *,
    compute_dtype: tf.DType = tf.float32,
    replicas: Replicas = ALONE,
) -> TrainGraph:
    """Builds a graph whose every step reads a batch, and updates the weights by its loss.

    Args:
        config: the model.
        options: how to train it.
        source: the records that this process reads.
        plan: the steps to take, and their records.
        compute_dtype: data type that the convolutions compute in.
        replicas: the processes and devices that share each step.
    """
    with tf.Graph().as_default() as graph, replicas.device():
        tf.compat.v1.set_random_seed(plan.seed)
        order = ShuffleOrder(plan.seed, plan.first_epoch, plan.skipped)
        batches = training_batches(source, config, order, options.augment)
        iterator = tf.compat.v1.data.make_initializable_iterator(batches)
        batch = iterator.get_next()
        global_step = _create_global_step()
        step, kernel_gradient = tf.convert_to_tensor(global_step), fastest_kernel_gradient()
        training = layers.Training(step, plan.seed, options.dropout, compute_dtype, kernel_gradient)
        forward = functools.partial(_forward, config, options, training)
        values = step_values(batch, forward, replicas, _full_batch(config, options))
        move_averages = functools.partial(
            moving_average_updates, values.batch_statistics, step, options.bn_momentum
        )
        last_step = schedule_end(options, plan)
        update = build_update(
            values.objective,
            move_averages,
            global_step,
            options,
            last_step,
            computed=values.gradients,
        )
    return TrainGraph(graph, iterator.initializer, batch, update, values)


def _full_batch(config: Config, options: TrainingOptions) -> int | None:
    """Returns the number of images that the sum of a batch's losses is divided by.

    None where padding counts, as in 0.7.6: the mean over each batch. Otherwise an image weighs the
    same in every batch: with buckets, many are smaller, the last ones of each bucket.
    """
    return None if config.padding_counts else options.batch_size


def _forward(
    config: Config,
    options: TrainingOptions,
    training: layers.Training,
    batch: TrainingBatch,
    replica: int,
) -> Forward:
    """Builds the network on the batch of a replica, and its losses."""
    training = training._replace(seed=dropout_seed(training.seed, replica))
    images = preprocessing.crop_to_bucket(batch.images, batch.widths, config)
    model = recognizer.forward(images, batch.widths, config, training)
    losses = model.decoder.losses(batch.targets, options.label_smoothing)
    return Forward(losses, model.batch_statistics, model.features)


def dropout_seed(seed: int, replica: int) -> int:
    """Returns the seed of a replica's dropout: that of the run for the first, else another."""
    return (seed + replica * SEED_STEP) % 2**31


def _create_global_step() -> tf.Variable:
    """Creates the number of training steps taken so far, int32 scalar."""
    return tf.compat.v1.get_variable(
        GLOBAL_STEP, [], tf.int32, initializer=tf.zeros_initializer(), trainable=False
    )


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
        session: a session on the graph, with the weights.
        model: the training graph.
        count: number of steps.
        votes: the agreement with other processes when to stop; None for no signals.
        explained: a function that makes a context, which explains the errors of a step.
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
