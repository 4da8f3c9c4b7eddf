"""Averages the durations and losses of training steps."""

from __future__ import annotations

import dataclasses
import logging

from aocr.evaluation.metrics import perplexity
from aocr.training.step import StepResult


@dataclasses.dataclass
class RunningMeans:
    """Adds up the durations and losses of steps, and logs their means.

    A step without an update counts in the mean duration but not in the mean loss.
    """

    steps: int = 0
    seconds: float = 0
    updates: int = 0
    losses: float = 0

    def add(self, result: StepResult) -> None:
        """Counts one step."""
        self.steps += 1
        self.seconds += result.seconds
        if result.applied:
            self.updates += 1
            self.losses += float(result.loss)

    def log(self, global_step: int) -> None:
        """Logs the means (docs/compatibility.md, "Log lines")."""
        loss = self.losses / self.updates if self.updates else float("nan")
        logging.info(
            "Global step %i. Time: %.3f, loss: %f, perplexity: %.2f.",
            global_step,
            self.seconds / self.steps,
            loss,
            perplexity(loss),
        )
