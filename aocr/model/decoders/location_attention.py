"""Additive attention that also sees its own weights of earlier steps (Chorowski et al., 2015).

Axes: N images, T columns, D memory depth, H hidden units of the decoder, A of the attention.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import tensorflow as tf

from aocr.model import variable_names
from aocr.model.rnn_cells import Dense, create_dense

LOCATION_WIDTH = 9
"""Number of columns around each column whose earlier weights its score depends on."""

UNITS_RATIO = 2
"""Number of units of the decoder for each unit of the attention, whose energies for all columns are
the largest tensors of a step."""


class LocationWeights(NamedTuple):
    """Holds the weights of the attention.

    Attributes:
        query: projects the decoder's output, `[N, H] --> [N, A]`.
        key_kernel: float32 `[D, A]`, projects the memory.
        location_kernel: float32 `[LOCATION_WIDTH, 2, A]`.
        scorer: float32 `[A, 1]`.
    """

    query: Dense
    key_kernel: tf.Variable
    location_kernel: tf.Variable
    scorer: tf.Variable


class Looked(NamedTuple):
    """Holds where the attention has looked.

    Attributes:
        weights: float32 `[N, T]`, the attention of the last step.
        coverage: float32 `[N, T]`, the sum of the attention of all steps.
    """

    weights: tf.Tensor
    coverage: tf.Tensor


def create_location_weights(depth: int, units: int) -> LocationWeights:
    """Creates the variables in the scope `attention`.

    Args:
        depth: D.
        units: H.
    """
    size = max(1, units // UNITS_RATIO)
    with tf.compat.v1.variable_scope(variable_names.ATTENTION_SCOPE):
        with tf.compat.v1.variable_scope(variable_names.QUERY_SCOPE):
            query = create_dense(units, size)
        return LocationWeights(
            query=query,
            key_kernel=xavier_variable(variable_names.KEY_KERNEL, [depth, size]),
            location_kernel=xavier_variable(
                variable_names.LOCATION_KERNEL, [LOCATION_WIDTH, 2, size]
            ),
            scorer=xavier_variable(variable_names.SCORER, [size, 1]),
        )


def xavier_variable(name: str, shape: list[int]) -> tf.Variable:
    """Creates a variable with uniform random values (Glorot and Bengio, 2010)."""
    initializer = tf.compat.v1.glorot_uniform_initializer()
    return tf.compat.v1.get_variable(name, shape, initializer=initializer)


class LocationAttention:
    """Attends to one memory.

    Args:
        weights: see `LocationWeights`.
        memory: float32 `[N, T, D]`.
        is_outside: bool `[N, T]`, True for columns that must not be attended to.
    """

    def __init__(self, weights: LocationWeights, memory: tf.Tensor, is_outside: tf.Tensor) -> None:
        self._weights, self._is_outside = weights, is_outside
        # [N, T, D] --> [N, T, A]
        self._keys = tf.tensordot(memory, weights.key_kernel, axes=1)
        # [LOCATION_WIDTH, 2, A] --> [2 LOCATION_WIDTH, A]
        self._location_kernel = tf.reshape(
            weights.location_kernel, [-1, weights.location_kernel.shape[2]]
        )

    def of_images(self, image: tf.Tensor) -> LocationAttention:
        """Returns the attention to the memories of some images, int32 `[M]`."""
        rows = copy.copy(self)
        rows._keys = tf.gather(self._keys, image)
        rows._is_outside = tf.gather(self._is_outside, image)
        return rows

    def nowhere(self) -> Looked:
        """Returns where the attention has looked before the first step."""
        zeros = tf.zeros_like(self._keys[:, :, 0])
        return Looked(zeros, zeros)

    def __call__(self, query: tf.Tensor, looked: Looked) -> Looked:
        """Computes the attention of one step.

        Args:
            query: float32 `[N, H]`, the decoder's output.
            looked: where the steps before have looked.
        """
        energies = self._keys + self._locate(looked) + self._weights.query(query)[:, tf.newaxis]
        scores = tf.squeeze(tf.tensordot(tf.tanh(energies), self._weights.scorer, axes=1), axis=2)
        weights = tf.nn.softmax(tf.where(self._is_outside, scores.dtype.min, scores))
        return Looked(weights, looked.coverage + weights)

    def _locate(self, looked: Looked) -> tf.Tensor:
        """Convolves earlier weights with the location kernel: `[N, T]` twice to `[N, T, A]`.

        One matrix product over shifted columns is faster than a convolution of two channels.
        """
        before = tf.stack(looked, axis=2)  # [N, T, 2]
        columns, margin = tf.shape(before)[1], LOCATION_WIDTH // 2
        padded = tf.pad(before, [[0, 0], [margin, margin], [0, 0]])
        shifted = [padded[:, i : i + columns] for i in range(LOCATION_WIDTH)]
        # [N, T, 2 LOCATION_WIDTH] --> [N, T, A]
        return tf.tensordot(tf.concat(shifted, axis=2), self._location_kernel, axes=1)
