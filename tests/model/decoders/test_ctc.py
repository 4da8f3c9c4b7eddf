"""Tests the CTC decoder against sums over all paths, in NumPy."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, noise, run

from aocr.charset import EOS_ID, PAD_ID
from aocr.config import Config
from aocr.model.decoders.ctc import BLANK_ID, CTCDecoder, log_probability
from aocr.model.encoder import Memory

A, B = 3, 4
CONFIG = Config(characters="AB", max_prediction=3, decoder="ctc")
LENGTHS = np.array([4, 2, 3])
COLUMNS = 4
TARGETS = np.array([[A, A, EOS_ID, 0, 0], [B, EOS_ID, 0, 0, 0], [EOS_ID, 0, 0, 0, 0]])


def collapse(path):
    """Returns the text that a path of symbols spells."""
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK_ID)


def brute_force(probabilities, text):
    """Returns the probability of a text: the sum over all paths `[T, V]` that spell it."""
    symbols = range(probabilities.shape[1])
    paths = itertools.product(symbols, repeat=len(probabilities))
    return sum(
        np.prod([column[symbol] for column, symbol in zip(probabilities, path, strict=True)])
        for path in paths
        if collapse(path) == tuple(text)
    )


class Decoded:
    """Runs a decoder whose weights and memory are noise."""

    def __init__(self, scale=3.0, targets=TARGETS):
        is_padding = np.arange(COLUMNS)[np.newaxis] >= LENGTHS[:, np.newaxis]
        memory = Memory(
            tf.constant(scale * noise("memory", 3, COLUMNS, 6)),
            tf.zeros([3, 12]),
            tf.constant(is_padding),
        )
        with tf.compat.v1.Session() as session:
            decoder = CTCDecoder(CONFIG, memory)
            decoding = decoder.decode()
            fetches = {
                "decoding": decoding,
                "probability": decoding.probability(),
                "steps": decoding.step_probabilities(),
                "losses": decoder.losses(tf.constant(targets, tf.int32)),
                "writes": decoder.writes(tf.constant(targets, tf.int32)),
                "gradient": tf.gradients(decoder.losses(tf.constant(targets, tf.int32)), memory[0]),
            }
            load_noise(session)
            self.__dict__.update(session.run(fetches))
        self.probabilities = np.exp(self.decoding.log_probabilities)


@pytest.fixture(scope="module")
def decoded():
    with tf.Graph().as_default():
        return Decoded()


def text_of(symbols):
    """Returns the symbols before the first EOS."""
    return list(itertools.takewhile(lambda symbol: symbol != EOS_ID, symbols))


def test_losses_are_those_of_all_paths_per_symbol(decoded):
    for row, (length, text) in enumerate(zip(LENGTHS, ([A, A], [B], []), strict=True)):
        expected = -np.log(brute_force(decoded.probabilities[row, :length], text))
        assert decoded.losses[row] == pytest.approx(expected / (len(text) + 1), rel=1e-4)


def test_symbols_are_those_of_the_best_path(decoded):
    for row, length in enumerate(LENGTHS):
        path = decoded.probabilities[row, :length].argmax(axis=1)
        assert text_of(decoded.decoding.symbols[row]) == list(collapse(path))


def test_probability_is_that_of_all_paths_that_spell_the_text(decoded):
    for row, length in enumerate(LENGTHS):
        text = text_of(decoded.decoding.symbols[row])
        expected = brute_force(decoded.probabilities[row, :length], text)
        assert decoded.probability[row] == pytest.approx(expected, rel=1e-4)


def test_go_and_eos_are_never_read(decoded):
    assert (decoded.probabilities[:, :, 1:3] < 1e-30).all()


def test_columns_behind_an_image_have_no_gradient(decoded):
    (gradient,) = decoded.gradient
    for row, length in enumerate(LENGTHS):
        assert gradient[row, :length].any()
        assert not gradient[row, length:].any()


def test_repetitions_are_merged_and_blanks_separate_them():
    symbols, steps, attention = decode_path([A, A, PAD_ID, A, B, PAD_ID])
    assert symbols.tolist() == [[A, A, B, EOS_ID, PAD_ID]]
    np.testing.assert_allclose(steps, [[0.9, 0.9, 0.9, 1, 1]], rtol=1e-3)
    np.testing.assert_allclose(attention[0, 0], [0.5, 0.5, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(attention[0, 2], [0, 0, 0, 0, 1, 0], atol=1e-6)
    assert not attention[0, 3:].any()


def test_a_text_without_characters_is_empty():
    symbols, steps, _ = decode_path([PAD_ID] * 6)
    assert symbols[0, 0] == EOS_ID
    assert (steps == 1).all()


def test_a_text_is_cut_at_the_number_of_steps():
    symbols, *_ = decode_path([A, B, A, B, A, B])
    assert symbols.tolist() == [[A, B, A, B, A]]


def decode_path(path):
    """Decodes columns whose best symbol, of probability 0.9, is given."""
    vocabulary = CONFIG.vocab_size
    wanted = np.full([1, len(path), vocabulary], 0.1 / 2)  # two other symbols are possible
    wanted[0, np.arange(len(path)), path] = 0.9
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        values = tf.constant(np.log(wanted), tf.float32)
        decoding = CTCDecoder(CONFIG, Memory(values, tf.zeros([1, 4]))).decode()
        session.run(tf.compat.v1.global_variables_initializer())
        for variable in tf.compat.v1.global_variables():
            if variable.shape.rank == 2:
                variable.load(np.eye(vocabulary), session)
        fetches = decoding.symbols, decoding.step_probabilities(), decoding.attention
        return session.run(fetches)


def test_targets_of_padding_only_have_no_loss():
    with tf.Graph().as_default():
        decoded = Decoded(targets=np.full([3, 5], PAD_ID))
    assert not decoded.losses.any()
    assert not decoded.writes.any()


def test_a_label_that_needs_more_columns_than_there_are_has_no_loss():
    needs_three = [B, B, EOS_ID, 0, 0]  # B, blank, B; the image has two columns
    targets = np.array([TARGETS[0], needs_three, TARGETS[2]])
    with tf.Graph().as_default():
        decoded = Decoded(targets=targets)
    assert decoded.losses[1] == 0
    assert decoded.losses[0] > 0
    assert decoded.writes.tolist() == [True, False, True]  # an empty label needs no column
    (gradient,) = decoded.gradient
    assert np.isfinite(gradient).all()
    assert not gradient[1].any()


@pytest.mark.parametrize("text", [[], [A], [A, A], [A, B, A], [B, B, B]])
def test_log_probability_of_any_text(text):
    probabilities = np.exp(noise("probabilities", 1, 5, 5))
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    texts = np.array([text + [EOS_ID] + [PAD_ID] * (3 - len(text))])
    with tf.Graph().as_default():
        arguments = tf.constant(np.log(probabilities)), tf.constant([5]), tf.constant(texts)
        (found,) = run(log_probability(arguments[0], arguments[1], tf.cast(arguments[2], tf.int32)))
    expected = brute_force(probabilities[0], text)
    assert np.exp(found) == pytest.approx(expected, rel=1e-4)
