"""Recurrent cells, one step at a time, and a stack of them.

A state is one flat tensor `[N, state_size]`, an LSTM's `[c, h]` side by side, so that a stack's
state is its layers' states side by side too.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Protocol

import tensorflow as tf


class Cell(Protocol):
    """What the decoder asks of a cell."""

    @property
    def state_size(self) -> int:
        """Numbers of state for each example."""

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[N, units]` and `[N, state_size]` to output `[N, units]` and the next state."""

    def again(self) -> Cell:
        """The same cell, for one more use in the same step; see `Affine.again`."""


class Affine(NamedTuple):
    """`x · kernel + bias`."""

    kernel: tf.Tensor  # [inputs, outputs]
    bias: tf.Tensor  # [outputs]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """`[N, inputs]` to `[N, outputs]`."""
        return tf.matmul(x, self.kernel) + self.bias

    def again(self) -> Affine:
        """The same weights as nodes of their own, for one more use.

        A chain of them adds the gradients of its uses in pairs. TensorFlow's sum of three or more
        begins with whichever buffer is free to be overwritten, so that its last bit varies.
        """
        return Affine(tf.identity(self.kernel), tf.identity(self.bias))


def affine(inputs: int, outputs: int, bias: float = 0.0) -> Affine:
    """Variables `kernel` (Xavier uniform) and `bias` (constant) of the current scope."""
    return Affine(
        tf.convert_to_tensor(
            tf.compat.v1.get_variable(
                "kernel",
                [inputs, outputs],
                initializer=tf.compat.v1.glorot_uniform_initializer(),
            )
        ),
        tf.convert_to_tensor(
            tf.compat.v1.get_variable("bias", [outputs], initializer=tf.constant_initializer(bias))
        ),
    )


def lstm_update(gates: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of an LSTM after its matrix product (Hochreiter and Schmidhuber, 1997).

    Args:
        gates: `[N, 4U]`, in the order i = input gate, j = candidate, f = forget gate,
            o = output gate; no forget bias is added.
        c: `[N, U]`, the cell.

    Returns:
        The next `c` and `h`, each `[N, U]`.
    """
    i, j, f, o = tf.split(gates, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
    return c, tf.sigmoid(o) * tf.tanh(c)


class LSTMCell:
    """An LSTM; variables `basic_lstm_cell/{kernel,bias}` of the current scope."""

    def __init__(self, units: int) -> None:
        with tf.compat.v1.variable_scope("basic_lstm_cell"):
            self._gates = affine(2 * units, 4 * units)
        self.state_size = 2 * units

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step; the state is `[c, h]`."""
        c, h = tf.split(state, 2, axis=1)
        c, h = lstm_update(self._gates(tf.concat([x, h], axis=1)), c)
        return h, tf.concat([c, h], axis=1)

    def again(self) -> LSTMCell:
        """The same cell, for one more use in the same step."""
        cell = copy.copy(self)
        cell._gates = self._gates.again()
        return cell


class GRUCell:
    """A GRU (Cho et al., 2014); variables `gru_cell/{gates,candidate}` of the current scope."""

    def __init__(self, units: int) -> None:
        with tf.compat.v1.variable_scope("gru_cell"):
            with tf.compat.v1.variable_scope("gates"):
                self._gates = affine(2 * units, 2 * units, bias=1.0)
            with tf.compat.v1.variable_scope("candidate"):
                self._candidate = affine(2 * units, units)
        self.state_size = units

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step; the state is `h`."""
        x = tf.identity(x)  # used twice, see `Affine.again`
        # r = reset gate, u = update gate
        r, u = tf.split(tf.sigmoid(self._gates(tf.concat([x, state], axis=1))), 2, axis=1)
        state = tf.identity(state)  # used twice more
        candidate = tf.tanh(self._candidate(tf.concat([x, r * state], axis=1)))
        h = u * state + (1 - u) * candidate
        return h, h

    def again(self) -> GRUCell:
        """The same cell, for one more use in the same step."""
        cell = copy.copy(self)
        cell._gates, cell._candidate = self._gates.again(), self._candidate.again()
        return cell


class SharedStack:
    """Layers of one and the same cell: in 0.7.6 all stacked layers share their weights.

    The variables stand under `multi_rnn_cell/cell_0`, as if only the first layer existed.
    """

    def __init__(self, cell_type: type[LSTMCell] | type[GRUCell], units: int, layers: int) -> None:
        with tf.compat.v1.variable_scope("multi_rnn_cell/cell_0"):
            self._cell: Cell = cell_type(units)
        self._layers = layers
        self.state_size = layers * self._cell.state_size

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step through all layers, the first layer's state first."""
        states, cell = [], self._cell
        for layer_state in tf.split(state, self._layers, axis=1):
            cell = cell.again()
            x, layer_state = cell(x, layer_state)
            states.append(layer_state)
        return x, tf.concat(states, axis=1)
