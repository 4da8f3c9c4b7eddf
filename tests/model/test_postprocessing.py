"""Tests text and probability against values computed by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import noise, run

from aocr.charset import EOS_ID, GO_ID, PAD_ID, Charset
from aocr.model.decoders.attention import GreedyDecoding
from aocr.model.postprocessing import character_mask, transcribe

CHARSET = Charset("AB日é😀")
A, B, SUN, E_ACUTE, SMILE = range(3, 8)


def transcribed(symbols, probabilities=None):
    """Transcribes `[N, S]` symbols with the given probability of each, 0.5 by default."""
    symbols = np.array(symbols)
    if probabilities is None:
        probabilities = np.full(symbols.shape, 0.5)
    logits = logits_of(symbols, probabilities)
    attention = noise("attention", *symbols.shape, 4)
    with tf.Graph().as_default():
        constants = tf.constant(symbols, tf.int32), tf.constant(logits), tf.constant(attention)
        return run(transcribe(GreedyDecoding(*constants), CHARSET))


def logits_of(symbols, probabilities):
    """Returns logits `[N, S, V]` that give each symbol its probability, the others equal ones."""
    chosen = np.eye(CHARSET.vocab_size)[symbols]
    probabilities = np.array(probabilities)[..., np.newaxis]
    rest = (1 - probabilities) / (CHARSET.vocab_size - 1)
    return np.log(chosen * probabilities + (1 - chosen) * rest).astype(np.float32)


def texts(*symbols):
    return [text.decode() for text in transcribed(symbols).text]


# Text


def test_text_ends_before_the_first_eos():
    assert texts([A, B, EOS_ID, A], [EOS_ID, A, B, A]) == ["AB", ""]


def test_text_without_eos_has_all_characters():
    assert texts([A, B, B, A]) == ["ABBA"]


def test_padding_and_go_print_nothing():
    assert texts([PAD_ID, A, GO_ID, B, EOS_ID], [PAD_ID] * 5) == ["AB", ""]


def test_characters_of_several_bytes_stay_whole():
    assert texts([SUN, E_ACUTE, SMILE, A], [E_ACUTE, EOS_ID, SUN, SUN]) == ["日é😀A", "é"]


def test_text_equals_the_text_that_the_charset_decodes():
    symbols = np.random.default_rng(0).integers(0, CHARSET.vocab_size, [20, 6])
    assert texts(*symbols) == [CHARSET.decode(row) for row in symbols]


# Probability


def test_probability_is_the_product_of_the_steps_up_to_and_including_the_first_eos():
    transcription = transcribed(
        [[A, B, EOS_ID, A], [EOS_ID, EOS_ID, A, B], [A, B, A, B]],
        [[0.9, 0.8, 0.7, 0.5], [0.6, 0.5, 0.5, 0.5], [0.9, 0.9, 0.9, 0.9]],
    )
    assert transcription.probability == pytest.approx([0.9 * 0.8 * 0.7, 0.6, 0.9**4], rel=1e-5)


def test_step_probabilities_are_one_after_the_first_eos_and_multiply_to_the_probability():
    transcription = transcribed(
        [[A, B, EOS_ID, A], [EOS_ID, EOS_ID, A, B], [A, PAD_ID, A, B]],
        [[0.9, 0.8, 0.7, 0.5], [0.6, 0.5, 0.5, 0.5], [0.9, 0.4, 0.8, 0.3]],
    )
    wanted = [[0.9, 0.8, 0.7, 1], [0.6, 1, 1, 1], [0.9, 0.4, 0.8, 0.3]]
    np.testing.assert_allclose(transcription.step_probabilities, wanted, rtol=1e-5)
    assert transcription.step_probabilities.dtype == np.float32
    product = np.prod(transcription.step_probabilities.astype(np.float64), axis=1)
    np.testing.assert_allclose(product, transcription.probability, rtol=1e-15)


def test_steps_that_were_not_computed_do_not_count():
    symbols, attention = np.array([[A, EOS_ID, PAD_ID, PAD_ID]]), np.zeros([1, 4, 2])
    logits = logits_of(symbols, np.full([1, 4], 0.9))
    logits[:, 2:] = 0
    with tf.Graph().as_default():
        decoding = GreedyDecoding(*map(tf.constant, (symbols, logits, attention)))
        transcription = run(transcribe(decoding, CHARSET))
    assert transcription.probability == pytest.approx([0.81], rel=1e-5)


def test_padding_and_go_count_in_the_probability():
    transcription = transcribed([[PAD_ID, GO_ID, EOS_ID]], [[0.5, 0.4, 0.9]])
    assert transcription.probability == pytest.approx([0.5 * 0.4 * 0.9], rel=1e-5)


def test_probability_of_a_long_text_does_not_vanish():
    steps = 170
    transcription = transcribed([[A] * steps], np.full([1, steps], 0.5))
    assert transcription.probability.dtype == np.float64
    assert math.log(transcription.probability[0], 0.5) == pytest.approx(steps, rel=1e-4)  # 7e-52


# Symbols and attention


def test_symbols_and_attention_are_returned_whole():
    transcription = transcribed([[A, EOS_ID, B]])
    np.testing.assert_array_equal(transcription.symbols, [[A, EOS_ID, B]])
    np.testing.assert_array_equal(transcription.attention, noise("attention", 1, 3, 4))


# Steps that decode a character


@pytest.mark.parametrize(
    ("symbols", "steps"),
    [
        ([A, B, EOS_ID, A], [True, True, False, False]),
        ([EOS_ID, A, EOS_ID], [False, False, False]),
        ([A, PAD_ID, GO_ID, B], [True, False, False, True]),
        ([A, EOS_ID, EOS_ID, B], [True, False, False, False]),
    ],
)
def test_character_mask_by_hand(symbols, steps):
    assert character_mask(np.array(symbols)).tolist() == steps


def test_character_mask_counts_the_characters_of_the_text():
    symbols = np.random.default_rng(1).integers(0, CHARSET.vocab_size, [50, 6])
    lengths = [character_mask(row).sum() for row in symbols]
    assert lengths == [len(text) for text in texts(*symbols)]
