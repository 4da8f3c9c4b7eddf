"""Rearranges what a decoder found in its steps, so that the first value is the first character's.

A step may also be the end of the text, or a special symbol that prints nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.charset import FIRST_CHARACTER_ID
from aocr.model.decoders.common import after_eos
from aocr.model.postprocessing import Transcription


class CharacterReadings(NamedTuple):
    """Holds a value for each character of each text, in order; behind the text all are 0.

    Attributes:
        characters: int32 `[N, S]`, their symbols: 3 is the first character of the charset.
        probabilities: float32 `[N, S]`.
        attention: float32 `[N, S, T]`.
    """

    characters: tf.Tensor
    probabilities: tf.Tensor
    attention: tf.Tensor


def by_character(transcription: Transcription) -> CharacterReadings:
    """Moves the steps that are characters to the front; `character_mask` marks the same steps."""
    symbols = transcription.symbols
    is_character = (symbols >= FIRST_CHARACTER_ID) & ~after_eos(symbols)
    steps = tf.range(tf.shape(symbols)[1])
    behind = tf.shape(symbols)[1] * tf.cast(~is_character, tf.int32)
    order = tf.argsort(steps + behind, axis=1)  # [N, S]
    is_text = tf.gather(is_character, order, batch_dims=1)

    def moved(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, order, batch_dims=1)

    return CharacterReadings(
        characters=moved(symbols) * tf.cast(is_text, tf.int32),
        probabilities=moved(transcription.step_probabilities) * tf.cast(is_text, tf.float32),
        attention=moved(transcription.attention) * tf.cast(is_text, tf.float32)[:, :, tf.newaxis],
    )
