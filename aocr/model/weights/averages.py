"""Names the moving averages of variables, and finds those that a checkpoint has."""

from __future__ import annotations

import tensorflow as tf

AVERAGE_SUFFIX = "/EMA"
"""Follows the name of a variable in the name of its moving average over the steps."""


def averages_of_variables() -> dict[str, tf.Variable]:
    """Returns the variables of a graph that does not train, by the names of their averages."""
    return {average_of(v.op.name): v for v in tf.compat.v1.global_variables()}


def average_of(name: str) -> str:
    """Returns the name of the moving average of a variable."""
    return name + AVERAGE_SUFFIX


def is_average(name: str) -> bool:
    """Returns whether a variable is the moving average of another."""
    return name.endswith(AVERAGE_SUFFIX)
