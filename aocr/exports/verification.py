"""Compares an export with the model that it was made from."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.config import TEST_BATCH_SIZE
from aocr.exports.samples import Samples
from aocr.inference.names import DEFAULT_SIGNATURE
from aocr.inference.signatures import Exported, Images, ServingSession
from aocr.model.readings import Reading
from aocr.util.errors import UserError, first_line

PROBABILITY_TOLERANCE = 1e-5
"""Largest difference of the probabilities that an export and its model give to a text."""


class Verification(NamedTuple):
    """Holds the result of a comparison.

    Attributes:
        images: number of images that were compared.
        dataset: name of their dataset; None if they were drawn.
        model_accuracy: share of the images whose text the model reads as it is labelled; None
            without labels.
        accuracy: the same share for the export, or for the worst of its ways to read.
        largest_difference: the largest difference of two probabilities of one text.
    """

    images: int
    dataset: str | None
    model_accuracy: float | None
    accuracy: float | None
    largest_difference: float


def verify(
    exported: Exported,
    model: ServingSession,
    samples: Samples,
    max_accuracy_loss: float | None = None,
) -> Verification:
    """Checks that an export reads as its model does, and logs how alike both are.

    Args:
        exported: the export, loaded again.
        model: the model that was exported.
        samples: images to read; labelled, if a loss of accuracy is allowed.
        max_accuracy_loss: how much smaller the export's accuracy may be than the model's, as a
            share of the images, for exports that do not compute as the model does. None: the
            texts must be equal, and the probabilities within `PROBABILITY_TOLERANCE`.

    Raises:
        UserError: the export reads otherwise, or an image cannot be decoded.
    """
    expected: list[Reading] = []
    found: dict[str, list[Reading]] = {name: [] for name in exported.readers()}
    for images in _batches(model, samples):
        batch = _read(model, images, samples.name)
        expected += batch
        for name, read in exported.readers().items():
            readings = read(images)
            if max_accuracy_loss is None:
                _check_equal(readings, batch, name)
            found[name] += readings
    verification = _summarize(samples, expected, list(found.values()))
    if max_accuracy_loss is None:
        _log_equality(verification)
    if verification.dataset is not None:
        _log_accuracy(verification)
    if max_accuracy_loss is not None:
        _check_accuracy(verification, max_accuracy_loss)
    return verification


def _batches(model: ServingSession, samples: Samples) -> Iterator[Images]:
    for start in range(0, len(samples.images), TEST_BATCH_SIZE):
        encoded = samples.images[start : start + TEST_BATCH_SIZE]
        yield Images(encoded, model.prepare(encoded))


def _read(model: ServingSession, images: Images, dataset: str) -> list[Reading]:
    try:
        return model.readers()[DEFAULT_SIGNATURE](images)
    except tf.errors.InvalidArgumentError as error:
        raise UserError(
            f"an image of {dataset} cannot be decoded: {first_line(error)}; build the dataset "
            "again with 'aocr dataset'"
        ) from error


def _check_equal(found: list[Reading], expected: list[Reading], name: str) -> None:
    """Compares the texts and probabilities of one batch.

    Raises:
        UserError: a text differs, or a probability by more than `PROBABILITY_TOLERANCE`.
    """
    for one, other in zip(found, expected, strict=True):
        difference = abs(one.probability - other.probability)
        if one.text != other.text or not difference <= PROBABILITY_TOLERANCE:
            raise UserError(
                f"the export ({name}) reads {one.text!r} ({one.probability:.6f}) where the model "
                f"reads {other.text!r} ({other.probability:.6f}): nothing is exported"
            )


def _summarize(
    samples: Samples, expected: list[Reading], found: list[list[Reading]]
) -> Verification:
    """Summarizes what the model and each reader of an export have read."""
    labels = samples.labels
    return Verification(
        images=len(samples.images),
        dataset=None if labels is None else samples.name,
        model_accuracy=None if labels is None else _accuracy(expected, labels),
        accuracy=None if labels is None else min(_accuracy(each, labels) for each in found),
        largest_difference=max(_largest_difference(each, expected) for each in found),
    )


def _accuracy(readings: list[Reading], labels: list[str]) -> float:
    correct = sum(each.text == label for each, label in zip(readings, labels, strict=True))
    return correct / len(labels)


def _largest_difference(found: list[Reading], expected: list[Reading]) -> float:
    """Returns the largest difference between two probabilities of one text."""
    pairs = zip(found, expected, strict=True)
    same = (abs(a.probability - b.probability) for a, b in pairs if a.text == b.text)
    return max(same, default=0.0)


def _log_equality(verification: Verification) -> None:
    name = verification.dataset
    logging.info(
        "Checked the export against the model on %i %s: same texts, probabilities within %.0e.",
        verification.images,
        f"images of {name}" if name else "sample images",
        verification.largest_difference,
    )


def _log_accuracy(verification: Verification) -> None:
    model_accuracy, accuracy = _accuracies(verification)
    logging.info(
        "Exact matches in %s: the model %.2f%%, the export %.2f%%, a loss of %.2f%%.",
        verification.dataset,
        100 * model_accuracy,
        100 * accuracy,
        100 * (model_accuracy - accuracy),
    )


def _accuracies(verification: Verification) -> tuple[float, float]:
    if verification.model_accuracy is None or verification.accuracy is None:
        raise ValueError("the images have no labels")
    return verification.model_accuracy, verification.accuracy


def _check_accuracy(verification: Verification, max_accuracy_loss: float) -> None:
    """Raises a UserError if the export reads worse than the model by more than is allowed."""
    model_accuracy, accuracy = _accuracies(verification)
    loss = round(model_accuracy - accuracy, 9)
    if loss > max_accuracy_loss:
        raise UserError(
            f"the export reads {accuracy:.2%} of the images, and the model {model_accuracy:.2%}: "
            f"the loss of {loss:.4f} is more than --max-accuracy-loss={max_accuracy_loss}; "
            "nothing is exported"
        )
