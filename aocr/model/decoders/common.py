"""Defines what all decoders share: what they are asked for, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

import tensorflow as tf

from aocr.charset import EOS_ID
from aocr.model.search.prefix_scorer import PrefixScorer

Choice: TypeAlias = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Chooses the symbols of a step, int32 `[N]`, by the step's number and its logits `[N, V]`."""


def most_probable(step: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Chooses the most probable symbols, see `Choice`."""
    del step
    return tf.argmax(logits, axis=1, output_type=tf.int32)


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
        """Returns float64 `[N]`, the probability of the text, its end included."""


class Decoder(Protocol):
    """Declares what the graphs need of a decoder."""

    def losses(self, targets: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
        """Returns the loss of each image, float32 `[N]`, in nats per symbol.

        Args:
            targets: int32 `[N, S]`, the labels' symbols, EOS, then padding. The loss of an image
                whose targets are padding only is 0.
            label_smoothing: see `sequence_losses`.
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


class GreedyDecoding(NamedTuple):
    """Holds the result of decoding step by step with the most probable symbol of each step.

    With `stop_at_eos`, the steps after every image has had an EOS are not computed, and hold zeros.

    Attributes:
        symbols: int32 `[N, S]`, the most probable symbol of each step.
        logits: float32 `[N, S, V]`.
        attention: float32 `[N, S, T]`; the weights of a step sum to 1 over the columns.
    """

    symbols: tf.Tensor
    logits: tf.Tensor
    attention: tf.Tensor

    def step_probabilities(self) -> tf.Tensor:
        """Returns the probability of each step's symbol given those before it, see `Decoding`."""
        probabilities = tf.reduce_max(tf.nn.softmax(self.logits), axis=2)  # [N, S, V] --> [N, S]
        return tf.where(after_eos(self.symbols), tf.ones([], tf.float32), probabilities)

    def probability(self) -> tf.Tensor:
        """Returns the product of the steps' probabilities up to and including the first EOS."""
        return tf.reduce_prod(tf.cast(self.step_probabilities(), tf.float64), axis=1)


class ForcedDecoding(NamedTuple):
    """Holds the result of decoding given texts step by step.

    Attributes:
        symbols: int32 `[N, S]`, the characters of each text, EOS, then padding.
        logits: float32 `[N, S, V]`.
        attention: float32 `[N, S, T]`; the weights of a step sum to 1 over the columns.
    """

    symbols: tf.Tensor
    logits: tf.Tensor
    attention: tf.Tensor

    def step_probabilities(self) -> tf.Tensor:
        """Returns the probability of each step's symbol given those before it, see `Decoding`."""
        probabilities = tf.gather(tf.nn.softmax(self.logits), self.symbols, batch_dims=2)
        return tf.where(after_eos(self.symbols), tf.ones([], tf.float32), probabilities)

    def probability(self) -> tf.Tensor:
        """Returns the product of the steps' probabilities up to and including the first EOS."""
        return tf.reduce_prod(tf.cast(self.step_probabilities(), tf.float64), axis=1)


def after_eos(symbols: tf.Tensor) -> tf.Tensor:
    """Marks the steps after the first EOS: int `[N, S]` to bool `[N, S]`."""
    is_eos = tf.cast(tf.equal(symbols, EOS_ID), tf.int32)
    return tf.cumsum(is_eos, axis=1, exclusive=True) > 0
