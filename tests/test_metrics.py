"""Edit distance, accuracies, perplexity and running means, by hand."""

import math

import pytest

from aocr.util import metrics
from aocr.util.metrics import Tally


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
    tally = tally_of(("AB", "AB", 0.1), ("AX", "ABCD", 0.5), ("", "", 0.3), ("XYZ", "A", 1.1))
    assert (tally.images, tally.exact) == (4, 2)
    assert tally.exact_match == pytest.approx(2 / 4)
    assert tally.edit_distance_accuracy == pytest.approx((1 + 0.25 + 1 + 0) / 4)
    assert tally.character_error_rate == pytest.approx((0 + 3 + 0 + 3) / (2 + 4 + 0 + 1))
    assert tally.loss == pytest.approx(2.0 / 4)


def test_character_error_rate_may_exceed_one():
    assert tally_of(("ABCD", "X", 0.1)).character_error_rate == 4


def test_character_error_rate_of_empty_labels_is_not_a_number():
    assert math.isnan(tally_of(("A", "", 0.1)).character_error_rate)


def test_image_without_a_loss_counts_in_everything_else():
    tally = tally_of(("A", "A", 0.5), ("B", "x", math.nan), ("C", "C", 1.5))
    assert tally.loss == pytest.approx(1.0)
    assert tally.images_with_loss == 2
    assert tally.images == 3
    assert tally.exact_match == pytest.approx(2 / 3)


def test_loss_of_no_image_is_not_a_number():
    assert math.isnan(tally_of(("B", "x", math.nan)).loss)
