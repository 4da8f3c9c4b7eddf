"""The metrics of several images, by hand, and their summary as JSON."""

import json
import math

import pytest
from results import result_of

from aocr.evaluation.metric_sums import MetricSums

KEYS = [
    "images",
    "exact",
    "exact_match",
    "exact_match_ignoring_case",
    "edit_distance_accuracy",
    "one_minus_ned",
    "character_error_rate",
    "word_error_rate",
    "loss",
    "perplexity",
    "images_with_loss",
]
"""The names in the JSON output, in the order that clients know."""


def sums_of(*images):
    """Returns the sums over images, each a prediction, a label and a loss."""
    sums = MetricSums()
    for prediction, label, loss in images:
        sums.add(result_of(prediction, label, loss=loss))
    return sums


def test_sums_by_hand():
    sums = sums_of(("AB", "AB", 0.1), ("AX", "ABCD", 0.5), ("", "", 0.3), ("xyz", "A", 1.1))
    found = sums.summary()
    assert (found.images, found.exact, found.images_with_loss) == (4, 2, 4)
    assert found.value("exact_match") == sums.value("exact_match") == pytest.approx(2 / 4)
    assert found.value("exact_match_ignoring_case") == pytest.approx(2 / 4)
    accuracy = (1 + 0.25 + 1 + 0) / 4
    assert (
        found.value("edit_distance_accuracy")
        == sums.value("edit_distance_accuracy")
        == pytest.approx(accuracy)
    )
    assert found.value("one_minus_ned") == pytest.approx((1 + 0.25 + 1 + 0) / 4)
    assert found.value("character_error_rate") == pytest.approx((0 + 3 + 0 + 3) / (2 + 4 + 0 + 1))
    assert found.value("loss") == pytest.approx(2.0 / 4)
    assert found.value("perplexity") == pytest.approx(math.exp(0.5))


def test_sums_of_labels_with_spaces_by_hand():
    found = sums_of(("A Cat", "a cat", 1), ("a cat", "the hat", 2), ("x y", "hi", 3)).summary()
    assert found.value("exact_match") == 0
    assert found.value("exact_match_ignoring_case") == pytest.approx(1 / 3)
    assert found.value("edit_distance_accuracy") == pytest.approx((1 - 2 / 5 + 1 - 4 / 7 + 0) / 3)
    assert found.value("one_minus_ned") == pytest.approx((1 - 2 / 5 + 1 - 4 / 7 + 0) / 3)
    assert found.value("character_error_rate") == pytest.approx((2 + 4 + 3) / (5 + 7 + 2))
    assert found.value("word_error_rate") == pytest.approx((2 + 2 + 2) / (2 + 2 + 1))  # exceeds 1
    assert found.value("perplexity") == pytest.approx(math.exp(2))


def test_one_minus_ned_of_all_is_the_mean_over_images_not_over_characters():
    found = sums_of(("A", "A", 0.1), ("XXXXXXXX", "ABCDEFGH", 0.1)).summary()
    assert found.value("one_minus_ned") == pytest.approx(1 / 2)
    assert found.value("character_error_rate") == pytest.approx(8 / 9)


@pytest.mark.parametrize("label", ["AB", "", "A-B"])
def test_no_word_error_rate_without_spaces_in_labels(label):
    assert math.isnan(sums_of(("A B", label, 0.1)).summary().value("word_error_rate"))


def test_no_word_error_rate_without_words():
    assert math.isnan(sums_of(("A", " ", 0.1)).summary().value("word_error_rate"))


def test_character_error_rate_may_exceed_one():
    assert sums_of(("ABCD", "X", 0.1)).summary().value("character_error_rate") == 4


def test_character_error_rate_of_empty_labels_is_not_a_number():
    assert math.isnan(sums_of(("A", "", 0.1)).summary().value("character_error_rate"))


def test_image_without_a_loss_counts_in_everything_else():
    found = sums_of(("A", "A", 0.5), ("B", "x", math.nan), ("C", "C", 1.5)).summary()
    assert found.value("loss") == pytest.approx(1.0)
    assert found.value("perplexity") == pytest.approx(math.e)
    assert found.images_with_loss == 2
    assert found.images == 3
    assert found.value("exact_match") == pytest.approx(2 / 3)


def test_loss_of_no_image_is_not_a_number():
    found = sums_of(("B", "x", math.nan)).summary()
    assert math.isnan(found.value("loss"))
    assert math.isnan(found.value("perplexity"))


def test_measures_of_no_image_are_not_numbers():
    found = MetricSums().summary()
    assert (found.images, found.exact, found.images_with_loss) == (0, 0, 0)
    numbers = found.numbers().values()
    assert all(math.isnan(n) for n in numbers if n != 0)
    assert sum(math.isnan(n) for n in numbers) == len(numbers) - 3


# JSON


def test_json_of_a_summary():
    text = sums_of(("A b", "A B", 0.5), ("x", "x", math.nan)).summary().to_json()
    assert "\n" not in text
    assert list(json.loads(text)) == KEYS
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

    text = sums_of(("A", label, loss)).summary().to_json()
    numbers = json.loads(text, parse_constant=refuse)
    assert {name for name, number in numbers.items() if number is None} == lacking
