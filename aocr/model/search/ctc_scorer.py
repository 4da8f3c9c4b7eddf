"""Computes the probabilities of prefixes with CTC: prefix search (Graves, 2008, section 7.5).

A prefix has two probabilities for each column t: that the columns up to t spell the prefix and end
with its last symbol, or with a blank. Axes: N images, M prefixes, E extensions, T columns, V
symbols of the vocabulary. Place 0 of an axis of T + 1 is before the first column.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import GO_ID, PAD_ID
from aocr.model.search.prefix_scorer import IMPOSSIBLE, Expansion, in_chunks

BLANK_ID = PAD_ID
"""The symbol of the blank."""

CHUNK = 65_536
"""Extensions that are computed at a time. Each has numbers for all columns."""


class Spelled(NamedTuple):
    """Holds the logarithms of the probabilities of prefixes, by columns.

    Attributes:
        by_symbol: float32 `[M, T + 1]`, the columns spell the prefix and end with its last symbol.
        by_blank: float32 `[M, T + 1]`, they spell it and end with a blank, or are none.
        last: int32 `[M]`, the last symbol.
    """

    by_symbol: tf.Tensor
    by_blank: tf.Tensor
    last: tf.Tensor


class CTCScorer:
    """Sums the probabilities of all paths that spell a prefix.

    Args:
        log_probabilities: float32 `[N, T, V]`, those of the symbols in each column.
        lengths: int32 `[N]`, number of columns of each image.
        columns: the largest possible T.
    """

    def __init__(self, log_probabilities: tf.Tensor, lengths: tf.Tensor, columns: int) -> None:
        by_symbol = tf.transpose(log_probabilities, [0, 2, 1])  # [N, T, V] --> [N, V, T]
        shape = tf.shape(by_symbol)
        # A path is continued behind its image by columns that are blank with certainty.
        outside = tf.one_hot(BLANK_ID, shape[1], 0.0, IMPOSSIBLE)[tf.newaxis, :, tf.newaxis]
        is_inside = tf.sequence_mask(lengths, shape[2])[:, tf.newaxis]
        self._emitted = tf.where(is_inside, by_symbol, outside)
        self._columns = columns

    def start(self) -> Spelled:
        """Returns the state of the empty prefix: only blanks spell it."""
        shape = tf.shape(self._emitted)
        blanks = tf.cumsum(self._emitted[:, BLANK_ID], axis=1)
        return Spelled(
            by_symbol=tf.fill([shape[0], shape[2] + 1], IMPOSSIBLE),
            by_blank=tf.pad(blanks, [[0, 0], [1, 0]]),
            last=tf.fill(shape[:1], GO_ID),
        )

    def expand(
        self, image: tf.Tensor, symbol: tf.Tensor, bound: tf.Tensor, state: Spelled
    ) -> Expansion:
        """Computes the probabilities of each prefix for all columns, see `PrefixScorer`."""
        del bound
        emitted = self._emission(image, symbol)
        by_symbol = _recurrence(_before(state, symbol) + emitted, emitted, self._columns)
        blank = self._emission(image, tf.fill(tf.shape(image), BLANK_ID))
        by_blank = _recurrence(by_symbol[:, :-1] + blank, blank, self._columns)
        spelled = Spelled(by_symbol, by_blank, symbol)
        is_empty = tf.equal(symbol, GO_ID)
        spelled = tf.nest.map_structure(
            lambda old, new: tf.where(_like(is_empty, new), old, new), state, spelled
        )

        def extend_some(row: tf.Tensor, symbol: tf.Tensor) -> tf.Tensor:
            rows = tf.nest.map_structure(lambda values: tf.gather(values, row), spelled)
            emitted = self._emission(tf.gather(image, row), symbol)
            return tf.reduce_logsumexp(_before(rows, symbol) + emitted, axis=1)

        complete = add_logarithms(spelled.by_symbol[:, -1], spelled.by_blank[:, -1])
        return Expansion(
            state=spelled,
            complete=complete,
            extend=lambda row, symbol: in_chunks(extend_some, (row, symbol), CHUNK),
        )

    def _emission(self, image: tf.Tensor, symbol: tf.Tensor) -> tf.Tensor:
        """Returns how probable a symbol is in each column of an image: `[M] --> [M, T]`."""
        return tf.gather_nd(self._emitted, tf.stack([image, symbol], axis=1))


def _like(condition: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Returns bool `[M]` with as many axes as the values have."""
    return condition if values.shape.rank == 1 else condition[:, tf.newaxis]


def _before(spelled: Spelled, symbol: tf.Tensor) -> tf.Tensor:
    """Returns how probable it is that a symbol in a column is the first one after a prefix.

    Args:
        spelled: M prefixes.
        symbol: int32 `[M]`. If it is the last one of its prefix, a blank must stand between them.

    Returns:
        float32 `[M, T]`, without the probability of the symbol itself.
    """
    is_repeated = tf.equal(spelled.last, symbol)[:, tf.newaxis]
    by_symbol = tf.where(is_repeated, IMPOSSIBLE, spelled.by_symbol)
    return add_logarithms(by_symbol, spelled.by_blank)[:, :-1]


def add_logarithms(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Returns the logarithm of the sum of two numbers that are given by their logarithms."""
    high = tf.maximum(a, b)
    return high + tf.math.log1p(tf.exp(tf.minimum(a, b) - high))


def _recurrence(added: tf.Tensor, factors: tf.Tensor, columns: int) -> tf.Tensor:
    """Computes `x[t] = added[t] + factors[t] x[t - 1]` of numbers given by their logarithms.

    Each round combines twice as many columns (Hillis and Steele, 1986).

    Args:
        added: float32 `[M, T]`.
        factors: float32 `[M, T]`.
        columns: the largest possible T.

    Returns:
        float32 `[M, T + 1]`; place 0 is impossible.
    """
    shift = 1
    while shift < columns:
        added = add_logarithms(added, factors + _shifted(added, shift, IMPOSSIBLE))
        factors += _shifted(factors, shift, 0.0)
        shift *= 2
    return tf.pad(added, [[0, 0], [1, 0]], constant_values=IMPOSSIBLE)


def _shifted(values: tf.Tensor, shift: int, fill: float) -> tf.Tensor:
    """Moves columns to the right: `[M, T] --> [M, T]`."""
    padded = tf.pad(values, [[0, 0], [shift, 0]], constant_values=fill)
    return padded[:, : tf.shape(values)[1]]
