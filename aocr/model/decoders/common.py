"""Defines what all decoders share: what they are asked for, and what they answer."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import tensorflow as tf

from aocr.charset import EOS_ID, PAD_ID
from aocr.model.search.prefix_scorer import PrefixScorer


class Decoding(Protocol):
    """Declares the result of decoding a batch of images.

    Axes: N images, S decoder steps, T columns.
    """

    @property
    def symbols(self) -> tf.Tensor:
        """Returns int32 `[N, S]`, the symbols of the text, EOS, then anything."""

    @property
    def attention(self) -> tf.Tensor:
        """Returns float32 `[N, S, T]`: how much each column contributed to each symbol.

        Columns count from the left of the image, whatever `Config.direction` is.
        """

    def step_probabilities(self) -> tf.Tensor:
        """Returns float32 `[N, S]`, the probability of each symbol; 1 after the first EOS."""

    def probability(self) -> tf.Tensor:
        """Returns float64 `[N]`, the probability of the text, its end included.

        An attention decoder that finds no end in its steps has no factor for it.
        """


class SearchDecoding(NamedTuple):
    """Holds the readings of each image.

    Attributes:
        reading: the decoding of the first reading, which is the most probable one, or what is read
            without a search.
        texts: int32 `[N, R, S]`, the characters of each reading, EOS, then padding.
        probabilities: float64 `[N, R]`; 0 for what is no text of the automaton, if it has fewer.
        is_exact: bool `[N]`: no other text is more probable than the last reading.
    """

    reading: Decoding
    texts: tf.Tensor
    probabilities: tf.Tensor
    is_exact: tf.Tensor

    @property
    def symbols(self) -> tf.Tensor:
        """Returns the symbols of the first reading, see `Decoding`."""
        return self.texts[:, 0]

    @property
    def attention(self) -> tf.Tensor:
        """Returns the attention of the first reading, see `Decoding`."""
        return self.reading.attention

    def step_probabilities(self) -> tf.Tensor:
        """Returns the probabilities of the symbols of the first reading, see `Decoding`."""
        return self.reading.step_probabilities()

    def probability(self) -> tf.Tensor:
        """Returns the probability of the first reading, float64 `[N]`."""
        return self.probabilities[:, 0]


class Decoder(Protocol):
    """Declares what the graphs need of a decoder."""

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the loss of each image, float32 `[N]`, in nats per symbol.

        Args:
            targets: int32 `[N, S]`, the labels' symbols, EOS, then padding. The loss of an image
                whose targets are padding only is 0.
            label_smoothing: share of each target's probability that is spread over all symbols.
        """

    def writes(self, targets: tf.Tensor) -> tf.Tensor:
        """Returns whether each label can be the text of its image, bool `[N]`.

        Args:
            targets: int32 `[N, S]`, the labels' symbols, EOS, then padding; padding only for a
                label that exceeds the limits of the model.
        """

    def decode(self, stop_at_eos: bool = True) -> Decoding:
        """Decodes all images.

        Args:
            stop_at_eos: stop once every image of the batch has its EOS, if the decoder works step
                by step.
        """

    def prefix_scorer(self) -> PrefixScorer:
        """Returns what a search for the most probable texts needs of the decoder."""

    def follow(self, symbols: tf.Tensor) -> Decoding:
        """Decodes given texts, so that they get step probabilities and attention.

        Args:
            symbols: int32 `[N, S]`, the characters of each text, EOS, then padding.
        """


def has_label(targets: tf.Tensor) -> tf.Tensor:
    """Marks the rows that are not padding only: int32 `[N, S]` to bool `[N]`."""
    return tf.reduce_any(tf.not_equal(targets, PAD_ID), axis=1)


def after_eos(symbols: tf.Tensor) -> tf.Tensor:
    """Marks the steps after the first EOS: int `[N, S]` to bool `[N, S]`."""
    is_eos = tf.cast(tf.equal(symbols, EOS_ID), tf.int32)
    return tf.cumsum(is_eos, axis=1, exclusive=True) > 0
