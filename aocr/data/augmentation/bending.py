"""Bends images: smooth random displacements of their pixels along splines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT
from aocr.data.augmentation.random_numbers import uniforms

KNOT_DISTANCE = 16
"""Pixels between the knots of the splines that bend an image."""


class Displacement(NamedTuple):
    """Holds the bending, in pixels: float32 `[N, 1, W']` along x, `[N, 32, 1]` along y."""

    x_along_x: tf.Tensor
    y_along_x: tf.Tensor
    x_along_y: tf.Tensor


def bend(keys: tf.Tensor, amount: tf.Tensor, sampled_width: tf.Tensor | int) -> Displacement:
    """Returns smooth random displacements of at most `amount` pixels (`[N]`) along each axis."""
    amount = amount[:, tf.newaxis]

    def random_spline(purpose: str, length: tf.Tensor | int) -> tf.Tensor:
        knots = length // KNOT_DISTANCE + 4
        values = amount * (2 * uniforms(keys, purpose, knots) - 1)  # [N, knots]
        return spline(values, length)

    return Displacement(
        random_spline("x along x", sampled_width)[:, tf.newaxis] / 2,
        random_spline("y along x", sampled_width)[:, tf.newaxis],
        random_spline("x along y", IMAGE_HEIGHT)[:, :, tf.newaxis] / 2,
    )


def spline(values: tf.Tensor, length: tf.Tensor | int) -> tf.Tensor:
    """Returns uniform cubic B-splines at whole numbers, `[N, length]`.

    Args:
        values: `[N, knots]`, of knots in distances of `KNOT_DISTANCE`; a spline stays between its
            lowest and its highest knot.
        length: number of positions; the knots reach beyond it.
    """
    t = np.arange(KNOT_DISTANCE, dtype=np.float32) / KNOT_DISTANCE
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    pieces = values.shape[1] or tf.shape(values)[1]
    pieces -= 3
    curve = tf.add_n(
        [
            values[:, first : first + pieces, tf.newaxis] * tf.constant(weight / 6)
            for first, weight in enumerate(weights)
        ]
    )  # [N, pieces, KNOT_DISTANCE]
    return tf.reshape(curve, [-1, pieces * KNOT_DISTANCE])[:, :length]
