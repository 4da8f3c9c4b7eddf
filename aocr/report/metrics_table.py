"""The headline table of a report: metrics with their confidence intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

from aocr.evaluation import metrics
from aocr.evaluation.confidence_intervals import Interval, Mean, Ratio, wilson
from aocr.evaluation.result import Result


class Row(NamedTuple):
    """A metric as text; the interval is empty where there is none."""

    name: str
    value: str
    interval: str


class Intervals:
    """Running sums over the images, for the intervals of means and ratios."""

    def __init__(self) -> None:
        self._accuracy, self._likeness, self._loss = Mean(), Mean(), Mean()
        self._characters, self._words = Ratio(), Ratio()

    def add(self, tested: Result) -> None:
        """Counts one image."""
        prediction, label = tested.prediction, tested.label
        self._accuracy.add(metrics.edit_distance_accuracy(prediction, label))
        self._likeness.add(metrics.one_minus_ned(prediction, label))
        self._characters.add(metrics.edit_distance(prediction, label), len(label))
        self._words.add(metrics.word_edits(prediction, label), len(label.split()))
        if not math.isnan(tested.loss):
            self._loss.add(tested.loss)

    def rows(self, summary: metrics.Summary) -> list[Row]:
        """The table; a metric that is not a number is left out.

        Args:
            summary: of the images that were counted here.
        """
        images = summary.images
        folded = summary.exact_match_ignoring_case
        successes = 0 if math.isnan(folded) else round(folded * images)
        table = [
            ("Exact match", summary.exact_match, wilson(summary.exact, images)),
            ("Exact match, ignoring case", folded, wilson(successes, images)),
            ("Edit-distance accuracy", summary.edit_distance_accuracy, _of(self._accuracy, 1)),
            ("1 − NED", summary.one_minus_ned, _of(self._likeness, 1)),
            ("Character error rate", summary.character_error_rate, _of(self._characters)),
            ("Word error rate", summary.word_error_rate, _of(self._words)),
        ]
        rows = [_percentages(*row) for row in table if not math.isnan(row[1])]
        return rows + ([] if math.isnan(summary.loss) else self._losses(summary))

    def _losses(self, summary: metrics.Summary) -> list[Row]:
        """Loss and perplexity; the interval of one is that of the other, exponentiated."""
        loss = _of(self._loss)
        perplexity = loss and Interval(*map(metrics.perplexity, loss))
        some = f", of {summary.images_with_loss:,} images"
        suffix = some if summary.images_with_loss < summary.images else ""
        return [
            Row(f"Teacher-forced loss{suffix}", f"{summary.loss:.4f}", _range(loss, "{:.4f}")),
            Row(f"Perplexity{suffix}", f"{summary.perplexity:.4g}", _range(perplexity, "{:.4g}")),
        ]


def _of(sums: Mean | Ratio, most: float = math.inf) -> Interval | None:
    """The interval, as far as a mean of values from 0 to `most` can lie in it."""
    interval = sums.interval()
    return interval and interval.within(0, most)


def _percentages(name: str, share: float, interval: Interval | None) -> Row:
    percent = interval and Interval(100 * interval.low, 100 * interval.high)
    return Row(name, f"{100 * share:.2f} %", _range(percent, "{:.2f}", " %"))


def _range(interval: Interval | None, form: str, unit: str = "") -> str:
    """`12.30 to 14.56 %`."""
    return " to ".join(form.format(end) for end in interval) + unit if interval else ""
