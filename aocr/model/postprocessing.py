"""Turns decoded symbols into text with its probability (docs/compatibility.md, "Text")."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, Charset
from aocr.model.decoder import GreedyDecoding


class Transcription(NamedTuple):
    """Holds the predicted text of each image.

    Attributes:
        text: string `[N]`, UTF-8, the characters before the first EOS.
        probability: float64 `[N]`, the product of the steps' probabilities up to and including
            the first EOS.
        step_probabilities: float32 `[N, S]`, the probability of each step's symbol, given the
            symbols before it; 1 after the first EOS, so that their product is `probability`.
        symbols: int32 `[N, S]`, all decoded symbols, special symbols included.
        attention: float32 `[N, S, T]`.
    """

    text: tf.Tensor
    probability: tf.Tensor
    step_probabilities: tf.Tensor
    symbols: tf.Tensor
    attention: tf.Tensor


def transcribe(decoding: GreedyDecoding, charset: Charset) -> Transcription:
    """Converts symbols to text and probability. Steps after the first EOS are ignored."""
    ended = after_eos(decoding.symbols)
    characters = tf.gather(tf.constant([s.encode() for s in charset.symbols]), decoding.symbols)
    probabilities = tf.reduce_max(tf.nn.softmax(decoding.logits), axis=2)  # [N, S, V] --> [N, S]
    probabilities = tf.where(ended, tf.ones([], tf.float32), probabilities)
    return Transcription(
        text=tf.strings.reduce_join(tf.where(ended, "", characters), axis=1),
        probability=tf.reduce_prod(tf.cast(probabilities, tf.float64), axis=1),
        step_probabilities=probabilities,
        symbols=decoding.symbols,
        attention=decoding.attention,
    )


def after_eos(symbols: tf.Tensor) -> tf.Tensor:
    """Marks the steps after the first EOS: int `[N, S]` to bool `[N, S]`."""
    is_eos = tf.cast(tf.equal(symbols, EOS_ID), tf.int32)
    return tf.cumsum(is_eos, axis=1, exclusive=True) > 0


def character_mask(symbols: np.ndarray) -> np.ndarray:
    """Marks the steps whose symbol is a character of the text.

    Args:
        symbols: int `[S]`, the decoded symbols of one image.

    Returns:
        bool `[S]`, as many True as the text has characters.
    """
    ended = np.cumsum(symbols == EOS_ID) > 0
    return (symbols >= FIRST_CHARACTER_ID) & ~ended
