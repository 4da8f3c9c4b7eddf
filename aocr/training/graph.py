"""Builds the training graph: records in, training steps out."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import Config, TrainingOptions
from aocr.data import input_pipeline, preprocessing
from aocr.model import cnn, recognizer
from aocr.model.checkpoints import STEP
from aocr.training.optimizer import Update, build_update
from aocr.training.step_plan import StepPlan


class TrainGraph(NamedTuple):
    """A graph that trains.

    Attributes:
        graph: what holds it all.
        start: run it before the first step.
        batch: what is trained on.
        update: the training step; fetching its `step` takes one.
        loss: float32 scalar, the batch's mean.
        features: `[N, T, 512]`, the CNN's output.
    """

    graph: tf.Graph
    start: tf.Operation
    batch: input_pipeline.TrainingBatch
    update: Update
    loss: tf.Tensor
    features: tf.Tensor


def build_train_graph(
    config: Config,
    options: TrainingOptions,
    files: list[str],
    rejected: list[int],
    plan: StepPlan,
    convolutions: tf.DType = tf.float32,
) -> TrainGraph:
    """Records in, training steps out.

    Args:
        config: the model.
        options: how it is trained.
        files: TFRecords.
        rejected: places of the records to leave out.
        plan: which steps, on which records.
        convolutions: what they compute in.
    """
    with tf.Graph().as_default() as graph:
        tf.compat.v1.set_random_seed(plan.seed)
        order = input_pipeline.Order(options.batch_size, plan.seed, plan.first_epoch, plan.skipped)
        batches = input_pipeline.training_batches(files, config, rejected, order)
        iterator = tf.compat.v1.data.make_initializable_iterator(batches)
        batch = iterator.get_next()
        global_step = _global_step()
        step = tf.convert_to_tensor(global_step)
        training = cnn.Training(
            step, [], plan.seed, options.dropout, options.bn_momentum, convolutions
        )
        images = preprocessing.cut(batch.images, batch.widths, config)
        features, decoder = recognizer.forward(images, batch.widths, config, training)
        loss = tf.reduce_mean(recognizer.teacher_forced_losses(decoder, batch.targets))
        made = build_update(loss, training.move_averages, global_step, options, plan.last_step)
        return TrainGraph(
            graph=graph,
            start=iterator.initializer,
            batch=batch,
            update=made,
            loss=loss,
            features=features,
        )


def _global_step() -> tf.Variable:
    """The number of training steps so far; named `Variable` in every checkpoint of 0.7.6."""
    return tf.compat.v1.get_variable(
        STEP, [], tf.int32, initializer=tf.zeros_initializer(), trainable=False
    )
