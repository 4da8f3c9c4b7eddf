"""The CTC decoder: every column is a character or blank (Graves et al., 2006).

Its text is the sequence of the columns' symbols, with repetitions merged and blanks removed. The
symbol of the blank is `PAD_ID`. Axes: N images, S symbols of a text, T columns, V symbols of the
vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, GO_ID, PAD_ID
from aocr.config import COLUMN_WIDTH, Config
from aocr.model import rnn_cells, variable_names
from aocr.model.decoders.common import after_eos, has_label
from aocr.model.decoders.ctc_paths import best_path, log_probability
from aocr.model.encoder import Memory
from aocr.model.search.ctc_scorer import BLANK_ID, CTCScorer
from aocr.model.search.prefix_scorer import IMPOSSIBLE


class CTCDecoding(NamedTuple):
    """Holds the text of a path through each image.

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
        self._columns = -(-config.image_width // COLUMN_WIDTH)  # rounded up
        self._lengths = memory.lengths()
        with tf.compat.v1.variable_scope(variable_names.CTC_SCOPE):
            dense = rnn_cells.create_dense(memory.values.shape[2], config.vocab_size)
        # [N, T, D] --> [N, T, V]
        logits = tf.tensordot(memory.values, dense.kernel, axes=1) + dense.bias
        never = [IMPOSSIBLE if i in (GO_ID, EOS_ID) else 0.0 for i in range(config.vocab_size)]
        self.logits = logits + tf.constant(never)

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the negative logarithm of each label's probability, per symbol.

        Args:
            targets: int32 `[N, S]`, the labels' symbols, EOS, then padding. A label that needs
                more columns than its image has cannot be learned (`writes`): 0 stands for its
                infinite loss, so that it has no gradient.
            label_smoothing: not used, because no column has a target of its own.
        """
        del label_smoothing
        counts = _count(targets >= FIRST_CHARACTER_ID)
        is_written = self.writes(targets)
        has_text = (counts > 0) & is_written
        # TensorFlow refuses empty labels: they get a character, and its loss is not used.
        steps = tf.shape(targets)[1]
        dummies = tf.one_hot(tf.zeros_like(counts), steps, FIRST_CHARACTER_ID, PAD_ID)
        texts = tf.where(has_text[:, tf.newaxis], targets, dummies)
        losses = tf.where(has_text, self._losses_of_texts(texts), self._losses_of_blanks())
        symbols = _count(tf.not_equal(targets, PAD_ID))
        return tf.where(is_written, losses / tf.cast(tf.maximum(symbols, 1), tf.float32), 0.0)

    def writes(self, targets: tf.Tensor) -> tf.Tensor:
        """Returns whether each image has the columns that its label needs."""
        return has_label(targets) & (columns_needed(targets) <= tf.maximum(self._lengths, 1))

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
        path = tf.where(is_inside, best, BLANK_ID)
        return self._decode_path(path, log_probabilities, tf.reduce_max(log_probabilities, axis=2))

    def prefix_scorer(self) -> CTCScorer:
        """Returns what a search needs, see `Decoder`."""
        log_probabilities = tf.nn.log_softmax(self.logits)
        return CTCScorer(log_probabilities, self._lengths, self._columns)

    def follow(self, symbols: tf.Tensor) -> CTCDecoding:
        """Decodes the most probable path that spells each text, see `Decoder`."""
        log_probabilities = tf.nn.log_softmax(self.logits)
        texts = tf.where(after_eos(symbols), PAD_ID, symbols)
        path = best_path(log_probabilities, self._lengths, texts)
        fired = tf.gather(log_probabilities, path, batch_dims=2)  # [N, T, V] --> [N, T]
        return self._decode_path(path, log_probabilities, fired)

    def _decode_path(
        self, best: tf.Tensor, log_probabilities: tf.Tensor, fired_by: tf.Tensor
    ) -> CTCDecoding:
        """Decodes a path.

        Args:
            best: int32 `[N, T]`, the symbol of each column; blank behind an image.
            log_probabilities: float32 `[N, T, V]`.
            fired_by: float32 `[N, T]`, the logarithms of the probabilities of the path's symbols.
        """
        before = tf.pad(best[:, :-1], [[0, 0], [1, 0]], constant_values=BLANK_ID)
        starts = tf.cast(tf.not_equal(best, BLANK_ID) & tf.not_equal(best, before), tf.int32)
        character = tf.where(tf.not_equal(best, BLANK_ID), tf.cumsum(starts, axis=1) - 1, -1)
        membership = tf.one_hot(character, self._steps)  # [N, T] --> [N, T, S]
        fired = membership * tf.exp(fired_by)[:, :, tf.newaxis]
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
