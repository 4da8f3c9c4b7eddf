"""Turns decoded symbols into text with its probability (docs/compatibility.md, "Text")."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, Charset
from aocr.model.decoders.common import Decoding, SearchDecoding, after_eos
from aocr.model.readings import RankedText


class Transcription(NamedTuple):
    """Holds the predicted text of each image.

    Attributes:
        text: string `[N]`, UTF-8, the characters before the first EOS.
        probability: float64 `[N]`, the probability of the text, its end included.
        step_probabilities: float32 `[N, S]`, the probability of each step's symbol; 1 after the
            first EOS. Those of an attention decoder are given the symbols before, so that their
            product is `probability`.
        symbols: int32 `[N, S]`, all decoded symbols, special symbols included.
        attention: float32 `[N, S, T]`.
    """

    text: tf.Tensor
    probability: tf.Tensor
    step_probabilities: tf.Tensor
    symbols: tf.Tensor
    attention: tf.Tensor


def transcribe(decoding: Decoding, charset: Charset) -> Transcription:
    """Converts symbols to text and probability. Steps after the first EOS are ignored."""
    characters = tf.gather(tf.constant([s.encode() for s in charset.symbols]), decoding.symbols)
    visible = tf.where(after_eos(decoding.symbols), "", characters)
    return Transcription(
        text=tf.strings.reduce_join(visible, axis=1),
        probability=decoding.probability(),
        step_probabilities=decoding.step_probabilities(),
        symbols=decoding.symbols,
        attention=decoding.attention,
    )


class RankedTexts(NamedTuple):
    """Holds the most probable texts of each image, the most probable first.

    Attributes:
        text: string `[N, R]`, UTF-8.
        probability: float64 `[N, R]`; 0 for what is no reading, if there are fewer than R texts.
        is_exact: bool `[N]`, whether no other text can be more probable than these.
    """

    text: tf.Tensor
    probability: tf.Tensor
    is_exact: tf.Tensor

    def of_image(self, row: int) -> tuple[RankedText, ...]:
        """Returns the readings of an image, from arrays in place of tensors."""
        pairs = zip(self.text[row].tolist(), self.probability[row].tolist(), strict=True)
        return tuple(RankedText(text.decode(), p) for text, p in pairs if p > 0)


def transcribe_readings(decoding: Decoding, charset: Charset) -> RankedTexts | None:
    """Returns the readings of a search; None for a decoding that has one text only."""
    if not isinstance(decoding, SearchDecoding):
        return None
    characters = tf.constant([s.encode() for s in charset.symbols])  # special symbols are empty
    text = tf.strings.reduce_join(tf.gather(characters, decoding.texts), axis=2)
    return RankedTexts(text, decoding.probabilities, decoding.is_exact)


def character_mask(symbols: np.ndarray) -> np.ndarray:
    """Marks the steps whose symbol is a character of the text.

    Args:
        symbols: int `[S]`, the decoded symbols of one image.

    Returns:
        bool `[S]`, as many True as the text has characters.
    """
    ended = np.cumsum(symbols == EOS_ID) > 0
    return (symbols >= FIRST_CHARACTER_ID) & ~ended
