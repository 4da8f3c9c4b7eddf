"""Builds the collective operations of a cluster: sums over all processes, in the graph."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

NUMBERS = 4096
"""Number of int64 that the replicas exchange at a time."""

_GROUP_KEY = 1
"""Names the group of all processes; there is no other."""


class Group(NamedTuple):
    """Describes the processes that take part.

    Attributes:
        size: number of processes.
        timeout: seconds after which an operation fails that others do not take part in.
    """

    size: int
    timeout: int


class Instance(enum.IntEnum):
    """Names the collective operations; each is in at most one step at a time."""

    NUMBERS = 1
    STEP = 2
    VARIABLES = 3


def sum_over(vector: tf.Tensor, group: Group, instance: int) -> tf.Tensor:
    """Adds up a vector over all processes, in the same order on each, so that all get equal bits.

    The sum is computed on the CPU: processes talk to each other from there.

    Args:
        vector: float32, int32 or int64.
        group: the processes.
        instance: tells this operation from others.
    """
    with tf.device("CPU:0"):
        return tf.raw_ops.CollectiveReduce(
            input=vector,
            group_size=group.size,
            group_key=_GROUP_KEY,
            instance_key=int(instance),
            merge_op="Add",
            final_op="Id",
            subdiv_offsets=[0],
            communication_hint="auto",
            timeout_seconds=float(group.timeout),
        )


def values_of_chief(
    variables: Sequence[tf.Variable], group: Group, is_chief: bool
) -> list[tf.Operation]:
    """Creates the operations that set variables to the values that the chief's have.

    Args:
        variables: all variables of the graph, in the same order on each process.
        group: the processes.
        is_chief: whether this process is the chief.
    """
    by_type: defaultdict[tf.DType, list[tf.Variable]] = defaultdict(list)
    for variable in variables:
        by_type[variable.dtype.base_dtype].append(variable)
    assignments = []
    for number, same_type in enumerate(by_type.values()):
        flat = tf.concat([tf.reshape(v.read_value(), [-1]) for v in same_type], axis=0)
        own = flat if is_chief else tf.zeros_like(flat)
        shared = sum_over(own, group, Instance.VARIABLES + number)
        sizes = [v.shape.num_elements() for v in same_type]
        for variable, values in zip(same_type, tf.split(shared, sizes), strict=True):
            assignments.append(variable.assign(tf.reshape(values, variable.shape)).op)
    return assignments
