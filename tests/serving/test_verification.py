"""The comparison of an export with its model."""

import logging

import pytest

from aocr.serving.sample_images import sample_images
from aocr.serving.verification import PROBABILITY_TOLERANCE, verify
from aocr.util.errors import UserError


class Constant:
    """Gives one text and one probability for any image, and counts the images."""

    def __init__(self, text, probability):
        self.answer, self.images = (text, probability), []

    def predict(self, encoded):
        self.images.append(encoded)
        return self.answer


def test_equal_predictions_pass_and_the_largest_difference_is_logged(caplog):
    caplog.set_level(logging.INFO)
    exported, model = Constant("A", 0.5), Constant("A", 0.50005)
    verify(exported, model)
    assert exported.images == model.images == sample_images()
    assert caplog.messages == [
        "Checked the export against the model on 4 sample images: same texts, "
        "probabilities within 5e-05."
    ]


@pytest.mark.parametrize(
    ("text", "probability"), [("B", 0.5), ("A", 0.5 + 2 * PROBABILITY_TOLERANCE)]
)
def test_another_text_or_probability_is_an_error_that_shows_both(text, probability):
    with pytest.raises(UserError, match=rf"'{text}' \({probability:.6f}\).*'A' \(0.500000\)"):
        verify(Constant(text, probability), Constant("A", 0.5))
