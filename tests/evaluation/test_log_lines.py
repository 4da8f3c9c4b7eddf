"""Lines of the log: the summary, by hand, and how a perplexity is written."""

import logging
import math

import pytest
from results import result_of, summary_of

from aocr.evaluation import evaluator


def summary_lines(caplog, *images):
    """Returns the lines about images, each a prediction, a label and a loss."""
    results = [result_of(prediction, label, loss=loss) for prediction, label, loss in images]
    with caplog.at_level(logging.INFO):
        evaluator.log_summary(summary_of(results))
    return caplog.messages


def test_summary_by_hand(caplog):
    assert summary_lines(caplog, ("a cat", "A cat", 0.5), ("x", "the hat", 1.5)) == [
        "Tested 2 images: 0 read exactly.",
        "Exact match: 0.00%",
        "Exact match, case ignored: 50.00%",
        "Edit-distance accuracy: 40.00%",
        "1-NED: 40.00%",
        "Character error rate: 66.67%",  # 1 + 7 edits of 5 + 7 characters
        "Word error rate: 75.00%",  # 1 + 2 edits of 2 + 2 words
        "Mean teacher-forced loss: 1.000000, over 2 images",
        "Perplexity: 2.718282",
    ]


def test_summary_of_one_image_is_in_the_singular(caplog):
    lines = summary_lines(caplog, ("a", "a", 0.5))
    assert lines[0] == "Tested 1 image: 1 read exactly."
    assert lines[-2] == "Mean teacher-forced loss: 0.500000, over 1 image"


def test_summary_says_what_is_not_a_number(caplog):
    lines = summary_lines(caplog, ("a", "", math.nan))
    assert "Character error rate: nan%" in lines
    assert "Mean teacher-forced loss: nan, over 0 images" in lines
    assert not any("Word" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25.672, "25.6720"),  # as 0.7.6 prints it
        (1.0012, "1.00120"),
        (1.0, "1.00000"),
        (1e20, "1e+20"),  # zeros at the end would make it 1e+2000
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_perplexity_is_seven_places_wide(value, text):
    assert evaluator.perplexity_text(value) == text
