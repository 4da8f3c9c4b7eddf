"""Measures how fast the first steps of a run are."""

from __future__ import annotations

import logging
import statistics
from typing import NamedTuple

from aocr.training.start.training_set import TrainingSet

MEASURED_STEPS = 5
"""Number of steps that are measured, after the first one, which is much slower."""


class Pace(NamedTuple):
    """Says how fast a run trains, without validations and checkpoints.

    Attributes:
        step_seconds: mean duration of a step, waiting for its images included.
        images_per_second: number of images trained on per second.
        epoch_seconds: duration of an epoch.
    """

    step_seconds: float
    images_per_second: float
    epoch_seconds: float

    def log(self) -> None:
        """Logs the pace in a line."""
        logging.info(
            "About %.3g images a second, %.3g minutes an epoch.",
            self.images_per_second,
            self.epoch_seconds / 60,
        )


class PaceMeter:
    """Collects the durations of the first steps of a run.

    Args:
        training_set: gives the number of records and steps of an epoch.
        one_width: whether all batches have the same width. The median of their durations then
            stands for all, and a single delay does not count; else the mean does.
    """

    def __init__(self, training_set: TrainingSet, one_width: bool) -> None:
        self._training_set = training_set
        self._average = statistics.median if one_width else statistics.fmean
        self._seconds: list[float] = []

    def add(self, seconds: float) -> None:
        """Adds the duration of the next step."""
        self._seconds.append(seconds)

    @property
    def measured_steps(self) -> int:
        """Number of steps that count so far: all but the first."""
        return max(0, len(self._seconds) - 1)

    @property
    def measured_seconds(self) -> float:
        """Duration of these steps."""
        return sum(self._seconds[1:])

    def pace(self) -> Pace:
        """Returns the pace of the steps so far; that of the first one if there is no other."""
        step = max(1e-9, self._average(self._seconds[1:] or self._seconds))
        epoch = step * self._training_set.batches_per_epoch
        return Pace(step, self._training_set.used / epoch, epoch)
