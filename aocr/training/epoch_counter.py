"""Counts the epochs of a training run."""

from __future__ import annotations

import logging

from aocr.training.start.training_set import TrainingSet
from aocr.util.text.plurals import counted


class EpochCounter:
    """Counts the batches and records of each epoch, and logs a line after each epoch.

    Args:
        training_set: gives the number of records and batches of an epoch.
        epochs: number of epochs of this run.
        skipped: number of batches of the first epoch that earlier runs have trained on.
    """

    def __init__(self, training_set: TrainingSet, epochs: int, skipped: int) -> None:
        self._training_set, self._epochs = training_set, epochs
        self._batches = skipped
        self._records = self._finished = 0

    def __str__(self) -> str:
        """Returns the current epoch and the number of epochs: "2/10"."""
        return f"{self._finished + 1}/{self._epochs}"

    def add(self, records: int) -> None:
        """Counts one batch of records."""
        self._records += records
        self._batches += 1
        if self._batches >= self._training_set.batches_per_epoch:
            self._finish_epoch()

    def _finish_epoch(self) -> None:
        self._finished += 1
        earlier = self._training_set.used - self._records
        logging.info(
            "Epoch %s: trained on %s%s, %i left out.",
            f"{self._finished} of {self._epochs}",
            counted(self._records, "record"),
            f", {earlier} before this run" if earlier else "",
            self._training_set.left_out,
        )
        self._batches = self._records = 0
