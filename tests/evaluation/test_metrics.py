"""Edit distance, accuracies, perplexity and running means, by hand."""

import json
import math

import pytest

from aocr.evaluation import metrics
from aocr.evaluation.metrics import Tally


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
    assert metrics.edit_distance(prediction, label) == distance
    assert metrics.edit_distance(label, prediction) == distance


def test_edit_distance_of_words():
    assert metrics.edit_distance(("A", "BC", "D"), ("A", "BX", "D", "E")) == 2


@pytest.mark.parametrize(
    ("prediction", "label", "accuracy"),
    [
        ("ABCD", "ABCD", 1),
        ("ABCX", "ABCD", 0.75),
        ("ABCDE", "ABCD", 0.75),
        ("ABC", "AB", 0.5),
        ("AB", "ABC", 2 / 3),
        ("OOO", "J2XZ", 0),
        ("ABCDEFGH", "A", 0),  # seven edits to one character, but not below zero
        ("", "AB", 0),
        ("", "", 1),
        ("A", "", 0),
    ],
)
def test_edit_distance_accuracy(prediction, label, accuracy):
    assert metrics.edit_distance_accuracy(prediction, label) == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("prediction", "label", "match"),
    [("AB", "AB", 1), ("AB", "ab", 0), ("AB", "ABC", 0), ("", "", 1), ("", "A", 0)],
)
def test_exact_match(prediction, label, match):
    assert metrics.exact_match(prediction, label) == match


@pytest.mark.parametrize(
    ("prediction", "label", "match"),
    [
        ("AB", "AB", 1),
        ("Ab", "aB", 1),
        ("STRASSE", "straße", 1),  # case folding, which upper() or lower() on both sides lacks
        ("AB", "AC", 0),
        ("É", "E", 0),
        ("", "", 1),
    ],
)
def test_exact_match_ignoring_case(prediction, label, match):
    assert metrics.exact_match_ignoring_case(prediction, label) == match


@pytest.mark.parametrize(
    ("prediction", "label", "likeness"),
    [
        ("ABCD", "ABCD", 1),
        ("ABCX", "ABCD", 0.75),
        ("ABCDE", "ABCD", 1 - 1 / 5),  # over the longer one
        ("AB", "ABCD", 1 - 2 / 4),
        ("ABCDEFGH", "A", 1 - 7 / 8),  # edit-distance accuracy: 0
        ("", "AB", 0),
        ("A", "", 0),
        ("", "", 1),
    ],
)
def test_one_minus_ned(prediction, label, likeness):
    assert metrics.one_minus_ned(prediction, label) == pytest.approx(likeness)


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
def test_word_edits(prediction, label, edits):
    assert metrics.word_edits(prediction, label) == edits


@pytest.mark.parametrize(
    ("loss", "perplexity"),
    [(0, 1), (1, math.e), (3.358516, 28.746492), (299, math.exp(299)), (300, math.inf)],
)
def test_perplexity(loss, perplexity):
    assert metrics.perplexity(loss) == pytest.approx(perplexity)


# Running means


def tally_of(*images):
    tally = Tally()
    for prediction, label, loss in images:
        tally.add(prediction, label, loss)
    return tally


def test_tally_by_hand():
    tally = tally_of(("AB", "AB", 0.1), ("AX", "ABCD", 0.5), ("", "", 0.3), ("xyz", "A", 1.1))
    found = tally.summary()
    assert (found.images, found.exact, found.images_with_loss) == (4, 2, 4)
    assert found.exact_match == tally.exact_match == pytest.approx(2 / 4)
    assert found.exact_match_ignoring_case == pytest.approx(2 / 4)
    accuracy = (1 + 0.25 + 1 + 0) / 4
    assert found.edit_distance_accuracy == tally.edit_distance_accuracy == pytest.approx(accuracy)
    assert found.one_minus_ned == pytest.approx((1 + 0.25 + 1 + 0) / 4)
    assert found.character_error_rate == pytest.approx((0 + 3 + 0 + 3) / (2 + 4 + 0 + 1))
    assert found.loss == pytest.approx(2.0 / 4)
    assert found.perplexity == pytest.approx(math.exp(0.5))


