"""Sums over the processes of a cluster, and tells them that the others live."""

from __future__ import annotations

import enum
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.util.errors import UserError

NUMBERS = 4096
"""Number of int64 that the replicas exchange at a time."""

_GROUP_KEY = 1
"""Names the group of all processes; there is no other."""

FIRST_SECONDS, LONGEST_SECONDS = 0.02, 1.0
"""Time between two beats: at first, and at most; each is twice as long as the one before."""

END_SECONDS = 15.0
"""Time in which a replica may end by itself once another is lost. Then its process is ended."""


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
        instance: the name of this operation among all.
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


class Beats:
    """Tells the other replicas, until all are ready, that this one lives.

    A thread adds up again and again who is ready and who has failed.

    Args:
        sums: a function that adds up numbers of all replicas.
        names: the names of the replicas.
        rank: position of this replica among them.
    """

    def __init__(
        self, sums: Callable[[Sequence[int]], list[int]], names: Sequence[str], rank: int
    ) -> None:
        self._sums, self._names, self._rank = sums, names, rank
        self._is_ready = threading.Event()
        self._has_failed = False
        self._error: UserError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, failed: bool = False) -> None:
        """Tells the others that this replica is ready, and waits until all are.

        Args:
            failed: whether it is not ready, but ends. Then it does not wait.

        Raises:
            UserError: another replica has failed, or does not answer.
        """
        self._has_failed = failed
        self._is_ready.set()
        self._thread.join(END_SECONDS if failed else None)
        if self._error and not failed:
            raise self._error

    def _run(self) -> None:
        pause = FIRST_SECONDS
        try:
            while not self._beat():
                self._is_ready.wait(pause) if not self._is_ready.is_set() else _sleep(pause)
                pause = min(2 * pause, LONGEST_SECONDS)
        except UserError as error:
            self._error = error
        if self._error and not self._is_ready.wait(END_SECONDS):
            _end_process(self._error)

    def _beat(self) -> bool:
        """Adds up the states of all replicas, and returns whether there is nothing to wait for."""
        count = len(self._names)
        own = [0] * (2 * count)
        is_ready = self._is_ready.is_set()
        own[self._rank] = int(is_ready)
        own[count + self._rank] = int(is_ready and self._has_failed)
        states = self._sums(own)
        failed = [name for name, state in zip(self._names, states[count:], strict=True) if state]
        if failed:
            self._error = UserError(
                f"{', '.join(failed)} has ended with an error: its log says which; correct it, and "
                "start all replicas again"
            )
        return bool(failed) or all(states[:count])


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


def _end_process(error: UserError) -> None:
    """Ends the process, whose main thread is busy with work that nobody needs any more."""
    logging.error(str(error))
    logging.shutdown()
    os._exit(1)
