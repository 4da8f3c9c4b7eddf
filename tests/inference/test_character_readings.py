"""The values of steps, moved to the characters that they belong to."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import noise, run

from aocr.charset import EOS_ID, GO_ID, PAD_ID
from aocr.inference.signatures import by_character
from aocr.model.postprocessing import Transcription, character_mask

SYMBOLS = np.array(
    [
        [3, 4, EOS_ID, 5, PAD_ID],
        [PAD_ID, 5, GO_ID, 3, EOS_ID],
        [EOS_ID, 3, 3, 3, 3],
        [3, 4, 5, 3, 4],
    ],
    np.int32,
)
PROBABILITIES = np.abs(noise("probabilities", 4, 5)) + 0.1
ATTENTION = np.abs(noise("attention", 4, 5, 7)) + 0.1


@pytest.fixture(scope="module")
def readings():
    with tf.Graph().as_default():
        values = map(tf.constant, (PROBABILITIES, SYMBOLS, ATTENTION))
        return run(by_character(Transcription(None, None, *values)))


def test_characters_come_first_and_nothing_else_is_left(readings):
    assert readings.characters.tolist() == [
        [3, 4, 0, 0, 0],
        [5, 3, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [3, 4, 5, 3, 4],
    ]


@pytest.mark.parametrize("row", range(4))
def test_values_stay_with_their_characters(readings, row):
    mask = character_mask(SYMBOLS[row])
    for found, steps in ((readings.probabilities, PROBABILITIES), (readings.attention, ATTENTION)):
        np.testing.assert_array_equal(found[row, : mask.sum()], steps[row][mask])
        assert not found[row, mask.sum() :].any()
