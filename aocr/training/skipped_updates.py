"""Reports updates that were skipped because the loss or the gradient was not finite."""

from __future__ import annotations

import logging

from aocr.data.records import schema
from aocr.training.step import StepResult
from aocr.util.errors import UserError
from aocr.util.text.plurals import counted

MAX_SKIPPED_IN_A_ROW = 10
"""Number of updates skipped in a row after which training ends."""


class SkippedUpdates:
    """Counts the skipped updates of one run."""

    def __init__(self) -> None:
        self._total = self._in_a_row = 0

    @property
    def are_too_many(self) -> bool:
        """Whether training should end, because it no longer changes the model."""
        return self._in_a_row >= MAX_SKIPPED_IN_A_ROW

    def add(self, result: StepResult) -> None:
        """Counts the update of one step, and reports it if it was skipped."""
        if result.applied:
            self._in_a_row = 0
            return
        self._total += 1
        self._in_a_row += 1
        _report_non_finite_update(result)

    def error(self) -> UserError:
        """Returns the error that ends training after too many skipped updates."""
        return UserError(
            f"{self._in_a_row} updates in a row were not finite: lower --initial-learning-rate, "
            "keep gradient clipping, and continue from a checkpoint before the loss rose"
        )

    def log_total(self) -> None:
        """Logs how many updates were skipped, if any were."""
        if self._total:
            skipped, verb = counted(self._total, "update"), "was" if self._total == 1 else "were"
            logging.warning("%s %s skipped; see the warnings above.", skipped, verb)


def _report_non_finite_update(result: StepResult) -> None:
    """Logs the names of the images of a skipped update."""
    names = (
        schema.text_of(comment) or f"record {place + 1}"
        for place, comment in zip(result.record_indices, result.comments, strict=True)
    )
    logging.warning(
        "The update to global step %i is skipped: the loss or its gradient is not finite. "
        "Its images: %s",
        result.global_step,
        ", ".join(names),
    )
