"""Edit distance, and what is made of it."""

from __future__ import annotations

import dataclasses
import math

import distance


def edit_distance(prediction: str, label: str) -> int:
    """Levenshtein distance: the fewest substitutions, insertions and deletions."""
    return distance.levenshtein(prediction, label)


def edit_distance_accuracy(prediction: str, label: str) -> float:
    """`1 - min(1, distance / len(label))`; for an empty label 1 or 0 (COMPAT.md, section 5)."""
    if not label:
        return float(not prediction)
    return 1 - min(1, edit_distance(prediction, label) / len(label))


def exact_match(prediction: str, label: str) -> float:
    """1 if the prediction is the label, else 0."""
    return float(prediction == label)


def perplexity(loss: float) -> float:
    """`exp(loss)`, infinite from a loss of 300 on, as 0.7.6 prints it."""
    return math.inf if loss >= 300 else math.exp(loss)


@dataclasses.dataclass
class Tally:
    """Running sums over the images of a test; the properties are the metrics.

    A loss that is NaN (a label that the model cannot spell) counts in no mean.
    """

    images: int = 0
    exact: float = 0
    accuracies: float = 0
    edits: int = 0
    characters: int = 0
    losses: float = 0
    images_with_loss: int = 0

    def add(self, prediction: str, label: str, loss: float) -> None:
        """Counts one image."""
        self.images += 1
        self.exact += exact_match(prediction, label)
        self.accuracies += edit_distance_accuracy(prediction, label)
        self.edits += edit_distance(prediction, label)
        self.characters += len(label)
        if not math.isnan(loss):
            self.losses += loss
            self.images_with_loss += 1

    @property
    def exact_match(self) -> float:
        """Share of the images read exactly."""
        return self.exact / self.images

    @property
    def edit_distance_accuracy(self) -> float:
        """Mean over the images of `edit_distance_accuracy`."""
        return self.accuracies / self.images

    @property
    def character_error_rate(self) -> float:
        """Edits over characters of all labels together; NaN where the labels are all empty."""
        return self.edits / self.characters if self.characters else math.nan

    @property
    def loss(self) -> float:
        """Mean loss of the images that have one."""
        return self.losses / self.images_with_loss if self.images_with_loss else math.nan
