"""Edit distances of characters and of words, by hand."""

import pytest

from aocr.evaluation.metrics import edit_distance, word_edit_distance


@pytest.mark.parametrize(
    ("prediction", "label", "distance"),
    [
        ("", "", 0),
        ("ABC", "ABC", 0),
        ("ABC", "ABD", 1),
        ("AB", "ABC", 1),
        ("XABC", "ABC", 1),
        ("", "ABC", 3),
        ("ABC", "", 3),
        ("BA", "AB", 2),  # a transposition is two edits
        ("SITTING", "KITTEN", 3),
        ("日本", "日本語", 1),
    ],
)
def test_edit_distance(prediction, label, distance):
    assert edit_distance(prediction, label) == distance
    assert edit_distance(label, prediction) == distance


def test_edit_distance_of_words():
    assert edit_distance(("A", "BC", "D"), ("A", "BX", "D", "E")) == 2


@pytest.mark.parametrize(
    ("prediction", "label", "edits"),
    [
        ("a cat sat", "a cat sat", 0),
        ("a hat sat", "a cat sat", 1),
        ("cat sat", "a cat sat", 1),
        ("a ca t sat", "a cat sat", 2),
        ("  a\tcat sat ", "a cat sat", 0),  # how the words are separated is no edit
        ("", "a cat sat", 3),
        ("A cat", "a cat", 1),
    ],
)
def test_word_edit_distance(prediction, label, edits):
    assert word_edit_distance(prediction, label) == edits
