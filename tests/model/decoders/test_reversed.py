"""A model that reads from the right gives of columns what another gives of reversed columns."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, load_noise, noise

from aocr.charset import EOS_ID, PAD_ID
from aocr.model import recognizer
from aocr.model.backbones.layers import CNNOutput
from aocr.model.decoders.composed import JointDecoder, ReversedDecoder
from aocr.model.encoder import encode, reverse_columns
from aocr.model.recognizer import decode
from aocr.model.search.known_texts import pattern_automaton
from aocr.model.search.text_search import Search

WIDTHS, COLUMNS = [16, 9], [4, 3]
FEATURES = noise("features", 2, 4, 8)
TARGETS = np.array([[3, 4, EOS_ID, PAD_ID, PAD_ID], [4, EOS_ID] + [PAD_ID] * 3])
DECODERS = {
    "0.7.6": {},
    "location": {"attention": "location"},
    "ctc": {"decoder": "ctc"},
    "joint": {"decoder": "joint", "attention": "location"},
}


def mirrored(columns, padding):
    """Reverses the columns of two images, `[2, 4, D]`; the second has three and padding."""
    second = [3, 2, 1, 0] if padding == "black" else [2, 1, 0, 3]
    return np.stack([columns[0, ::-1], columns[1, second]])


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("padding", ["black", "masked"])
def test_the_columns_of_an_image_are_reversed_and_its_padding_stays(padding, time_major):
    axes = [1, 0, 2] if time_major else [0, 1, 2]
    lengths = None if padding == "black" else tf.constant(COLUMNS)
    found = reverse_columns(tf.transpose(FEATURES, axes), lengths, time_major)
    np.testing.assert_array_equal(tf.transpose(found, axes), mirrored(FEATURES, padding))


def read(monkeypatch, features, changes, search=None):
    """Runs a model of noise on the features of two images, the second with three columns."""

    def backbone(*_):
        return CNNOutput(tf.compat.v1.placeholder_with_default(features, [None, 4, 8]), ())

    monkeypatch.setitem(recognizer.BACKBONES, "sliding", backbone)
    config = dataclasses.replace(TINY, **changes)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        widths = tf.compat.v1.placeholder_with_default(WIDTHS, [None])
        model = recognizer.forward(tf.zeros([2, 32, 16, 1]), widths, config)
        decoding = decode(model.decoder, config, search and search(config))
        fetches = {
            "losses": model.decoder.losses(tf.constant(TARGETS, tf.int32)),
            "symbols": decoding.symbols,
            "attention": decoding.attention,
            "step probabilities": decoding.step_probabilities(),
            "probability": decoding.probability(),
        }
        load_noise(session)
        return session.run(fetches)


def search_for(config):
    return Search(pattern_automaton("A?B+", config))


@pytest.mark.parametrize(
    ("name", "padding", "search"),
    [
        *itertools.product(DECODERS, ["black", "masked"], [None]),
        ("location", "masked", search_for),
        ("ctc", "masked", search_for),
    ],
)
def test_it_gives_of_columns_what_another_gives_of_reversed_ones(
    monkeypatch, name, padding, search
):
    changes = DECODERS[name] | {"padding": padding}
    found = read(monkeypatch, FEATURES, changes | {"direction": "rtl"}, search)
    expected = read(monkeypatch, mirrored(FEATURES, padding), changes, search)
    # [N, S, T] --> [N, T, S] --> [N, S, T]
    attention = mirrored(expected["attention"].transpose(0, 2, 1), padding).transpose(0, 2, 1)
    for each, values in (expected | {"attention": attention}).items():
        np.testing.assert_array_equal(found[each], values, err_msg=each)
    other = read(monkeypatch, FEATURES, changes, search)
    assert not np.array_equal(found["losses"], other["losses"])


def test_a_joint_decoder_is_trained_on_reversed_columns():
    def losses(columns, lengths, is_reversed):
        config = dataclasses.replace(TINY, **DECODERS["joint"])
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            memory = encode(tf.constant(columns), tf.constant(lengths), config.encoder_units)
            decoder = recognizer.create_decoder(config, memory, is_training=True)
            assert isinstance(decoder, JointDecoder)
            if is_reversed:
                decoder = ReversedDecoder(decoder, tf.constant(lengths))
            of_images = decoder.losses(tf.constant(TARGETS, tf.int32))
            load_noise(session)
            return session.run(of_images)

    columns = mirrored(FEATURES, "masked")
    np.testing.assert_array_equal(losses(columns, COLUMNS, True), losses(columns, COLUMNS, False))
