"""Greedy symbols to text with its probability (COMPAT.md, section 5, "Text")."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.model.decoder import Greedy
from aocr.util.charset import EOS_ID, Charset


class Reading(NamedTuple):
    """What was read from each image.

    Attributes:
        text: string `[N]`, UTF-8, the characters up to the first EOS.
        probability: float64 `[N]`, the product of the steps' probabilities up to and including
            the first EOS.
        symbols: int32 `[N, S]`, what the decoder wrote, special symbols and all.
        attention: float32 `[N, S, T]`.
    """

    text: tf.Tensor
    probability: tf.Tensor
    symbols: tf.Tensor
    attention: tf.Tensor


def spell(greedy: Greedy, charset: Charset) -> Reading:
    """Turns symbols into text. What comes after the first EOS counts for nothing."""
    is_eos = tf.cast(tf.equal(greedy.symbols, EOS_ID), tf.int32)
    ended = tf.cumsum(is_eos, axis=1, exclusive=True) > 0  # [N, S]
    characters = tf.gather(tf.constant([s.encode() for s in charset.symbols]), greedy.symbols)
    probabilities = tf.reduce_max(tf.nn.softmax(greedy.logits), axis=2)  # [N, S, V] --> [N, S]
    return Reading(
        text=tf.strings.reduce_join(tf.where(ended, "", characters), axis=1),
        probability=tf.reduce_prod(
            tf.where(ended, tf.ones([], tf.float64), tf.cast(probabilities, tf.float64)), axis=1
        ),
        symbols=greedy.symbols,
        attention=greedy.attention,
    )
