"""The CTC decoder: every column is a character or blank (Graves et al., 2006).

Its text is the sequence of the columns' symbols, with repetitions merged and blanks removed. The
symbol of the blank is `PAD_ID`. Axes: N images, S symbols of a text, T columns, V symbols of the
vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, GO_ID, PAD_ID
from aocr.config import Config
from aocr.model import rnn_cells, tensor_names
from aocr.model.decoding import after_eos
from aocr.model.encoder import Memory

BLANK_ID = PAD_ID
IMPOSSIBLE = -1e9
"""Logit, and logarithm of the probability, of what cannot be."""


class CTCDecoding(NamedTuple):
    """Holds the text of the most probable path through each image.

    Attributes:
        symbols: int32 `[N, S]`, the characters, then EOS if it fits, then padding.
        character_probabilities: float32 `[N, S]`, the probability of each character in the column
            where it is most probable; 1 after the text.
        attention: float32 `[N, S, T]`, the share of each column in each character: the weights of
            the columns that a character was read from sum to 1.
        log_probabilities: float32 `[N, T, V]`, those of the symbols in each column.
        lengths: int32 `[N]`, the number of columns of each image.
    """

    symbols: tf.Tensor
    character_probabilities: tf.Tensor
    attention: tf.Tensor
    log_probabilities: tf.Tensor
    lengths: tf.Tensor

    def step_probabilities(self) -> tf.Tensor:
        """Returns `character_probabilities`."""
        return self.character_probabilities

    def probability(self) -> tf.Tensor:
        """Returns the probability of the text over all paths that spell it, float64 `[N]`."""
        texts = tf.where(after_eos(self.symbols), PAD_ID, self.symbols)
        return tf.exp(
            tf.cast(log_probability(self.log_probabilities, self.lengths, texts), tf.float64)
        )


class CTCDecoder:
    """Decodes one memory column by column."""

    def __init__(self, config: Config, memory: Memory) -> None:
        """Creates the variables `kernel` and `bias` in the scope `ctc_decoder`."""
        self._steps = config.decoder_steps
        self._lengths = memory.lengths()
        with tf.compat.v1.variable_scope(tensor_names.CTC_SCOPE):
            dense = rnn_cells.create_dense(memory.values.shape[2], config.vocab_size)
        # [N, T, D] --> [N, T, V]
        logits = tf.tensordot(memory.values, dense.kernel, axes=1) + dense.bias
        never = [IMPOSSIBLE if i in (GO_ID, EOS_ID) else 0.0 for i in range(config.vocab_size)]
        self.logits = logits + tf.constant(never)

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the negative logarithm of each label's probability, per symbol.

        Args:
            targets: int32 `[N, S]`, the labels' symbols, EOS, then padding. A label that needs
                more columns than its image has cannot be learned: its loss is 0
                (`dataset_scan` leaves such records out).
            label_smoothing: not used, because no column has a target of its own.
        """
        del label_smoothing
        counts = _count(targets >= FIRST_CHARACTER_ID)
        fits = columns_needed(targets) <= tf.maximum(self._lengths, 1)
        has_text = (counts > 0) & fits
        # TensorFlow refuses empty labels: they get a character, and its loss is not used.
        steps = tf.shape(targets)[1]
        dummies = tf.one_hot(tf.zeros_like(counts), steps, FIRST_CHARACTER_ID, PAD_ID)
        texts = tf.where(has_text[:, tf.newaxis], targets, dummies)
        losses = tf.where(has_text, self._losses_of_texts(texts), self._losses_of_blanks())
        symbols = _count(tf.not_equal(targets, PAD_ID))
        counted = fits & (symbols > 0)
        return tf.where(counted, losses / tf.cast(tf.maximum(symbols, 1), tf.float32), 0.0)

    def _losses_of_texts(self, texts: tf.Tensor) -> tf.Tensor:
        """Returns the losses of texts, int32 `[N, S]` with at least one character each."""
        places = tf.where(texts >= FIRST_CHARACTER_ID)
        # TensorFlow's blank is the last symbol, so that all others move by one.
        logits = tf.concat([self.logits[:, :, 1:], self.logits[:, :, :1]], axis=2)
        return tf.compat.v1.nn.ctc_loss(
            tf.SparseTensor(places, tf.gather_nd(texts, places) - 1, tf.shape(texts, tf.int64)),
            tf.transpose(logits, [1, 0, 2]),  # [N, T, V] --> [T, N, V]
            tf.maximum(self._lengths, 1),
            ignore_longer_outputs_than_inputs=True,
        )

    def _losses_of_blanks(self) -> tf.Tensor:
        """Returns the negative logarithm of the probability of an empty text, float32 `[N]`."""
        blanks = tf.nn.log_softmax(self.logits)[:, :, BLANK_ID]  # [N, T, V] --> [N, T]
        is_inside = tf.sequence_mask(self._lengths, tf.shape(blanks)[1], tf.float32)
        return -tf.reduce_sum(blanks * is_inside, axis=1)

    def decode(self, stop_at_eos: bool = True) -> CTCDecoding:
        """Decodes the most probable symbol of every column."""
        del stop_at_eos
        log_probabilities = tf.nn.log_softmax(self.logits)
        best = tf.argmax(self.logits, axis=2, output_type=tf.int32)  # [N, T, V] --> [N, T]
        is_inside = tf.sequence_mask(self._lengths, tf.shape(best)[1])
        best = tf.where(is_inside, best, BLANK_ID)
        before = tf.pad(best[:, :-1], [[0, 0], [1, 0]], constant_values=BLANK_ID)
        starts = tf.cast(tf.not_equal(best, BLANK_ID) & tf.not_equal(best, before), tf.int32)
        character = tf.where(tf.not_equal(best, BLANK_ID), tf.cumsum(starts, axis=1) - 1, -1)
        membership = tf.one_hot(character, self._steps)  # [N, T] --> [N, T, S]
        fired = membership * tf.exp(tf.reduce_max(log_probabilities, axis=2))[:, :, tf.newaxis]
        return CTCDecoding(
            symbols=_symbols(membership, best, tf.reduce_sum(starts, axis=1)),
            character_probabilities=_or_one(tf.reduce_max(fired, axis=1)),
            attention=tf.transpose(
                tf.math.divide_no_nan(fired, tf.reduce_sum(fired, axis=1, keepdims=True)),
                [0, 2, 1],  # [N, T, S] --> [N, S, T]
            ),
            log_probabilities=log_probabilities,
            lengths=self._lengths,
        )


