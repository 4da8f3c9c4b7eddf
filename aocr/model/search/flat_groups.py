"""Selects the best of items that belong to images, in flat tensors. Axis: E items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class Selection(NamedTuple):
    """Holds which items were selected.

    Attributes:
        items: int32, indices of the selected items: by image, then from the best to the worst.
        others: int32, indices of the items that were not selected.
    """

    items: tf.Tensor
    others: tf.Tensor


def best_of_each(image: tf.Tensor, score: tf.Tensor, count: tf.Tensor | int) -> Selection:
    """Selects the items with the highest scores of each image.

    Of items with equal scores the first ones are selected.

    Args:
        image: int32 `[E]`, the image of each item.
        score: float32 `[E]`.
        count: scalar int32, how many items of an image are selected at most.
    """
    size = tf.shape(score)[0]
    by_score = tf.math.top_k(score, size).indices
    by_image = tf.math.top_k(-tf.gather(image, by_score), size).indices  # keeps equal ones in order
    order = tf.gather(by_score, by_image)
    ordered = tf.gather(image, order)
    rank = tf.range(size) - tf.searchsorted(ordered, ordered)
    is_selected = rank < count
    return Selection(
        tf.boolean_mask(order, is_selected), tf.boolean_mask(order, tf.logical_not(is_selected))
    )


class Slices(NamedTuple):
    """Holds flat ranges of numbers, one for each row.

    Attributes:
        row: int32 `[E]`, the row that each number belongs to, in ascending order.
        number: int32 `[E]`.
    """

    row: tf.Tensor
    number: tf.Tensor


def ranges(starts: tf.Tensor, ends: tf.Tensor) -> Slices:
    """Returns the numbers from `starts` up to `ends`, both int32 `[M]`, of all rows."""
    stops = tf.cumsum(ends - starts)
    total = tf.reduce_sum(ends - starts)
    places = tf.range(total)
    row = tf.searchsorted(stops, places, side="right")
    offsets = starts - (stops - (ends - starts))
    return Slices(row, places + tf.gather(offsets, row))


def in_chunks(function: Callable[..., Any], arguments: tuple, size: int) -> Any:
    """Calls a function of many rows for some of them at a time, which bounds its memory.

    Args:
        function: takes the arguments and returns tensors `[M, ...]`, each row for itself.
        arguments: tensors `[M, ...]`, of any structure.
        size: number of rows of a chunk.
    """

    def call(start: tf.Tensor | int) -> Any:
        return function(*tf.nest.map_structure(lambda x: x[start : start + size], arguments))

    def append(start: tf.Tensor, done: Any) -> tuple:
        both = tf.nest.map_structure(lambda a, b: tf.concat([a, b], axis=0), done, call(start))
        return start + size, both

    rows = tf.shape(tf.nest.flatten(arguments)[0])[0]
    loop = tf.constant(size), call(0)
    shapes = tf.nest.map_structure(of_any_length, loop)
    _, done = tf.while_loop(lambda start, _: start < rows, append, loop, shapes)
    return done


def of_any_length(tensor: tf.Tensor) -> tf.TensorShape:
    """Returns the shape of a tensor whose first axis may change; that of a scalar stays."""
    if tensor.shape.rank == 0:
        return tensor.shape
    return tf.TensorShape([None, *tensor.shape[1:]])
