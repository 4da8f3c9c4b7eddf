"""An attention decoder and a CTC decoder that are trained on one encoder (Kim et al., 2017)."""

from __future__ import annotations

import tensorflow as tf

from aocr.model.decoders.common import Decoder, Decoding
from aocr.model.search.prefix_scorer import PrefixScorer

CTC_WEIGHT = 0.5
"""Share of the CTC loss in the sum of both losses."""


class JointDecoder:
    """Trains two decoders together. Either can read alone.

    Args:
        attention: the attention decoder.
        ctc: the CTC decoder.
    """

    def __init__(self, attention: Decoder, ctc: Decoder) -> None:
        self._attention, self._ctc = attention, ctc

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the weighted mean of both losses of each image."""
        of_attention = self._attention.losses(targets, label_smoothing)
        of_ctc = self._ctc.losses(targets, label_smoothing)
        return CTC_WEIGHT * of_ctc + (1 - CTC_WEIGHT) * of_attention

    def decode(self, stop_at_eos: bool = True) -> Decoding:
        """Decodes with the attention decoder."""
        return self._attention.decode(stop_at_eos)

    def prefix_scorer(self) -> PrefixScorer:
        """Returns that of the attention decoder."""
        return self._attention.prefix_scorer()

    def follow(self, symbols: tf.Tensor) -> Decoding:
        """Decodes given texts with the attention decoder."""
        return self._attention.follow(symbols)
