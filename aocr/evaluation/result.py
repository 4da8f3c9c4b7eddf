"""Defines the result of reading one image of a test."""

from __future__ import annotations

import dataclasses
import functools

import distance
import numpy as np

from aocr.model.readings import RankedText


def edit_distance(prediction: str | tuple[str, ...], label: str | tuple[str, ...]) -> int:
    """Returns the Levenshtein distance: the fewest substitutions, insertions and deletions.

    Args:
        prediction, label: two texts, which are compared by characters, or two tuples of words.
    """
    return distance.levenshtein(prediction, label)


def word_edit_distance(prediction: str, label: str) -> int:
    """Returns the edit distance of two texts as sequences of words, separated by whitespace."""
    return edit_distance(tuple(prediction.split()), tuple(label.split()))


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """Holds one image of a test and what the model predicted for it.

    Attributes:
        place: position of the record in the dataset, from 0.
        prediction: the predicted text; empty if the image cannot be decoded.
        label: the true text.
        comment: the path of the image, or empty.
        probability: probability of the whole prediction, including its end.
        character_probabilities: probability of each character of the prediction, given the
            characters before it.
        loss: teacher-forced loss in nats; NaN if the image cannot be decoded or the model cannot
            write the label.
        attention: float32 `[characters, T]`, attention weights of each predicted character.
        columns: how many of the T columns the image covers, without padding; 0 if the image
            cannot be decoded.
        encoded: the image file.
        seconds: this image's share of the time that its batch took.
        readings: the most probable texts; none for greedy decoding.
        is_exact: False if a search was not wide enough to be sure of the readings.
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
    readings: tuple[RankedText, ...] = ()
    is_exact: bool = True

    @functools.cached_property
    def edit_distance(self) -> int:
        """Edit distance of prediction and label, in characters; computed once for all its uses."""
        return edit_distance(self.prediction, self.label)

    @property
    def exact(self) -> bool:
        """Whether the prediction is the label."""
        return self.prediction == self.label

    @property
    def decoded(self) -> bool:
        """Whether the image can be decoded; if not, the model has read nothing."""
        return self.columns > 0
