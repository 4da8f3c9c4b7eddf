"""Compares an export with the model that it was made from."""

from __future__ import annotations

import logging

from aocr.serving.sample_images import sample_images
from aocr.serving.serving_session import ServingSession
from aocr.util.errors import UserError

PROBABILITY_TOLERANCE = 1e-4


def verify(exported: ServingSession, model: ServingSession) -> None:
    """Checks that an export and its model give the same predictions for the sample images.

    Args:
        exported: the export, loaded again.
        model: the model that was exported.

    Raises:
        UserError: a text differs, or a probability by more than `PROBABILITY_TOLERANCE`.
    """
    samples = sample_images()
    largest = max(_compare(sample, exported, model) for sample in samples)
    logging.info(
        "Checked the export against the model on %i sample images: same texts, "
        "probabilities within %.0e.",
        len(samples),
        largest,
    )


def _compare(image: bytes, exported: ServingSession, model: ServingSession) -> float:
    """Returns the difference of the two probabilities of one encoded image.

    Raises:
        UserError: see `verify`.
    """
    text, probability = exported.predict(image)
    expected_text, expected_probability = model.predict(image)
    difference = abs(probability - expected_probability)
    if text != expected_text or difference > PROBABILITY_TOLERANCE:
        raise UserError(
            f"the export reads {text!r} ({probability:.6f}) where the model reads "
            f"{expected_text!r} ({expected_probability:.6f}): nothing is exported"
        )
    return difference
