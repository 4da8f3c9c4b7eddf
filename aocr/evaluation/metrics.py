"""The measures of a test, each defined once: of one image, and of all of them together."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from typing import NamedTuple

import distance


@functools.lru_cache(maxsize=64)  # several measures of an image want the same one
def edit_distance(prediction: str | tuple[str, ...], label: str | tuple[str, ...]) -> int:
    """Levenshtein distance: the fewest substitutions, insertions and deletions.

    Args:
        prediction, label: two texts, compared by characters, or two tuples of words.
    """
    return distance.levenshtein(prediction, label)


def edit_distance_accuracy(prediction: str, label: str) -> float:
    """`1 - min(1, distance / len(label))`; for an empty label 1 or 0 (COMPAT.md, section 5)."""
    if not label:
        return float(not prediction)
    return 1 - min(1, edit_distance(prediction, label) / len(label))


def one_minus_ned(prediction: str, label: str) -> float:
    """`1 - distance / max(len(prediction), len(label))`; 1 where both are empty.

    The normalized edit distance (NED) of the ICDAR 2019 competitions, as a likeness.
    """
    longest = max(len(prediction), len(label))
    return 1 - edit_distance(prediction, label) / longest if longest else 1.0


def exact_match(prediction: str, label: str) -> float:
    """1 if the prediction is the label, else 0."""
    return float(prediction == label)


def exact_match_ignoring_case(prediction: str, label: str) -> float:
    """1 if the two are the same once Unicode's case folding has levelled their cases, else 0."""
    return float(prediction.casefold() == label.casefold())


def word_edits(prediction: str, label: str) -> int:
    """Edit distance of the two as sequences of words: what whitespace separates."""
    return edit_distance(tuple(prediction.split()), tuple(label.split()))


def perplexity(loss: float) -> float:
    """`exp(loss)`, infinite from a loss of 300 on, as 0.7.6 prints it."""
    return math.inf if loss >= 300 else math.exp(loss)


class Summary(NamedTuple):
    """What a test found out. A share or a mean of nothing is NaN.

    Attributes:
        images: how many were tested.
        exact: how many of them were read exactly.
        exact_match: `exact / images`.
        exact_match_ignoring_case: mean over the images of the function of that name.
        edit_distance_accuracy: mean over the images of the function of that name.
        one_minus_ned: mean over the images of the function of that name.
        character_error_rate: `edits / characters`: the edit distances of all images together over
            the characters of all labels together. It may exceed 1.
        word_error_rate: `word_edits` of all images together over the words of all labels
            together. It may exceed 1. NaN where no label holds whitespace.
        loss: mean of the teacher-forced losses of the images that have one.
        perplexity: `exp(loss)` of that mean.
        images_with_loss: how many have one: those with a label that the model can transcribe.
    """

    images: int
    exact: int
    exact_match: float
    exact_match_ignoring_case: float
    edit_distance_accuracy: float
    one_minus_ned: float
    character_error_rate: float
    word_error_rate: float
    loss: float
    perplexity: float
    images_with_loss: int

    def to_json(self) -> str:
        """The numbers as one line of JSON; null where one is NaN or infinite, which JSON lacks."""
        numbers = self._asdict().items()
        return json.dumps({name: n if math.isfinite(n) else None for name, n in numbers})


@dataclasses.dataclass
class Tally:
    """Running sums over the images of a test; the properties are the running means.

    A loss that is NaN (a label that the model cannot transcribe) counts in no mean.
    """

    images: int = 0
    exact: int = 0
    exact_ignoring_case: float = 0
    accuracies: float = 0
    likenesses: float = 0
    edits: int = 0
    characters: int = 0
    word_edits: int = 0
    words: int = 0
    labels_with_spaces: int = 0
    losses: float = 0
    images_with_loss: int = 0

    def add(self, prediction: str, label: str, loss: float) -> None:
        """Counts one image."""
        self.images += 1
        self.exact += prediction == label
        self.exact_ignoring_case += exact_match_ignoring_case(prediction, label)
        self.accuracies += edit_distance_accuracy(prediction, label)
        self.likenesses += one_minus_ned(prediction, label)
        self.edits += edit_distance(prediction, label)
        self.characters += len(label)
        self.word_edits += word_edits(prediction, label)
        self.words += len(label.split())
        self.labels_with_spaces += any(map(str.isspace, label))
        if not math.isnan(loss):
            self.losses += loss
            self.images_with_loss += 1

    @property
    def exact_match(self) -> float:
        """Share of the images read exactly."""
        return _ratio(self.exact, self.images)

    @property
    def edit_distance_accuracy(self) -> float:
        """Mean over the images of `edit_distance_accuracy`."""
        return _ratio(self.accuracies, self.images)

    def summary(self) -> Summary:
        """The measures of all images so far."""
        loss = _ratio(self.losses, self.images_with_loss)
        return Summary(
            images=self.images,
            exact=self.exact,
            exact_match=self.exact_match,
            exact_match_ignoring_case=_ratio(self.exact_ignoring_case, self.images),
            edit_distance_accuracy=self.edit_distance_accuracy,
            one_minus_ned=_ratio(self.likenesses, self.images),
            character_error_rate=_ratio(self.edits, self.characters),
            word_error_rate=_ratio(self.word_edits, self.labels_with_spaces and self.words),
            loss=loss,
            perplexity=perplexity(loss),
            images_with_loss=self.images_with_loss,
        )


def _ratio(part: float, whole: float) -> float:
    """NaN where the whole is nothing."""
    return part / whole if whole else math.nan
