"""Reads text from right to left, as in Arabic and Hebrew: the columns are reversed for the decoder.

Labels begin with the character that is read first, and CTC gives the symbols in the order of the
columns.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.model.decoders.common import Decoder, Decoding
from aocr.model.encoder import reverse_columns
from aocr.model.search.prefix_scorer import PrefixScorer


class ReversedDecoding(NamedTuple):
    """Holds what was decoded from reversed columns, see `Decoding`.

    Attributes:
        decoding: its attention is to the reversed columns.
        lengths: see `reverse_columns`.
    """

    decoding: Decoding
    lengths: tf.Tensor | None

    @property
    def symbols(self) -> tf.Tensor:
        """Returns the symbols, in the order in which they are read."""
        return self.decoding.symbols

    @property
    def attention(self) -> tf.Tensor:
        """Returns the attention to the columns of the image, from the left."""
        columns = tf.transpose(self.decoding.attention, [0, 2, 1])  # [N, S, T] --> [N, T, S]
        return tf.transpose(reverse_columns(columns, self.lengths), [0, 2, 1])

    def step_probabilities(self) -> tf.Tensor:
        """Returns the probability of each symbol."""
        return self.decoding.step_probabilities()

    def probability(self) -> tf.Tensor:
        """Returns the probability of the text."""
        return self.decoding.probability()


class ReversedDecoder:
    """Lets a decoder read reversed columns, see `Decoder`.

    Args:
        decoder: decodes them.
        lengths: see `reverse_columns`.
    """

    def __init__(self, decoder: Decoder, lengths: tf.Tensor | None) -> None:
        self._decoder, self._lengths = decoder, lengths

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the loss of each image."""
        return self._decoder.losses(targets, label_smoothing)

    def decode(self, stop_at_eos: bool = True) -> ReversedDecoding:
        """Decodes all images."""
        return ReversedDecoding(self._decoder.decode(stop_at_eos), self._lengths)

    def prefix_scorer(self) -> PrefixScorer:
        """Returns what a search needs of the decoder."""
        return self._decoder.prefix_scorer()

    def follow(self, symbols: tf.Tensor) -> ReversedDecoding:
        """Decodes given texts."""
        return ReversedDecoding(self._decoder.follow(symbols), self._lengths)
