"""Computes the paths that spell a given text: the sum of their probabilities, and the best one.

A path goes through the 2S + 1 states of its text: a blank before, between and behind its
characters. Axes: N images, S symbols of a text, T columns, V symbols of the vocabulary.
"""

from __future__ import annotations

import tensorflow as tf

from aocr.charset import FIRST_CHARACTER_ID
from aocr.model.search.ctc_scorer import BLANK_ID
from aocr.model.search.prefix_scorer import IMPOSSIBLE


def log_probability(
    log_probabilities: tf.Tensor, lengths: tf.Tensor, texts: tf.Tensor
) -> tf.Tensor:
    """Sums the probabilities of all paths that spell a text (Graves et al., 2006, section 4.1).

    Args:
        log_probabilities: float32 `[N, T, V]`, those of the symbols in each column.
        lengths: int32 `[N]`, the number of columns of each image.
        texts: int32 `[N, S]`, the characters of each text, then special symbols.

    Returns:
        float32 `[N]`, the logarithm of the sum.
    """
    states = _states(texts)
    may_skip = _may_skip(states)

    def emit(column: tf.Tensor) -> tf.Tensor:
        return tf.gather(log_probabilities[:, column], states, batch_dims=1)

    def step(column: tf.Tensor, forward: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        skipped = tf.where(may_skip, _shifted(forward, 2), IMPOSSIBLE)
        reached = tf.reduce_logsumexp(tf.stack([forward, _shifted(forward, 1), skipped]), axis=0)
        is_inside = (column < lengths)[:, tf.newaxis]
        return column + 1, tf.where(is_inside, reached + emit(column), forward)

    is_start = tf.range(tf.shape(states)[1]) < 2
    first = tf.where(is_start[tf.newaxis], emit(tf.constant(0)), IMPOSSIBLE)
    columns = tf.shape(log_probabilities)[1]
    _, forward = tf.while_loop(
        lambda column, _: column < columns,
        step,
        (tf.constant(1), first),
        maximum_iterations=columns,
    )
    return _last_states(forward, _character_counts(texts))


def best_path(log_probabilities: tf.Tensor, lengths: tf.Tensor, texts: tf.Tensor) -> tf.Tensor:
    """Returns the most probable path that spells a text (Viterbi, 1967).

    Args:
        log_probabilities: float32 `[N, T, V]`, those of the symbols in each column.
        lengths: int32 `[N]`, the number of columns of each image.
        texts: int32 `[N, S]`, the characters of each text, then special symbols.

    Returns:
        int32 `[N, T]`, the symbol of each column; blank behind an image.
    """
    states, columns = _states(texts), tf.shape(log_probabilities)[1]
    may_skip = _may_skip(states)

    def forward(column: tf.Tensor, best: tf.Tensor, moves: tf.TensorArray) -> tuple:
        """Moves on by 0, 1 or 2 states, whichever is best; by 0 behind an image."""
        skipped = tf.where(may_skip, _shifted(best, 2), IMPOSSIBLE)
        options = tf.stack([best, _shifted(best, 1), skipped], axis=2)
        is_inside = (column < lengths)[:, tf.newaxis]
        move = tf.where(is_inside, tf.argmax(options, axis=2, output_type=tf.int32), 0)
        emitted = tf.gather(log_probabilities[:, column], states, batch_dims=1)
        reached = tf.where(is_inside, tf.reduce_max(options, axis=2) + emitted, best)
        return column + 1, reached, moves.write(column, move)

    # Before the first column a path is in the first state, from which it may move to the second.
    start = tf.where(tf.range(tf.shape(states)[1]) < 1, 0.0, IMPOSSIBLE)
    start = tf.zeros_like(states, tf.float32) + start
    moves = tf.TensorArray(tf.int32, columns, element_shape=[None, None])
    loop = tf.constant(0), start, moves
    _, best, moves = tf.while_loop(lambda column, *_: column < columns, forward, loop)
    last = 2 * _character_counts(texts)
    before_last = tf.maximum(last - 1, 0)
    is_blank = _at(best, last) >= _at(best, before_last)
    path = _path_back(moves, states, tf.where(is_blank, last, before_last), columns)
    return tf.where(tf.sequence_mask(lengths, columns), path, BLANK_ID)


def _path_back(
    moves: tf.TensorArray, states: tf.Tensor, last: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Follows the moves from the last state, int32 `[N]`, back to the first: int32 `[N, T]`."""

    def backward(column: tf.Tensor, state: tf.Tensor, path: tf.TensorArray) -> tuple:
        path = path.write(column, _at(states, state))
        return column - 1, state - _at(moves.read(column), state), path

    path = tf.TensorArray(tf.int32, columns, element_shape=[None])
    *_, path = tf.while_loop(lambda column, *_: column >= 0, backward, (columns - 1, last, path))
    return tf.transpose(path.stack())  # [T, N] --> [N, T]


def _states(texts: tf.Tensor) -> tf.Tensor:
    """Returns the symbols of the states of each text: `[N, S] --> [N, 2S + 1]`."""
    return _with_blanks(tf.where(texts >= FIRST_CHARACTER_ID, texts, BLANK_ID))


def _with_blanks(symbols: tf.Tensor) -> tf.Tensor:
    """Puts a blank before, between and after the symbols: `[N, S] --> [N, 2S + 1]`."""
    pairs = tf.stack([tf.fill(tf.shape(symbols), BLANK_ID), symbols], axis=2)
    width = 2 * tf.shape(symbols)[1]
    flat = tf.reshape(pairs, [-1, width])
    return tf.pad(flat, [[0, 0], [0, 1]], constant_values=BLANK_ID)


def _may_skip(states: tf.Tensor) -> tf.Tensor:
    """Marks the characters that need no blank before them: int32 `[N, 2S + 1]` to bool."""
    two_before = tf.pad(states[:, :-2], [[0, 0], [2, 0]], constant_values=BLANK_ID)
    return tf.not_equal(states, BLANK_ID) & tf.not_equal(states, two_before)


def _character_counts(texts: tf.Tensor) -> tf.Tensor:
    """Counts the characters of each text: int32 `[N, S]` to `[N]`."""
    return tf.reduce_sum(tf.cast(texts >= FIRST_CHARACTER_ID, tf.int32), axis=1)


def _shifted(forward: tf.Tensor, by: int) -> tf.Tensor:
    """Moves states to the right: `[N, 2S + 1] --> [N, 2S + 1]`."""
    return tf.pad(forward[:, :-by], [[0, 0], [by, 0]], constant_values=IMPOSSIBLE)


def _at(values: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns one number of each row: `[N, 2S + 1] --> [N]`."""
    return tf.gather(values, index, batch_dims=1)


def _last_states(forward: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Adds up the paths that end in the last character or in the blank behind it."""
    states = tf.range(tf.shape(forward)[1])[tf.newaxis]
    last = 2 * counts[:, tf.newaxis]
    is_last = tf.equal(states, last) | tf.equal(states, last - 1)
    return tf.reduce_logsumexp(tf.where(is_last, forward, IMPOSSIBLE), axis=1)
