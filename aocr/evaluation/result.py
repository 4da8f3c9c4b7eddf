"""One image of a test and what was read from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Result(NamedTuple):
    """One image and what was read from it.

    Attributes:
        place: of the record in the dataset, from 0.
        prediction, label, comment: texts; the comment is the image's path, or empty.
        probability: of the prediction and of its end.
        character_probabilities: of each character of the prediction, given those before it.
        loss: teacher-forced; NaN for a label that the model cannot transcribe.
        attention: `[characters, T]`.
        columns: how many of the T columns hold the image, padding apart; 0 without an image.
        encoded: the image file.
        seconds: its share of its batch's time.
    """

    place: int
    prediction: str
    label: str
    comment: str
    probability: float
    character_probabilities: tuple[float, ...]
    loss: float
    attention: np.ndarray
    columns: float
    encoded: bytes
    seconds: float
