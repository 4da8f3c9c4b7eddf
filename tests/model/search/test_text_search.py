"""The search against brute force: the probabilities of all texts, by the losses of the decoders."""

import dataclasses
import functools
import itertools
import re
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, noise

from aocr.charset import EOS_ID, PAD_ID, Charset
from aocr.config import Config
from aocr.model.encoder import Memory
from aocr.model.recognizer import create_decoder
from aocr.model.search.automaton import Automaton, build_trie, free_text
from aocr.model.search.pattern_automaton import compile_pattern
from aocr.model.search.text_search import (
    SHARED_AMONG,
    Search,
    SearchDecoding,
    search_texts,
)
from aocr.util.text.patterns import parse_endless_pattern

IMAGES, COLUMNS = 6, 5
LENGTHS = np.array([5, 2, 3, 5, 1, 4])
BASE = Config(
    characters="ABC",
    max_prediction=3,
    attn_num_layers=1,
    attn_num_hidden=4,
    target_embedding_size=2,
    padding="masked",
)
CONFIGS = {
    "content": BASE,
    "gru": dataclasses.replace(BASE, use_gru=True, attn_num_layers=2, padding="black"),
    "location": dataclasses.replace(BASE, attention="location", attn_num_layers=2),
    "ctc": dataclasses.replace(BASE, decoder="ctc"),
}
CHARSET = Charset(BASE.characters)
TEXTS = [
    "".join(letters)
    for length in range(BASE.max_prediction + 1)
    for letters in itertools.product(BASE.characters, repeat=length)
]
LEXICONS = {
    "all": TEXTS,
    "few": ["CAB", "AA", "B"],
    "one": ["BBB"],
    "with the empty word": ["", "AB", "ABC", "ABB", "C"],
}
PATTERNS = (
    "[AB]{2}C?",
    "A|BC|(CA)?B",
    "(AB?)*C*",
    ".{3}",
    "[^B]+",
    "A{2,}",
)


class Model:
    """A decoder whose weights and memory are noise, with searches in one graph."""

    def __init__(self, config, **options):
        self.config, self.probabilities = config, {}
        with tf.Graph().as_default():
            self._scale = tf.compat.v1.placeholder(tf.float32, [])
            self._targets = tf.compat.v1.placeholder(tf.int32, [IMAGES, config.decoder_steps])
            self._automaton = Automaton(*map(placeholder, free_text(BASE.vocab_size, 1)))
            decoder = self._create_decoder()
            self._losses = decoder.losses(self._targets)
            search = Search(self._automaton, **options)
            decoding = search_texts(decoder, search, config.decoder_steps)
            self._fetches = decoding, decoding.step_probabilities(), decoding.symbols
            self._session = tf.compat.v1.Session()
            load_noise(self._session)

    def _create_decoder(self):
        units = self.config.encoder_units
        is_padding = np.arange(COLUMNS)[np.newaxis] >= LENGTHS[:, np.newaxis]
        memory = Memory(
            self._scale * of_any_batch(noise("memory", IMAGES, COLUMNS, 2 * units)),
            self._scale * of_any_batch(noise("state", IMAGES, 4 * units)),
            None if self.config.padding == "black" else of_any_batch(is_padding),
        )
        return create_decoder(self.config, memory, is_training=False)

    def brute_force(self, scale):
        """Returns the probability of every text in every image, `[N, texts]`, by its loss."""
        columns = []
        for text in TEXTS:
            symbols = [padded(text, self.config.decoder_steps)] * IMAGES
            feed = {self._targets: symbols, self._scale: scale}
            losses = self._session.run(self._losses, feed)
            columns.append(np.exp(-losses.astype(np.float64) * (len(text) + 1)))
            if self.config.decoder == "ctc":
                needed = len(text) + sum(a == b for a, b in itertools.pairwise(text))
                columns[-1][needed > LENGTHS] = 0
        return np.stack(columns, axis=1)

    def search(self, automaton, scale):
        """Searches with an automaton."""
        feed = dict(zip(self._automaton, automaton, strict=True)) | {self._scale: scale}
        found, steps, symbols = self._session.run(self._fetches, feed)
        readings = [
            [(CHARSET.decode(text), p) for text, p in zip(texts, row, strict=True) if p > 0]
            for texts, row in zip(found.texts, found.probabilities, strict=True)
        ]
        return Searched(readings, found, steps, symbols)


class Searched(NamedTuple):
    """Holds the readings of each image, pairs of text and probability, and the decoding."""

    readings: list
    decoding: SearchDecoding
    steps: np.ndarray
    symbols: np.ndarray


def of_any_batch(array):
    """A tensor whose first axis is not known, as that of images is not."""
    return tf.compat.v1.placeholder_with_default(array, [None, *array.shape[1:]])


def placeholder(array):
    """A tensor to feed an array of an automaton."""
    array = np.asarray(array)
    dtype = np.int32 if array.ndim == 0 else array.dtype
    return tf.compat.v1.placeholder(dtype, [None] * array.ndim)


def padded(text, steps):
    """Returns the symbols of a text, EOS, then padding."""
    symbols = [*CHARSET.encode(text), EOS_ID]
    return symbols + [PAD_ID] * (steps - len(symbols))


@functools.cache
def model_of(name, **options):
    return Model(CONFIGS[name], **options)


@functools.cache
def probabilities_of(name, scale=2.0):
    return model_of(name, top=4).brute_force(scale)


