"""Recurrent cells that compute one time step, and a stack of layers that share one cell.

A state is one flat tensor `[N, state_size]`: an LSTM's is `[c, h]`, and a stack's is the states of
its layers side by side.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Protocol

import tensorflow as tf

from aocr.model import variable_names


class Cell(Protocol):
    """Declares what a stack needs of a cell."""

    @property
    def state_size(self) -> int:
        """Returns the length of one example's state."""

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one step.

        Args:
            x: `[N, units]`.
            state: `[N, state_size]`.

        Returns:
            The output `[N, units]` and the next state `[N, state_size]`.
        """

    def for_next_use(self) -> Cell:
        """Returns the cell for its next use in one time step; see `Dense.for_next_use`."""


class Dense(NamedTuple):
    """Holds a dense layer, `x · kernel + bias`.

    Attributes:
        kernel: float32 `[inputs, outputs]`.
        bias: float32 `[outputs]`.
    """

    kernel: tf.Tensor
    bias: tf.Tensor

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Applies the layer: `[N, inputs] --> [N, outputs]`."""
        return tf.matmul(x, self.kernel) + self.bias

    def for_next_use(self) -> Dense:
        """Returns the layer with its weights behind identity operations, to be used once more.

        Several uses of one tensor in a time step add their gradients. TensorFlow adds three or
        more of them in an order that varies from run to run, and so does the last bit of the sum.
        If each use takes its weights from the use before it, the gradients are added in pairs,
        always in the same order.
        """
        return Dense(tf.identity(self.kernel), tf.identity(self.bias))


def create_dense(inputs: int, outputs: int, bias: float = 0.0) -> Dense:
    """Creates the variables `kernel` (Xavier uniform) and `bias` (constant) in the current scope.

    Args:
        inputs: size of the layer's input.
        outputs: size of its output.
        bias: initial value of the bias.
    """
    kernel = tf.compat.v1.get_variable(
        variable_names.DENSE_KERNEL,
        [inputs, outputs],
        initializer=tf.compat.v1.glorot_uniform_initializer(),
    )
    kernel_value = tf.convert_to_tensor(kernel)
    bias_variable = tf.compat.v1.get_variable(
        variable_names.DENSE_BIAS, [outputs], initializer=tf.constant_initializer(bias)
    )
    return Dense(kernel_value, tf.convert_to_tensor(bias_variable))


def lstm_update(gates: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes one step of an LSTM from its gates (Hochreiter and Schmidhuber, 1997).

    Args:
        gates: `[N, 4U]`, before their activations, in the order i = input gate, j = candidate,
            f = forget gate, o = output gate. No forget bias is added.
        c: `[N, U]`, the cell state.

    Returns:
        The next `c` and `h`, each `[N, U]`.
    """
    i, j, f, o = tf.split(gates, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
    return c, tf.sigmoid(o) * tf.tanh(c)


class LSTMCell:
    """Computes an LSTM; creates `basic_lstm_cell/{kernel,bias}` in the current scope."""

    def __init__(self, units: int) -> None:
        with tf.compat.v1.variable_scope(variable_names.LSTM_SCOPE):
            self._gates = create_dense(2 * units, 4 * units)
        self.state_size = 2 * units

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one step from the state `[c, h]`."""
        c, h = tf.split(state, 2, axis=1)
        c, h = lstm_update(self._gates(tf.concat([x, h], axis=1)), c)
        return h, tf.concat([c, h], axis=1)

    def for_next_use(self) -> LSTMCell:
        """Returns the cell for its next use in one time step."""
        cell = copy.copy(self)
        cell._gates = self._gates.for_next_use()
        return cell


class GRUCell:
    """Computes a GRU (Cho et al., 2014); creates `gru_cell/{gates,candidate}/{kernel,bias}`."""

    def __init__(self, units: int) -> None:
        scope = tf.compat.v1.variable_scope
        with scope(variable_names.GRU_SCOPE):
            with scope(variable_names.GRU_GATES_SCOPE):
                self._gates = create_dense(2 * units, 2 * units, bias=1.0)
            with scope(variable_names.GRU_CANDIDATE_SCOPE):
                self._candidate = create_dense(2 * units, units)
        self.state_size = units

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one step from the state `h`.

        The identities add the gradients of several uses in a fixed order, see
        `Dense.for_next_use`.
        """
        x = tf.identity(x)
        # r = reset gate, u = update gate
        r, u = tf.split(tf.sigmoid(self._gates(tf.concat([x, state], axis=1))), 2, axis=1)
        state = tf.identity(state)
        candidate = tf.tanh(self._candidate(tf.concat([x, r * state], axis=1)))
        h = u * state + (1 - u) * candidate
        return h, h

    def for_next_use(self) -> GRUCell:
        """Returns the cell for its next use in one time step."""
        cell = copy.copy(self)
        cell._gates = self._gates.for_next_use()
        cell._candidate = self._candidate.for_next_use()
        return cell


class SharedCellStack:
    """Stacks layers that all use one cell, and therefore the same weights.

    0.7.6 shares one cell among the layers. Its checkpoints therefore hold the weights of the first
    layer only, under `multi_rnn_cell/cell_0`.
    """

    def __init__(self, cell_type: type[LSTMCell] | type[GRUCell], units: int, layers: int) -> None:
        with tf.compat.v1.variable_scope(variable_names.SHARED_CELL_SCOPE):
            self._cell: Cell = cell_type(units)
        self._layers = layers
        self.state_size = layers * self._cell.state_size

    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one step through all layers.

        Args:
            x: `[N, units]`.
            state: `[N, state_size]`, the first layer's state first.

        Returns:
            The last layer's output `[N, units]`, and the next state `[N, state_size]`.
        """
        states, cell = [], self._cell
        for layer_state in tf.split(state, self._layers, axis=1):
            cell = cell.for_next_use()
            x, layer_state = cell(x, layer_state)
            states.append(layer_state)
        return x, tf.concat(states, axis=1)