def columns_needed(targets: tf.Tensor) -> tf.Tensor:
    """Returns how many columns each text needs: int32 `[N, S] --> [N]` (`limits.ctc_columns`)."""
    is_character = targets >= FIRST_CHARACTER_ID
    is_repeated = tf.equal(targets[:, 1:], targets[:, :-1]) & is_character[:, 1:]
    return _count(is_character) + _count(is_repeated)


def _count(condition: tf.Tensor) -> tf.Tensor:
    """Counts the true values of each row: bool `[N, S]` to int32 `[N]`."""
    return tf.reduce_sum(tf.cast(condition, tf.int32), axis=1)


def _symbols(membership: tf.Tensor, best: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Returns the symbols of each text, int32 `[N, S]`.

    Args:
        membership: float32 `[N, T, S]`, 1 where a column belongs to a character.
        best: int32 `[N, T]`, the symbol of each column.
        counts: int32 `[N]`, number of characters.
    """
    symbols = tf.reduce_max(tf.cast(membership, tf.int32) * best[:, :, tf.newaxis], axis=1)
    places = tf.range(tf.shape(symbols)[1])[tf.newaxis]
    return tf.where(tf.equal(places, counts[:, tf.newaxis]), EOS_ID, symbols)


def _or_one(probabilities: tf.Tensor) -> tf.Tensor:
    """Replaces the zeros after a text by ones."""
    return tf.where(probabilities > 0, probabilities, tf.ones_like(probabilities))


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
    is_character = texts >= FIRST_CHARACTER_ID
    states = _with_blanks(tf.where(is_character, texts, BLANK_ID))  # [N, S] --> [N, 2S + 1]
    two_before = tf.pad(states[:, :-2], [[0, 0], [2, 0]], constant_values=BLANK_ID)
    may_skip = tf.not_equal(states, BLANK_ID) & tf.not_equal(states, two_before)

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
    return _last_states(forward, _count(is_character))


def _with_blanks(symbols: tf.Tensor) -> tf.Tensor:
    """Puts a blank before, between and after the symbols: `[N, S] --> [N, 2S + 1]`."""
    pairs = tf.stack([tf.fill(tf.shape(symbols), BLANK_ID), symbols], axis=2)
    width = 2 * tf.shape(symbols)[1]
    flat = tf.reshape(pairs, [-1, width])
    return tf.pad(flat, [[0, 0], [0, 1]], constant_values=BLANK_ID)


def _shifted(forward: tf.Tensor, by: int) -> tf.Tensor:
    """Moves states to the right: `[N, 2S + 1] --> [N, 2S + 1]`."""
    return tf.pad(forward[:, :-by], [[0, 0], [by, 0]], constant_values=IMPOSSIBLE)


def _last_states(forward: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Adds up the paths that end in the last character or in the blank behind it."""
    states = tf.range(tf.shape(forward)[1])[tf.newaxis]
    last = 2 * counts[:, tf.newaxis]
    is_last = tf.equal(states, last) | tf.equal(states, last - 1)
    return tf.reduce_logsumexp(tf.where(is_last, forward, IMPOSSIBLE), axis=1)
