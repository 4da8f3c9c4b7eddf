"""Names the moving averages of variables (`--ema-decay`), and reads them wherever there are any."""

from __future__ import annotations

from collections.abc import Container

import tensorflow as tf

AVERAGE_SUFFIX = "/EMA"
"""Follows the name of a variable in the name of its moving average over the steps."""


def average_of(name: str) -> str:
    """Returns the name of the moving average of a variable."""
    return name + AVERAGE_SUFFIX


def is_average(name: str) -> bool:
    """Returns whether a variable is the moving average of another."""
    return name.endswith(AVERAGE_SUFFIX)


def name_to_read(name: str, stored: Container[str]) -> str:
    """Returns under which name a model that does not train reads a variable.

    Args:
        name: the name of the variable.
        stored: the names in a checkpoint.

    Returns:
        The name of its average if the checkpoint has it, else its own.
    """
    average = average_of(name)
    return average if average in stored else name


def variables_to_read(stored: Container[str]) -> dict[str, tf.Variable]:
    """Returns all variables of a graph that does not train, by their `name_to_read`."""
    return {name_to_read(v.op.name, stored): v for v in tf.compat.v1.global_variables()}
