"""The encoder: a bidirectional LSTM over the feature columns (docs/compatibility.md, "Encoder")."""

from __future__ import annotations

import functools
from typing import NamedTuple

import tensorflow as tf

from aocr.model import rnn_cells, variable_names


class Memory(NamedTuple):
    """Holds the encoded columns that the decoder attends to.

    Attributes:
        values: float32 `[N, T, 2U]`, forward and backward outputs side by side.
        state: float32 `[N, 4U]`, the final `[forward c, forward h, backward c, backward h]`.
        is_padding: bool `[N, T]`, True behind the last column of an image; None: there are none.
    """

    values: tf.Tensor
    state: tf.Tensor
    is_padding: tf.Tensor | None = None

    def lengths(self) -> tf.Tensor:
        """Returns the number of columns of each image, int32 `[N]`."""
        shape = tf.shape(self.values)
        if self.is_padding is None:
            return tf.fill([shape[0]], shape[1])
        return shape[1] - tf.reduce_sum(tf.cast(self.is_padding, tf.int32), axis=1)


def encode(features: tf.Tensor, sequence_lengths: tf.Tensor | None, units: int) -> Memory:
    """Runs an LSTM over the columns in each direction (Graves and Schmidhuber, 2005).

    Args:
        features: float32 `[N, T, D]`.
        sequence_lengths: int32 `[N]`, the number of feature columns of each image; None if all T
            columns count, padding included.
        units: U, the units of each direction.
    """
    reverse = functools.partial(reverse_columns, lengths=sequence_lengths, time_major=True)
    inputs = tf.transpose(features, [1, 0, 2])  # [N, T, D] --> [T, N, D]
    with tf.compat.v1.variable_scope(variable_names.ENCODER_SCOPE):
        forward, forward_state = _lstm(
            variable_names.FORWARD_SCOPE, inputs, sequence_lengths, units
        )
        backward, backward_state = _lstm(
            variable_names.BACKWARD_SCOPE, reverse(inputs), sequence_lengths, units
        )
    outputs = tf.concat([forward, reverse(backward)], axis=2)  # [T, N, 2U]
    values = tf.transpose(outputs, [1, 0, 2])  # [T, N, 2U] --> [N, T, 2U]
    return Memory(
        values=values,
        state=tf.concat([forward_state, backward_state], axis=1),
        is_padding=_is_padding(values, sequence_lengths),
    )


def reverse_columns(
    columns: tf.Tensor, lengths: tf.Tensor | None, time_major: bool = False
) -> tf.Tensor:
    """Reverses the columns of each example; padding stays at the end.

    Args:
        columns: `[N, T, D]`, or `[T, N, D]` if `time_major`.
        lengths: int32 `[N]`, the number of columns of each example; None if padding counts.
        time_major: whether the axis T comes first.
    """
    time_axis, batch_axis = (0, 1) if time_major else (1, 0)
    if lengths is None:
        return tf.reverse(columns, [time_axis])
    return tf.reverse_sequence(columns, lengths, seq_axis=time_axis, batch_axis=batch_axis)


def _is_padding(values: tf.Tensor, sequence_lengths: tf.Tensor | None) -> tf.Tensor | None:
    """Returns bool `[N, T]`, True behind the last column of an image; None if all columns count."""
    if sequence_lengths is None:
        return None
    return ~tf.sequence_mask(sequence_lengths, tf.shape(values)[1])


def _lstm(
    scope: str, inputs: tf.Tensor, sequence_lengths: tf.Tensor | None, units: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one LSTM over `[T, N, D]`; returns its outputs `[T, N, U]` and final state `[N, 2U]`.

    The inputs are multiplied with their half of the kernel in one product for all columns, which
    leaves the loop a third of the arithmetic.
    """
    depth = inputs.shape[2]
    columns = tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
    batch_size = tf.shape(inputs)[1]
    with tf.compat.v1.variable_scope(f"{scope}/{variable_names.LSTM_SCOPE}"):
        kernel, bias = rnn_cells.create_dense(depth + units, 4 * units)
    projected = tf.tensordot(inputs, kernel[:depth], axes=1) + bias  # [T, N, D] --> [T, N, 4U]
    recurrent_kernel = kernel[depth:]  # [U, 4U]
    projections = tf.TensorArray(tf.float32, columns, element_shape=[None, 4 * units])
    outputs = tf.TensorArray(tf.float32, columns, element_shape=[None, units])

    def step(t, c, h, outputs):
        gates = projections.read(t) + tf.matmul(h, recurrent_kernel)
        next_c, next_h = rnn_cells.lstm_update(gates, c)
        if sequence_lengths is not None:  # the state of an image that has ended stays
            is_inside = (t < sequence_lengths)[:, tf.newaxis]
            next_c, next_h = tf.where(is_inside, next_c, c), tf.where(is_inside, next_h, h)
        return t + 1, next_c, next_h, outputs.write(t, next_h)

    projections = projections.unstack(projected)
    zeros = tf.zeros([batch_size, units])
    state_shape = tf.TensorShape([None, units])
    _, c, h, outputs = tf.while_loop(
        lambda t, *_: t < columns,
        step,
        (0, zeros, zeros, outputs),
        (tf.TensorShape([]), state_shape, state_shape, tf.TensorShape(None)),
        maximum_iterations=columns,
    )
    return outputs.stack(), tf.concat([c, h], axis=1)
