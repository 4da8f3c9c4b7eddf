"""Divides each batch among the devices of a process, and adds up what all replicas computed.

A tower is the network on one device with its part of the batch. All towers of a process share its
variables. The sums over the towers, and then over the processes of a cluster, make the update that
one device would have computed on the whole batch, except that each tower normalizes its part by the
part's own statistics (batch norm).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.data.batches.epochs import TrainingBatch
from aocr.data.batches.sharing import FILLING, Share, part_of_batch
from aocr.model.backbones.layers import BatchStatistic
from aocr.training.cluster.replicas import Replicas
from aocr.training.update.optimizer import GlobalGradients
from aocr.util.errors import UserError

ALL_GPUS = "all"


class Forward(NamedTuple):
    """Holds what the network computes of a batch.

    Attributes:
        losses: float32 `[N]`.
        batch_statistics: the statistics of all batch norms, with their moving averages.
        features: float32 `[N, T, D]`, the CNN's output.
    """

    losses: tf.Tensor
    batch_statistics: Sequence[BatchStatistic]
    features: tf.Tensor


class Shared(NamedTuple):
    """Holds what replicas add up besides the gradients.

    Attributes:
        images: float32 scalar, number of images of all replicas.
        own_vote: float32 scalar to feed: 1 if this process has received a stop signal, else 0.
        stop_votes: float32 scalar, the sum of the votes of all processes.
    """

    images: tf.Tensor
    own_vote: tf.Tensor
    stop_votes: tf.Tensor


class StepValues(NamedTuple):
    """Holds what an update is computed from.

    Attributes:
        loss: float32 scalar, mean over the images of the batch of all replicas.
        objective: float32 scalar, what the update makes smaller: the loss, or the sum of the losses
            by the number of images of a full batch.
        batch_statistics: means over the replicas, with the moving averages.
        features: float32 `[N, T, D]`, the CNN's output, of the first tower of this process.
        gradients: the gradients of the objective; None without replicas, where the optimizer
            computes them.
        shared: None without replicas.
    """

    loss: tf.Tensor
    objective: tf.Tensor
    batch_statistics: Sequence[BatchStatistic]
    features: tf.Tensor
    gradients: GlobalGradients | None = None
    shared: Shared | None = None


class Contribution(NamedTuple):
    """Holds what one replica adds to an update.

    Attributes:
        images: float32 scalar, number of images of its part of the batch that count.
        loss: float32 scalar, mean over its part.
        gradients: the gradients of `loss`, one a variable.
        statistics: float32 `[C]` each, those of batch norms.
    """

    images: tf.Tensor
    loss: tf.Tensor
    gradients: Sequence[tf.Tensor | tf.IndexedSlices]
    statistics: Sequence[tf.Tensor]


class Reduced(NamedTuple):
    """Holds the means over the global batch, equal on all replicas.

    Attributes:
        images: float32 scalar, number of images of the global batch.
        loss: float32 scalar, mean over all its images.
        objective: float32 scalar, see `StepValues`.
        gradients: the gradients of the objective, one a variable; rows that no image uses are left
            out of a gradient by rows, as without replicas.
        gradient_norm: float32 scalar, computed as `tf.linalg.global_norm` does without replicas.
        statistics: float32 `[C]` each, means over the replicas, weighted by their images.
    """

    images: tf.Tensor
    loss: tf.Tensor
    objective: tf.Tensor
    gradients: Sequence[tf.Tensor | tf.IndexedSlices]
    gradient_norm: tf.Tensor
    statistics: Sequence[tf.Tensor]


def gpu_towers(gpus: str | None) -> list[str]:
    """Returns the devices that `--gpus` asks for; none for a single device.

    Args:
        gpus: a number, `ALL_GPUS`, or None.

    Raises:
        UserError: the machine has fewer GPUs.
    """
    if gpus is None:
        return []
    present = len(tf.config.list_physical_devices("GPU"))
    wanted = present if gpus == ALL_GPUS else int(gpus)
    if not present or wanted > present:
        raise UserError(
            f"--gpus={gpus}: this machine has {present or 'no'} GPU{'s' if present > 1 else ''}: "
            "give at most as many, or leave the flag out"
        )
    return [f"GPU:{number}" for number in range(wanted)] if wanted > 1 else []


def step_values(
    batch: TrainingBatch,
    forward: Callable[[TrainingBatch, int], Forward],
    replicas: Replicas,
    full_batch: int | None = None,
) -> StepValues:
    """Builds the forward pass of all towers of this process, and the sums over all replicas.

    Args:
        batch: the batch of this process.
        forward: a function that builds the network on a part of the batch; its second argument
            counts the replicas.
        replicas: the towers, and the sums over processes.
        full_batch: number of images of a full batch of all replicas, which the objective divides
            by, so that an image weighs the same in a smaller one; None for the images of the batch.
    """
    if replicas.count == 1:
        output = forward(batch, 0)
        loss = objective = tf.reduce_mean(output.losses)
        if full_batch is not None:
            objective = tf.reduce_sum(output.losses) / full_batch
        return StepValues(loss, objective, output.batch_statistics, output.features)
    outputs, contributions = _run_towers(batch, forward, replicas)
    variables = tf.compat.v1.trainable_variables()
    own_vote = tf.compat.v1.placeholder_with_default(0.0, [])
    vectors = [pack(each, variables) for each in contributions]
    total = replicas.sum_of_processes(tf.concat([tf.add_n(vectors), own_vote[tf.newaxis]], axis=0))
    reduced = unpack(total[:-1], contributions[0], variables, full_batch)
    averages = [each.moving_average for each in outputs[0].batch_statistics]
    return StepValues(
        loss=reduced.loss,
        objective=reduced.objective,
        batch_statistics=list(map(BatchStatistic, averages, reduced.statistics)),
        features=outputs[0].features,
        gradients=GlobalGradients(reduced.gradients, reduced.gradient_norm),
        shared=Shared(reduced.images, own_vote, total[-1]),
    )


def _run_towers(
    batch: TrainingBatch, forward: Callable[[TrainingBatch, int], Forward], replicas: Replicas
) -> tuple[list[Forward], list[Contribution]]:
    """Builds the forward and backward pass of each tower."""
    devices = replicas.towers or (None,)
    outputs, contributions = [], []
    for number, device in enumerate(devices):
        scope = tf.compat.v1.get_variable_scope()
        reuse = True if number else scope.reuse
        with tf.device(device), tf.compat.v1.variable_scope(scope, reuse=reuse):
            part = _part(batch, Share(number, len(devices)))
            output = forward(part, replicas.rank * len(devices) + number)
            contributions.append(_contribution(output, part))
            outputs.append(output)
    return outputs, contributions


def _part(batch: TrainingBatch, share: Share) -> TrainingBatch:
    """Returns a tower's part of a batch of this process."""
    if share.parts == 1:
        return batch
    others = batch._replace(record_indices=batch.images)
    indices, *values = part_of_batch(share, batch.record_indices, *others)
    return TrainingBatch(*values)._replace(record_indices=indices)


