"""Decoders that are made of others: two that are trained together, one of reversed columns."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.model.decoders.common import Decoder, Decoding
from aocr.model.encoder import reverse_columns
from aocr.model.search.prefix_scorer import PrefixScorer

CTC_WEIGHT = 0.5
"""Share of the CTC loss in the sum of both losses."""


class JointDecoder:
    """Trains two decoders on one encoder (Kim et al., 2017). Either can read alone.

    Args:
        attention: the attention decoder.
        ctc: the CTC decoder.
    """

    def __init__(self, attention: Decoder, ctc: Decoder) -> None:
        self._attention, self._ctc = attention, ctc

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the weighted mean of both losses of each image.

        A label that CTC cannot write in its image is learned by attention alone: the loss of CTC
        counts as 0 there. Label smoothing is that of attention.
        """
        of_attention = self._attention.losses(targets, label_smoothing)
        of_ctc = self._ctc.losses(targets, label_smoothing)
        return CTC_WEIGHT * of_ctc + (1 - CTC_WEIGHT) * of_attention

    def writes(self, targets: tf.Tensor) -> tf.Tensor:
        """Returns whether the attention decoder, which reads, can write each label."""
        return self._attention.writes(targets)

    def decode(self, stop_at_eos: bool = True) -> Decoding:
        """Decodes with the attention decoder."""
        return self._attention.decode(stop_at_eos)

    def prefix_scorer(self) -> PrefixScorer:
        """Returns that of the attention decoder."""
        return self._attention.prefix_scorer()

    def follow(self, symbols: tf.Tensor) -> Decoding:
        """Decodes given texts with the attention decoder."""
        return self._attention.follow(symbols)


class ReversedDecoding(NamedTuple):
    """Holds what was decoded from reversed columns, see `Decoding`.

    Attributes:
        decoding: its attention is to the reversed columns.
        lengths: int32 `[N]`, the number of columns of each image; None if padding counts.
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
    """Lets a decoder read text from right to left, as in Arabic and Hebrew: columns are reversed.

    Labels begin with the character that is read first, and CTC gives the symbols in the order of
    the columns.

    Args:
        decoder: decodes them.
        lengths: int32 `[N]`, the number of columns of each image; None if padding counts.
    """

    def __init__(self, decoder: Decoder, lengths: tf.Tensor | None) -> None:
        self._decoder, self._lengths = decoder, lengths

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the loss of each image."""
        return self._decoder.losses(targets, label_smoothing)

    def writes(self, targets: tf.Tensor) -> tf.Tensor:
        """Returns whether each label can be the text of its image."""
        return self._decoder.writes(targets)

    def decode(self, stop_at_eos: bool = True) -> ReversedDecoding:
        """Decodes all images."""
        return ReversedDecoding(self._decoder.decode(stop_at_eos), self._lengths)

    def prefix_scorer(self) -> PrefixScorer:
        """Returns what a search needs of the decoder."""
        return self._decoder.prefix_scorer()

    def follow(self, symbols: tf.Tensor) -> ReversedDecoding:
        """Decodes given texts."""
        return ReversedDecoding(self._decoder.follow(symbols), self._lengths)
