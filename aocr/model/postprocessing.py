"""Greedy symbols to text with its probability (COMPAT.md, section 5, "Text")."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, Charset
from aocr.model.decoder import Greedy


class Transcription(NamedTuple):
    """What was read from each image.

    Attributes:
        text: string `[N]`, UTF-8, the characters up to the first EOS.
        probability: float64 `[N]`, the product of the steps' probabilities up to and including
            the first EOS.
        step_probabilities: float32 `[N, S]`, of each step's symbol, given those before it; 1
            after the first EOS, so that the product over the steps is the probability.
        symbols: int32 `[N, S]`, what the decoder wrote, special symbols and all.
        attention: float32 `[N, S, T]`.
    """

    text: tf.Tensor
    probability: tf.Tensor
    step_probabilities: tf.Tensor
    symbols: tf.Tensor
    attention: tf.Tensor


def transcribe(greedy: Greedy, charset: Charset) -> Transcription:
    """Turns symbols into text. What comes after the first EOS counts for nothing."""
    is_eos = tf.cast(tf.equal(greedy.symbols, EOS_ID), tf.int32)
    ended = tf.cumsum(is_eos, axis=1, exclusive=True) > 0  # [N, S]
    characters = tf.gather(tf.constant([s.encode() for s in charset.symbols]), greedy.symbols)
    probabilities = tf.reduce_max(tf.nn.softmax(greedy.logits), axis=2)  # [N, S, V] --> [N, S]
    probabilities = tf.where(ended, tf.ones([], tf.float32), probabilities)
    return Transcription(
        text=tf.strings.reduce_join(tf.where(ended, "", characters), axis=1),
        probability=tf.reduce_prod(tf.cast(probabilities, tf.float64), axis=1),
        step_probabilities=probabilities,
        symbols=greedy.symbols,
        attention=greedy.attention,
    )


def character_steps(symbols: np.ndarray) -> np.ndarray:
    """Which steps wrote a character of the text: int `[S]` --> bool `[S]`."""
    ended = np.cumsum(symbols == EOS_ID) > 0
    return (symbols >= FIRST_CHARACTER_ID) & ~ended
