"""Averages all weights over the training steps (Polyak and Juditsky, 1992): `--ema-decay`.

The moving averages read better than the weights of a single step, which the last few batches have
moved to and fro. They cover the moving averages of batch norm too, so that a model of averages has
the statistics that belong to its weights.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

import tensorflow as tf

from aocr.model.backbones.layers import moving_average_decay
from aocr.model.weights.checkpoints import average_of, is_average
from aocr.model.weights.files import CheckpointReader


def create() -> dict[str, tf.Variable]:
    """Creates the average of each floating-point variable that the graph has so far.

    Call it before the optimizer creates its own variables.

    Returns:
        The averages by the names of the variables.
    """
    return {
        variable.op.name: tf.compat.v1.get_variable(
            average_of(variable.op.name),
            variable.shape,
            variable.dtype.base_dtype,
            initializer=tf.zeros_initializer(),
            trainable=False,
        )
        for variable in tf.compat.v1.global_variables()
        if variable.dtype.is_floating
    }


def updates(
    averages: Mapping[str, tf.Variable], step: tf.Tensor, decay: float
) -> list[tf.Operation]:
    """Creates the operations that move each average towards its variable.

    Args:
        averages: the averages by the names of the variables.
        step: int32 scalar, the global step before the update.
        decay: share of an average that a step keeps. The first steps keep less, as those of batch
            norm do.
    """
    if not averages:
        return []
    rate = 1 - moving_average_decay(step, decay)
    variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
    return [
        average.assign_sub(rate * (average.read_value() - variables[name].read_value())).op
        for name, average in averages.items()
    ]


def names(graph: tf.Graph) -> list[str]:
    """Returns the names of the averages of a graph."""
    with graph.as_default():
        return [v.op.name for v in tf.compat.v1.global_variables() if is_average(v.op.name)]


def start(session: tf.compat.v1.Session, averages: Collection[str]) -> None:
    """Sets averages to the present values of their variables.

    Args:
        session: a session on the training graph.
        averages: their names.
    """
    with session.graph.as_default():
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
    started = {n: variables[average_of(n)] for n in variables if average_of(n) in averages}
    values = session.run({name: variables[name] for name in started})
    initializers = {name: average.initializer for name, average in started.items()}
    session.run(initializers, {op.inputs[1]: values[name] for name, op in initializers.items()})


def log_change(checkpoint: str, averages: Collection[str], lacking: Collection[str]) -> None:
    """Logs that a run averages weights and its checkpoint does not, or the other way round.

    Args:
        checkpoint: the checkpoint that the run resumes from.
        averages: names of the averages of the run.
        lacking: the variables that the checkpoint lacks.
    """
    if lacking:
        logging.info("%s has no averages of weights: they start from its weights.", checkpoint)
    elif not averages and any(map(is_average, CheckpointReader(checkpoint).shapes)):
        logging.info(
            "The averages of weights in %s are dropped: --ema-decay is not given.", checkpoint
        )
