"""Finds out which processes of a cluster answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf

from aocr.training.cluster.tf_config import Replica, Task
from aocr.util.errors import UserError

PROBE_SECONDS = 2.0
"""Time in which a process that runs answers."""


def await_peers(task: Task, timeout: int) -> None:
    """Waits until the servers of all processes answer.

    Args:
        task: names the processes.
        timeout: the longest time in seconds.

    Raises:
        UserError: one does not within the time.
    """
    deadline = time.monotonic() + timeout
    missing = silent(task)
    if missing:
        logging.info("Waiting up to %i s for %s.", timeout, shown(missing))
    while missing:
        if time.monotonic() > deadline:
            raise UserError(
                f"{shown(missing)} did not answer within --cluster-timeout={timeout} seconds: "
                "start all replicas that TF_CONFIG names, or give them more time"
            )
        missing = silent(task)
    logging.info("%s: all %i replicas answer.", str(task.own).capitalize(), len(task.replicas))


def silent(task: Task) -> list[Replica]:
    """Returns the other processes whose servers do not answer."""
    others = [each for each in task.replicas if each != task.own]
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        answers = pool.map(_answers, others)
        return [each for each, answer in zip(others, answers, strict=True) if not answer]


def _answers(replica: Replica) -> bool:
    """Returns whether the server of a process answers."""
    options = tf.compat.v1.ConfigProto(operation_timeout_in_ms=int(1000 * PROBE_SECONDS))
    options.device_filters.append(device_of(replica))
    target = f"grpc://{replica.address}"
    try:
        with tf.compat.v1.Session(target, tf.Graph(), options) as session:
            return bool(session.list_devices())
    except tf.errors.OpError:
        return False


def device_of(replica: Replica) -> str:
    """Returns the name that TensorFlow gives to the devices of a process."""
    return f"/job:{replica.role}/replica:0/task:{replica.number}"


def shown(replicas: Sequence[Replica]) -> str:
    """Returns names with addresses: "worker 0 (host:2222), worker 1 (host:2223)"."""
    return ", ".join(f"{each} ({each.address})" for each in replicas)