def test_tally_of_labels_with_spaces_by_hand():
    found = tally_of(("A Cat", "a cat", 1), ("a cat", "the hat", 2), ("x y", "hi", 3)).summary()
    assert found.exact_match == 0
    assert found.exact_match_ignoring_case == pytest.approx(1 / 3)
    assert found.edit_distance_accuracy == pytest.approx((1 - 2 / 5 + 1 - 4 / 7 + 0) / 3)
    assert found.one_minus_ned == pytest.approx((1 - 2 / 5 + 1 - 4 / 7 + 0) / 3)
    assert found.character_error_rate == pytest.approx((2 + 4 + 3) / (5 + 7 + 2))
    assert found.word_error_rate == pytest.approx((2 + 2 + 2) / (2 + 2 + 1))  # exceeds 1
    assert found.perplexity == pytest.approx(math.exp(2))


def test_one_minus_ned_of_all_is_the_mean_over_images_not_over_characters():
    found = tally_of(("A", "A", 0.1), ("XXXXXXXX", "ABCDEFGH", 0.1)).summary()
    assert found.one_minus_ned == pytest.approx(1 / 2)
    assert found.character_error_rate == pytest.approx(8 / 9)


@pytest.mark.parametrize("label", ["AB", "", "A-B"])
def test_no_word_error_rate_without_spaces_in_labels(label):
    assert math.isnan(tally_of(("A B", label, 0.1)).summary().word_error_rate)


def test_no_word_error_rate_without_words():
    assert math.isnan(tally_of(("A", " ", 0.1)).summary().word_error_rate)


def test_character_error_rate_may_exceed_one():
    assert tally_of(("ABCD", "X", 0.1)).summary().character_error_rate == 4


def test_character_error_rate_of_empty_labels_is_not_a_number():
    assert math.isnan(tally_of(("A", "", 0.1)).summary().character_error_rate)


def test_image_without_a_loss_counts_in_everything_else():
    found = tally_of(("A", "A", 0.5), ("B", "x", math.nan), ("C", "C", 1.5)).summary()
    assert found.loss == pytest.approx(1.0)
    assert found.perplexity == pytest.approx(math.e)
    assert found.images_with_loss == 2
    assert found.images == 3
    assert found.exact_match == pytest.approx(2 / 3)


def test_loss_of_no_image_is_not_a_number():
    found = tally_of(("B", "x", math.nan)).summary()
    assert math.isnan(found.loss)
    assert math.isnan(found.perplexity)


def test_measures_of_no_image_are_not_numbers():
    found = Tally().summary()
    assert (found.images, found.exact, found.images_with_loss) == (0, 0, 0)
    assert all(math.isnan(n) for n in found if n != 0)
    assert sum(math.isnan(n) for n in found) == len(found) - 3


# JSON


def test_json_of_a_summary():
    text = tally_of(("A b", "A B", 0.5), ("x", "x", math.nan)).summary().to_json()
    assert "\n" not in text
    assert json.loads(text) == {
        "images": 2,
        "exact": 1,
        "exact_match": 0.5,
        "exact_match_ignoring_case": 1.0,
        "edit_distance_accuracy": pytest.approx((2 / 3 + 1) / 2),
        "one_minus_ned": pytest.approx((2 / 3 + 1) / 2),
        "character_error_rate": 1 / 4,
        "word_error_rate": pytest.approx(1 / 3),
        "loss": 0.5,
        "perplexity": pytest.approx(math.exp(0.5)),
        "images_with_loss": 1,
    }


@pytest.mark.parametrize(
    ("label", "loss", "lacking"),
    [
        ("A", math.nan, {"word_error_rate", "loss", "perplexity"}),
        ("A", 400.0, {"word_error_rate", "perplexity"}),  # e to the 400th is infinite here
        ("", 1.0, {"word_error_rate", "character_error_rate"}),
    ],
)
def test_json_has_null_for_what_is_no_number(label, loss, lacking):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    text = tally_of(("A", label, loss)).summary().to_json()
    numbers = json.loads(text, parse_constant=refuse)
    assert {name for name, number in numbers.items() if number is None} == lacking
