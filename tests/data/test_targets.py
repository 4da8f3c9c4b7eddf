"""Labels to the ids that the decoder is trained to write."""

import pytest
import tensorflow as tf

from aocr.charset import EOS_ID, PAD_ID, Charset
from aocr.config import Config
from aocr.data.labels import encode_label

CONFIG = Config(max_prediction=3, characters="BAé日 9😀")
STEPS = 5
NOTHING = [PAD_ID] * STEPS


def targets_of(*labels):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        label = tf.compat.v1.placeholder(tf.string, [])
        targets = encode_label(label, CONFIG)
        assert targets.shape == [STEPS]
        return [session.run(targets, {label: value}).tolist() for value in labels]


@pytest.mark.parametrize("label", ["", "A", "AB", "BAB", "é日", "😀 9", "   "])
def test_targets_are_the_charsets_symbols_then_eos_then_padding(label):
    ids = Charset(CONFIG.characters).encode(label)
    expected = [*ids, EOS_ID, PAD_ID, PAD_ID, PAD_ID, PAD_ID][:STEPS]
    assert targets_of(label.encode()) == [expected]


def test_targets_by_hand():
    assert targets_of(b"BA", b"") == [[3, 4, EOS_ID, PAD_ID, PAD_ID], [EOS_ID, *[PAD_ID] * 4]]


def test_longest_label_fits_and_one_more_does_not():
    assert targets_of(b"AAA", b"AAAA", b"A" * 99) == [[4, 4, 4, EOS_ID, PAD_ID], NOTHING, NOTHING]


@pytest.mark.parametrize("label", ["x", "Ax", "xA", "a", "8", "è", "\x00", "\U0010ffff"])
def test_label_with_an_unknown_character_is_all_padding(label):
    assert targets_of(label.encode()) == [NOTHING]


@pytest.mark.parametrize("label", [b"\xff", "日".encode()[:2]])
def test_label_that_is_not_utf8_and_unknown_as_latin_1_is_all_padding(label):
    assert targets_of(label) == [NOTHING]


def test_length_is_counted_in_characters_not_in_bytes():
    assert len("日日日".encode()) == 9
    assert targets_of("日日日".encode()) == [[6, 6, 6, EOS_ID, PAD_ID]]


def test_labels_that_are_not_utf_8_are_latin_1():
    config = Config(characters="AÄ", max_prediction=3)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for label in ("AÄ".encode(), "AÄ".encode("latin-1")):
            targets = session.run(encode_label(tf.constant(label), config))
            assert targets.tolist() == [3, 4, 2, 0, 0]