def _contribution(output: Forward, batch: TrainingBatch) -> Contribution:
    counts = tf.not_equal(batch.record_indices, FILLING)
    loss = tf.reduce_mean(output.losses)
    return Contribution(
        images=tf.reduce_sum(tf.cast(counts, tf.float32)),
        loss=loss,
        gradients=tf.gradients(loss, tf.compat.v1.trainable_variables()),
        statistics=[each.batch_value for each in output.batch_statistics],
    )


def _is_by_rows(gradient: tf.Tensor | tf.IndexedSlices) -> bool:
    return isinstance(gradient, tf.IndexedSlices)


def pack(contribution: Contribution, variables: Sequence[tf.Variable]) -> tf.Tensor:
    """Returns a contribution as a vector; adding up the vectors adds up the contributions.

    The vector has sums over images: the number of images, the losses, the squares of gradients by
    rows, all gradients, for each gradient by rows numbers larger than 0 where a row is used, and
    the statistics.
    """
    images, pairs = contribution.images, list(zip(contribution.gradients, variables, strict=True))
    by_rows = [(gradient, v.shape[0]) for gradient, v in pairs if _is_by_rows(gradient)]
    squares = tf.add_n([tf.reduce_sum(tf.square(each.values)) for each, _ in by_rows] or [0.0])
    parts = [
        images,
        tf.math.multiply_no_nan(contribution.loss, images),
        tf.math.multiply_no_nan(squares, images * images),
        *[tf.math.multiply_no_nan(_dense(gradient, v), images) for gradient, v in pairs],
        *[
            images * tf.math.unsorted_segment_sum(tf.ones_like(each.values[:, 0]), each.indices, n)
            for each, n in by_rows
        ],
        *[tf.math.multiply_no_nan(statistic, images) for statistic in contribution.statistics],
    ]
    return tf.concat([tf.reshape(part, [-1]) for part in parts], axis=0)


def _dense(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    if not _is_by_rows(gradient):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, variable.shape[0])


def unpack(
    total: tf.Tensor,
    contribution: Contribution,
    variables: Sequence[tf.Variable],
    full_batch: int | None = None,
) -> Reduced:
    """Returns the means that the sum of all vectors stands for.

    Args:
        total: the sum of the vectors of `pack`.
        contribution: one of them, for the kinds and shapes of its parts.
        variables: the variables of the gradients.
        full_batch: what the gradients are divided by, see `step_values`.
    """
    shapes = _shapes(contribution, variables)
    sizes = [tf.TensorShape(shape).num_elements() for shape in shapes]
    parts = [
        tf.reshape(part, shape) for part, shape in zip(tf.split(total, sizes), shapes, strict=True)
    ]
    images, loss, squares = parts[:3]
    count = len(variables)
    divisor = images if full_batch is None else tf.constant(float(full_batch))
    dense = [part / divisor for part in parts[3 : 3 + count]]
    touched = iter(parts[3 + count : len(parts) - len(contribution.statistics)])
    gradients = [
        _by_rows(mean, next(touched)) if _is_by_rows(gradient) else mean
        for mean, gradient in zip(dense, contribution.gradients, strict=True)
    ]
    plain = [gradient for gradient in gradients if not _is_by_rows(gradient)]
    norm = tf.sqrt(tf.square(tf.linalg.global_norm(plain)) + squares / (divisor * divisor))
    statistics = [part / images for part in parts[len(parts) - len(contribution.statistics) :]]
    return Reduced(
        images=images,
        loss=loss / images,
        objective=loss / divisor,
        gradients=gradients,
        gradient_norm=norm,
        statistics=statistics,
    )


def _shapes(contribution: Contribution, variables: Sequence[tf.Variable]) -> list[Sequence[int]]:
    """Returns the shapes of the parts of a vector of `pack`."""
    return [
        *[[]] * 3,
        *[variable.shape for variable in variables],
        *[
            v.shape[:1]
            for v, g in zip(variables, contribution.gradients, strict=True)
            if _is_by_rows(g)
        ],
        *[statistic.shape for statistic in contribution.statistics],
    ]


def _by_rows(gradient: tf.Tensor, touched: tf.Tensor) -> tf.IndexedSlices:
    """Returns the rows of a gradient that are used."""
    indices = tf.where(touched > 0)[:, 0]
    return tf.IndexedSlices(tf.gather(gradient, indices), indices, tf.shape(gradient))
