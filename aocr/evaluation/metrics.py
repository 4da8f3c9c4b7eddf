"""Defines the metrics of a test: one row of the table `METRICS` for each.

The log, the HTML report, the JSON output and TensorBoard follow the table, so a new metric is one
new row. docs/measures.md holds the output of `markdown_table`; a test compares them.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

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
        """Whether the model has read the label; an image that cannot be decoded is never read."""
        return self.decoded and self.prediction == self.label

    @property
    def decoded(self) -> bool:
        """Whether the image can be decoded; if not, the model has read nothing."""
        return bool(self.columns > 0)


class Fraction(NamedTuple):
    """Holds what one image adds to both sums of a metric."""

    numerator: float
    denominator: float


class IntervalKind(enum.Enum):
    """Lists the methods for a confidence interval; the values are their names in documents."""

    WILSON = "Wilson's score interval"
    NORMAL = "normal approximation"


class Unit(NamedTuple):
    """Defines how values are written.

    Attributes:
        factor: number by which a value is multiplied before it is written.
        log: format of a value in the log; `images` is how many images it is computed from.
        report: format of a value, and of both ends of its interval, in the HTML report.
        symbol: text that follows a value or an interval in the HTML report.
    """

    factor: float
    log: str
    report: str
    symbol: str = ""


PERCENT = Unit(100, "{value:.2f}%", "{:.2f}", " %")
NATS = Unit(1, "{value:f}, over {images}", "{:.4f}")
PLAIN = Unit(1, "{value:f}", "{:.4g}")


class Metric(NamedTuple):
    """Defines a metric: a sum of numerators over a sum of denominators, one of each per image.

    Denominators of 1 make the metric a mean over the images. Values are not negative.

    Attributes:
        key: name in the JSON output; `validation/<key>` is its tag in TensorBoard.
        title: name in the log, the HTML report and documents.
        definition: what it measures, in one or two sentences.
        fraction: returns what an image adds to the sums; None if it adds nothing.
        interval: method of the 95 % confidence interval.
        unit: how values are written.
        maximum: largest possible value; the interval ends there.
        transform: applied to the ratio, and to both ends of its interval; it must be
            increasing; `float` changes nothing.
        applies: returns whether an image makes the metric meaningful. If no image does, the metric
            is NaN and is not logged. None for a metric that is always meaningful.
    """

    key: str
    title: str
    definition: str
    fraction: Callable[[Result], Fraction | None]
    interval: IntervalKind = IntervalKind.NORMAL
    unit: Unit = PERCENT
    maximum: float = math.inf
    transform: Callable[[float], float] = float
    applies: Callable[[Result], bool] | None = None

    def of(self, result: Result) -> float:
        """Returns the metric of one image; NaN if it has none."""
        fraction = self.fraction(result)
        if fraction is None or not fraction.denominator:
            return math.nan
        return self.transform(fraction.numerator / fraction.denominator)


def exact_match(result: Result) -> Fraction:
    """Returns 1 if the prediction is the label, else 0."""
    return Fraction(float(result.exact), 1)


def exact_match_ignoring_case(result: Result) -> Fraction:
    """Returns 1 if Unicode case folding makes prediction and label equal, else 0."""
    is_equal = result.prediction.casefold() == result.label.casefold()
    return Fraction(float(result.decoded and is_equal), 1)


def edit_distance_accuracy(result: Result) -> Fraction:
    """Returns the accuracy of 0.7.6 (docs/compatibility.md, "Accuracy").

    It is `1 - min(1, edit_distance / len(label))`; for an empty label, 1 if it is read exactly,
    else 0.
    """
    if not result.label:
        return Fraction(float(result.exact), 1)
    return Fraction(1 - min(1, result.edit_distance / len(result.label)), 1)


def one_minus_ned(result: Result) -> Fraction:
    """Returns `1 - edit_distance / max(len(prediction), len(label))`.

    If both are empty, it is 1, or 0 for an image that cannot be decoded.

    NED is the normalized edit distance of the ICDAR 2019 competitions.
    """
    longest = max(len(result.prediction), len(result.label))
    return Fraction(1 - result.edit_distance / longest if longest else float(result.exact), 1)


def character_errors(result: Result) -> Fraction:
    """Returns the edit distance over the number of characters of the label."""
    return Fraction(result.edit_distance, len(result.label))


def word_errors(result: Result) -> Fraction:
    """Returns the edit distance in words over the number of words of the label."""
    words = len(result.label.split())
    return Fraction(word_edit_distance(result.prediction, result.label), words)


def label_has_spaces(result: Result) -> bool:
    """Returns whether the label contains whitespace."""
    return any(map(str.isspace, result.label))


def loss(result: Result) -> Fraction | None:
    """Returns the teacher-forced loss, or None if the image has none."""
    return None if math.isnan(result.loss) else Fraction(result.loss, 1)


def perplexity(mean_loss: float) -> float:
    """Returns `exp(mean_loss)`, infinite from a loss of 300 on as in 0.7.6."""
    return math.inf if mean_loss >= 300 else math.exp(mean_loss)


METRICS = (
    Metric(
        key="exact_match",
        title="Exact match",
        definition="Share of the images whose prediction is the label, character by character.",
        fraction=exact_match,
        interval=IntervalKind.WILSON,
        maximum=1,
    ),
    Metric(
        key="exact_match_ignoring_case",
        title="Exact match, case ignored",
        definition="Share of the images whose prediction is the label except for upper and lower "
        "case, by Unicode case folding.",
        fraction=exact_match_ignoring_case,
        interval=IntervalKind.WILSON,
        maximum=1,
    ),
    Metric(
        key="edit_distance_accuracy",
        title="Edit-distance accuracy",
        definition="Mean over the images of 1 − min(1, edit distance / length of the label). For "
        "an empty label: 1 if it is read exactly, else 0. This is the accuracy of 0.7.6.",
        fraction=edit_distance_accuracy,
        maximum=1,
    ),
    Metric(
        key="one_minus_ned",
        title="1-NED",
        definition="Mean over the images of 1 − edit distance / length of the longer of label and "
        "prediction; 1 if both are empty. NED is the normalized edit distance of the ICDAR 2019 "
        "competitions.",
        fraction=one_minus_ned,
        maximum=1,
    ),
    Metric(
        key="character_error_rate",
        title="Character error rate",
        definition="Sum of the edit distances of all images / number of characters in all labels. "
        "It can exceed 100 %.",
        fraction=character_errors,
    ),
    Metric(
        key="word_error_rate",
        title="Word error rate",
        definition="Sum of the edit distances of all images, counted in words instead of "
        "characters / number of words in all labels. Words are separated by whitespace. It can "
        "exceed 100 %, and is computed only if a label contains whitespace.",
        fraction=word_errors,
        applies=label_has_spaces,
    ),
    Metric(
        key="loss",
        title="Mean teacher-forced loss",
        definition="Mean over the images that have a loss, in nats per symbol. Attention: the mean "
        "cross-entropy of the label’s characters and its end, each given the true characters "
        "before it. CTC: −ln of the label’s probability, summed over all its paths, / (length of "
        "the label + 1).",
        fraction=loss,
        unit=NATS,
    ),
    Metric(
        key="perplexity",
        title="Perplexity",
        definition="e to the power of the mean teacher-forced loss.",
        fraction=loss,
        unit=PLAIN,
        transform=perplexity,
    ),
)


def metric_of(key: str) -> Metric:
    """Returns the row of `METRICS` with a key."""
    return next(metric for metric in METRICS if metric.key == key)


def markdown_table() -> str:
    """Returns the table of all metrics that docs/measures.md contains."""
    lines = ["| metric | key | definition | 95 % interval |", "|---|---|---|---|"]
    lines += [
        f"| {row.title} | `{row.key}` | {row.definition} | {row.interval.value} |"
        for row in METRICS
    ]
    return "\n".join(lines)
