"""Features to memory: a bidirectional LSTM (COMPAT.md, section 5, "Encoder")."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.model import rnn_cells


class Memory(NamedTuple):
    """What the decoder attends to.

    Attributes:
        values: `[N, T, 2U]`, forward and backward outputs side by side.
        state: `[N, 4U]`, the final `[forward c, forward h, backward c, backward h]`.
        columns: int32 `[N]`, how many of the T are the image's; None: all.
    """

    values: tf.Tensor
    state: tf.Tensor
    columns: tf.Tensor | None = None


def encode(features: tf.Tensor, columns: tf.Tensor | None, units: int) -> Memory:
    """Reads the columns in both directions (Graves and Schmidhuber, 2005).

    Args:
        features: `[N, T, D]`.
        columns: int32 `[N]`, how many of an image's columns count; None: all of them.
        units: U, each way.
    """
    inputs = tf.transpose(features, [1, 0, 2])  # [N, T, D] --> [T, N, D]
    with tf.compat.v1.variable_scope("bidirectional_rnn"):
        forward, forward_state = _lstm("fw", inputs, columns, units)
        backward, backward_state = _lstm("bw", _reversed(inputs, columns), columns, units)
    outputs = tf.concat([forward, _reversed(backward, columns)], axis=2)  # [T, N, 2U]
    return Memory(
        values=tf.transpose(outputs, [1, 0, 2]),  # [T, N, 2U] --> [N, T, 2U]
        state=tf.concat([forward_state, backward_state], axis=1),
        columns=columns,
    )


def _reversed(sequence: tf.Tensor, lengths: tf.Tensor | None) -> tf.Tensor:
    """`[T, N, D]` with each example's columns in the opposite order."""
    if lengths is None:
        return tf.reverse(sequence, [0])
    return tf.reverse_sequence(sequence, lengths, seq_axis=0, batch_axis=1)


def _lstm(
    scope: str, columns: tf.Tensor, lengths: tf.Tensor | None, units: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Outputs `[T, N, U]` and final state `[N, 2U]` of one LSTM over `[T, N, D]`.

    Where an example has ended, its state stays.

    The product of the inputs with their half of the kernel is taken once for all columns, which
    leaves the loop a third of the arithmetic.
    """
    depth = columns.shape[2]
    steps = tf.shape(columns)[0] if columns.shape[0] is None else columns.shape[0]
    batch = tf.shape(columns)[1]
    with tf.compat.v1.variable_scope(f"{scope}/basic_lstm_cell"):
        kernel, bias = rnn_cells.affine(depth + units, 4 * units)
    projected = tf.tensordot(columns, kernel[:depth], axes=1) + bias  # [T, N, D] --> [T, N, 4U]
    recurrent = kernel[depth:]
    projections = tf.TensorArray(tf.float32, steps, element_shape=[None, 4 * units])
    outputs = tf.TensorArray(tf.float32, steps, element_shape=[None, units])

    def step(t, c, h, outputs):
        next_c, next_h = rnn_cells.lstm_update(projections.read(t) + tf.matmul(h, recurrent), c)
        if lengths is not None:
            goes_on = (t < lengths)[:, tf.newaxis]
            next_c, next_h = tf.where(goes_on, next_c, c), tf.where(goes_on, next_h, h)
        return t + 1, next_c, next_h, outputs.write(t, next_h)

    projections = projections.unstack(projected)
    zeros = tf.zeros([batch, units])
    _, c, h, outputs = tf.while_loop(
        lambda t, *_: t < steps,
        step,
        (0, zeros, zeros, outputs),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, units]),
            tf.TensorShape([None, units]),
            tf.TensorShape(None),
        ),
        maximum_iterations=steps,
    )
    return outputs.stack(), tf.concat([c, h], axis=1)