def check(probabilities, readings, texts, top):
    """Compares the readings of each image with the best of the texts."""
    columns = [TEXTS.index(text) for text in texts]
    for row, found in enumerate(readings):
        of_all = probabilities[row, columns]
        best = np.sort(of_all[of_all > 0])[::-1][:top]
        np.testing.assert_allclose([p for _, p in found], best, rtol=1e-4)
        for text, p in found:
            assert text in texts
            assert p == pytest.approx(probabilities[row, TEXTS.index(text)], rel=1e-4)
        assert len({text for text, _ in found}) == len(found)


@pytest.mark.parametrize("name", CONFIGS)
def test_lexicons(name):
    for words in LEXICONS.values():
        searched = model_of(name, top=4).search(build_trie(words, CHARSET), 2.0)
        assert searched.decoding.is_exact.all()
        check(probabilities_of(name), searched.readings, words, 4)


@pytest.mark.parametrize("name", ["location", "ctc"])
def test_one_reading(name):
    for scale in (0.1, 1.0, 2.0):
        for words in LEXICONS.values():
            searched = model_of(name).search(build_trie(words, CHARSET), scale)
            assert searched.decoding.is_exact.all()
            check(probabilities_of(name, scale), searched.readings, words, 1)


def automaton_of(pattern):
    node = parse_endless_pattern(pattern, BASE.characters)
    return compile_pattern(node, CHARSET, BASE.max_prediction)


@pytest.mark.parametrize("name", CONFIGS)
def test_patterns(name):
    for pattern in PATTERNS:
        texts = [text for text in TEXTS if re.fullmatch(pattern, text)]
        searched = model_of(name, top=4).search(automaton_of(pattern), 2.0)
        assert searched.decoding.is_exact.all()
        check(probabilities_of(name), searched.readings, texts, 4)


@pytest.mark.parametrize("name", CONFIGS)
def test_free_text(name):
    for scale in (0.1, 1.0, 4.0):
        automaton = free_text(BASE.vocab_size, BASE.max_prediction)
        searched = model_of(name, top=4).search(automaton, scale)
        assert searched.decoding.is_exact.all()
        check(probabilities_of(name, scale), searched.readings, TEXTS, 4)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_reading_is_first_and_the_most_probable_other_texts_follow(name):
    automaton = free_text(BASE.vocab_size, BASE.max_prediction)
    model, differs = model_of(name, top=4, keeps_reading=True), 0
    for scale in (0.1, 1.0, 4.0):
        searched = model.search(automaton, scale)
        probabilities = probabilities_of(name, scale)
        for row, ((first, p), *others) in enumerate(searched.readings):
            symbols = searched.decoding.reading.symbols[row].tolist()
            assert first == CHARSET.decode(symbols)
            if symbols[: len(first) + 1] == padded(first, len(first) + 1):  # no special symbol
                assert p == pytest.approx(probabilities[row, TEXTS.index(first)], rel=1e-4)
            check(
                probabilities[row : row + 1], [others], [each for each in TEXTS if each != first], 3
            )
            differs += others[0][1] > p
    assert differs  # somewhere the reading is not the most probable text


@pytest.mark.parametrize("name", ["location", "ctc"])
def test_a_beam_says_where_it_may_have_lost_a_text(name):
    automaton = free_text(BASE.vocab_size, BASE.max_prediction)
    # The texts of such small weights are nearly equally probable.
    narrow = model_of(name, beam_width=1).search(automaton, 0.1)
    probabilities = probabilities_of(name, 0.1)
    assert not narrow.decoding.is_exact.all()
    for row, is_exact in enumerate(narrow.decoding.is_exact):
        ((_, p),) = narrow.readings[row]
        best = probabilities[row].max()
        assert p <= best * (1 + 1e-4)
        assert not is_exact or p == pytest.approx(best, rel=1e-4)


def test_a_wide_beam_loses_nothing():
    automaton = free_text(BASE.vocab_size, BASE.max_prediction)
    searched = model_of("location", beam_width=100).search(automaton, 0.1)
    assert searched.decoding.is_exact.all()
    check(probabilities_of("location", 0.1), searched.readings, TEXTS, 1)


def test_renormalized_probabilities_are_shares_of_the_best_texts():
    for lexicon in (TEXTS, LEXICONS["few"]):
        columns = [TEXTS.index(word) for word in lexicon]
        model = model_of("ctc", top=2, renormalize=True)
        searched = model.search(build_trie(lexicon, CHARSET), 2.0)
        for row, found in enumerate(searched.readings):
            best = np.sort(probabilities_of("ctc")[row, columns])[::-1][:SHARED_AMONG]
            expected = best[:2] / best.sum()
            np.testing.assert_allclose([p for _, p in found], expected[expected > 0], rtol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_first_reading_has_steps_and_attention(name):
    model = model_of(name, top=4)
    searched = model.search(build_trie(["CAB", "AC", "BB"], CHARSET), 2.0)
    for row, readings in enumerate(searched.readings):
        symbols, steps = searched.symbols[row], searched.steps[row]
        if not readings:  # no word fits into the columns
            assert symbols[0] == EOS_ID
            assert searched.decoding.probabilities[row, 0] == 0
            continue
        text, p = readings[0]
        assert symbols.tolist() == padded(text, model.config.decoder_steps)
        assert (steps[len(text) + 1 :] == 1).all()
        if model.config.decoder != "ctc":
            assert np.prod(steps) == pytest.approx(p, rel=1e-4)
        attention = searched.decoding.reading.attention[row, : len(text)]
        if model.config.attention == "content":  # the other one also looks at the end mark
            np.testing.assert_allclose(attention.sum(axis=1), 1, rtol=1e-5)
