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
from aocr.model.backbones.batch_norm import BatchStatistic
from aocr.training.cluster.packing import Contribution, pack, unpack
from aocr.training.cluster.replicas import Replicas
from aocr.training.update.optimizer import GlobalGradients
from aocr.util.errors import UserError

ALL_GPUS = "all"


class Forward(NamedTuple):
    """Holds what the network computes of a batch.

    Attributes:
        losses: float32 `[N]`.
        batch_statistics: of all batch norms, with their moving averages.
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
        loss: float32 scalar, mean over the batch of all replicas.
        batch_statistics: means over the replicas, with the moving averages.
        features: float32 `[N, T, D]`, the CNN's output, of the first tower of this process.
        gradients: of the loss; None without replicas, where the optimizer computes them.
        shared: None without replicas.
    """

    loss: tf.Tensor
    batch_statistics: Sequence[BatchStatistic]
    features: tf.Tensor
    gradients: GlobalGradients | None = None
    shared: Shared | None = None


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
    batch: TrainingBatch, forward: Callable[[TrainingBatch, int], Forward], replicas: Replicas
) -> StepValues:
    """Builds the forward pass of all towers of this process, and the sums over all replicas.

    Args:
        batch: of this process.
        forward: builds the network on a part of the batch; its second argument counts the replicas.
        replicas: gives the towers, and adds up over processes.
    """
    if replicas.count == 1:
        output = forward(batch, 0)
        return StepValues(tf.reduce_mean(output.losses), output.batch_statistics, output.features)
    outputs, contributions = _run_towers(batch, forward, replicas)
    variables = tf.compat.v1.trainable_variables()
    own_vote = tf.compat.v1.placeholder_with_default(0.0, [])
    vectors = [pack(each, variables) for each in contributions]
    total = replicas.sum_of_processes(tf.concat([tf.add_n(vectors), own_vote[tf.newaxis]], axis=0))
    reduced = unpack(total[:-1], contributions[0], variables)
    averages = [each.moving_average for each in outputs[0].batch_statistics]
    return StepValues(
        loss=reduced.loss,
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
