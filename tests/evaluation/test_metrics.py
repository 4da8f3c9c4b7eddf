"""The metrics of one image, by hand, and the table that all outputs follow."""

import math
import pathlib

import numpy as np
import pytest
from results import result_of

from aocr.evaluation import metrics

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "measures.md"


def value(key, prediction, label):
    """Returns a metric of one image."""
    return metrics.metric_of(key).of(result_of(prediction, label))


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
    assert value("edit_distance_accuracy", prediction, label) == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("prediction", "label", "match"),
    [("AB", "AB", 1), ("AB", "ab", 0), ("AB", "ABC", 0), ("", "", 1), ("", "A", 0)],
)
def test_exact_match(prediction, label, match):
    assert value("exact_match", prediction, label) == match


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
    assert value("exact_match_ignoring_case", prediction, label) == match


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
    assert value("one_minus_ned", prediction, label) == pytest.approx(likeness)


@pytest.mark.parametrize(
    ("loss", "perplexity"),
    [(0, 1), (1, math.e), (3.358516, 28.746492), (299, math.exp(299)), (300, math.inf)],
)
def test_perplexity(loss, perplexity):
    assert metrics.perplexity(loss) == pytest.approx(perplexity)


@pytest.mark.parametrize(
    ("key", "prediction", "label", "numerator", "denominator"),
    [
        ("character_error_rate", "AX", "ABCD", 3, 4),
        ("character_error_rate", "A", "", 1, 0),
        ("word_error_rate", "a hat", "a cat sat", 2, 3),
        ("one_minus_ned", "AX", "AB", 0.5, 1),
    ],
)
def test_fraction_of_an_image(key, prediction, label, numerator, denominator):
    result = result_of(prediction, label)
    assert metrics.metric_of(key).fraction(result) == (numerator, denominator)


@pytest.mark.parametrize("label", ["", "AB"])
def test_an_image_that_cannot_be_decoded_is_read_wrong_whatever_its_label(label):
    result = result_of("", label, columns=np.float64(0), loss=math.nan)
    shares = "exact_match", "exact_match_ignoring_case", "edit_distance_accuracy", "one_minus_ned"
    assert [metrics.metric_of(key).of(result) for key in shares] == [0, 0, 0, 0]
    assert result.exact is False
    assert metrics.metric_of("character_error_rate").fraction(result) == (len(label), len(label))


def test_metric_of_an_image_without_one_is_not_a_number():
    assert math.isnan(value("character_error_rate", "A", ""))
    assert math.isnan(metrics.metric_of("loss").of(result_of("A", "B", loss=math.nan)))


def test_perplexity_of_an_image():
    result = result_of("A", "B", loss=0.5)
    assert metrics.metric_of("perplexity").of(result) == pytest.approx(math.exp(0.5))


# The table


def test_keys_and_titles_are_unique():
    for column in ("key", "title"):
        values = [getattr(metric, column) for metric in metrics.METRICS]
        assert len(set(values)) == len(values)


def test_markdown_table_has_a_line_for_each_metric():
    lines = metrics.markdown_table().split("\n")
    assert {line.count("|") for line in lines} == {5}
    assert [line.split("`")[1] for line in lines[2:]] == [row.key for row in metrics.METRICS]


@pytest.mark.skipif(not DOCUMENT.exists(), reason="there is no docs/measures.md")
def test_the_document_contains_the_table():
    text = DOCUMENT.read_text(encoding="utf-8")
    between = text.split("<!-- metrics -->")[1].split("<!-- /metrics -->")[0]
    assert between.strip() == metrics.markdown_table()
