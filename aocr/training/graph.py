"""Builds the training graph: records in, training steps out."""

from __future__ import annotations

import functools
from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config
from aocr.data.batches.epochs import ShuffleOrder, Source, TrainingBatch, training_batches
from aocr.data.images import preprocessing
from aocr.model import recognizer
from aocr.model.backbones import common
from aocr.model.backbones.batch_norm import moving_average_updates
from aocr.model.variable_names import GLOBAL_STEP
from aocr.training.cluster.replicas import ALONE, Replicas
from aocr.training.cluster.towers import Forward, StepValues, step_values
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan, schedule_end
from aocr.training.update.optimizer import Update, build_update
from aocr.training.update.precision import fastest_kernel_gradient

SEED_STEP = 1_000_003
"""Distance between the seeds of the dropout of two replicas."""


class TrainGraph(NamedTuple):
    """Holds a graph that trains.

    Attributes:
        graph: contains everything below.
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
        """The batch's mean, float32 scalar."""
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
        plan: which steps to take, on which records.
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
        training = common.Training(step, plan.seed, options.dropout, compute_dtype, kernel_gradient)
        forward = functools.partial(_forward, config, options, training)
        values = step_values(batch, forward, replicas)
        move_averages = functools.partial(
            moving_average_updates, values.batch_statistics, step, options.bn_momentum
        )
        last_step = schedule_end(options, plan)
        update = build_update(
            values.loss,
            move_averages,
            global_step,
            options,
            last_step,
            computed=values.gradients,
        )
    return TrainGraph(graph, iterator.initializer, batch, update, values)


def _forward(
    config: Config,
    options: TrainingOptions,
    training: common.Training,
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
