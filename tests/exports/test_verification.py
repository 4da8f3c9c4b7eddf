"""The comparison of an export with its model."""

import logging

import pytest

from aocr.exports.samples import Samples, drawn_samples
from aocr.exports.verification import PROBABILITY_TOLERANCE, verify
from aocr.inference.names import DEFAULT_SIGNATURE
from aocr.model import readings
from aocr.util.errors import UserError

IMAGES = [f"image {number}".encode() for number in range(100)]
TEXTS = [f"{number}" for number in range(100)]


class Reading:
    """Reads given texts with one probability, and counts the images.

    It stands for a model and for an export.
    """

    def __init__(self, texts, probability, ways=(DEFAULT_SIGNATURE,)):
        self.texts, self.probability = texts, probability
        self.images = {way: [] for way in ways}

    def readers(self):
        return {way: lambda images, way=way: self.read(way, images) for way in self.images}

    def read(self, way, images):
        assert images.prepared == {"pixels": len(images.encoded)}
        start = len(self.images[way])
        self.images[way] += images.encoded
        texts = self.texts[start : len(self.images[way])]
        return [readings.Reading(text, self.probability) for text in texts]

    def prepare(self, encoded):
        return {"pixels": len(encoded)}


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO)
    return caplog


def test_equal_predictions_pass_and_the_largest_difference_is_logged(log):
    samples = drawn_samples()
    texts = list("ABCD")
    exported, model = Reading(texts, 0.5, ("one", "other")), Reading(texts, 0.500005)
    verification = verify(exported, model, samples)
    assert list(exported.images.values()) == [samples.images] * 2
    assert log.messages == [
        "Checked the export against the model on 4 sample images: same texts, "
        "probabilities within 5e-06."
    ]
    assert verification == (4, None, None, None, pytest.approx(5e-6))


@pytest.mark.parametrize(
    ("text", "probability"),
    [("B", 0.5), ("A", 0.5 + 2 * PROBABILITY_TOLERANCE), ("A", float("nan"))],
)
def test_another_text_or_probability_is_an_error_that_shows_both(text, probability):
    exported = Reading(["A", "A", "A", text], probability, ["this way"])
    pattern = rf"\(this way\) reads '\w' \({probability:.6f}\).*'A' \(0.500000\): nothing is"
    with pytest.raises(UserError, match=pattern):
        verify(exported, Reading(list("AAAA"), 0.5), drawn_samples())


def test_a_dataset_gives_both_accuracies(log):
    labels = [*TEXTS[:90], *["wrong"] * 10]
    exported, model = Reading(TEXTS, 0.5), Reading(TEXTS, 0.5)
    verification = verify(exported, model, Samples(IMAGES, labels, "my.tfrecords"))
    assert exported.images[DEFAULT_SIGNATURE] == IMAGES
    assert log.messages == [
        "Checked the export against the model on 100 images of my.tfrecords: same texts, "
        "probabilities within 0e+00.",
        "Exact matches in my.tfrecords: the model 90.00%, the export 90.00%, a loss of 0.00%.",
    ]
    assert verification == (100, "my.tfrecords", 0.9, 0.9, 0)


@pytest.mark.parametrize(("wrong", "passes"), [(0, True), (2, True), (3, False), (100, False)])
def test_the_loss_of_accuracy_of_a_quantized_export_is_limited(log, wrong, passes):
    exported = Reading([*["wrong"] * wrong, *TEXTS[wrong:]], 0.3)
    samples = Samples(IMAGES, TEXTS, "my.tfrecords")
    if passes:
        verification = verify(exported, Reading(TEXTS, 0.5), samples, max_accuracy_loss=0.02)
        assert verification.accuracy == 1 - wrong / 100
    else:
        pattern = rf"the loss of {wrong / 100:.4f} is more than --max-accuracy-loss=0.02; nothing"
        with pytest.raises(UserError, match=pattern):
            verify(exported, Reading(TEXTS, 0.5), samples, max_accuracy_loss=0.02)
    expected = f"the model 100.00%, the export {100 - wrong:.2f}%, a loss of {wrong:.2f}%."
    assert log.messages == [f"Exact matches in my.tfrecords: {expected}"]


def test_the_worst_way_to_read_counts():
    class Half(Reading):
        def read(self, way, images):
            found = super().read(way, images)
            return found if way == "good" else [each._replace(text="wrong") for each in found]

    exported = Half(TEXTS, 0.5, ("good", "bad"))
    with pytest.raises(UserError, match="the export reads 0.00% of the images"):
        verify(exported, Reading(TEXTS, 0.5), Samples(IMAGES, TEXTS, "d"), max_accuracy_loss=0.9)
