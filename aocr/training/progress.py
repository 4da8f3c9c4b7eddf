"""Shows the progress of a training run: a log line per step, or a progress bar on a terminal."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator

from tqdm import tqdm

from aocr.data.records import schema
from aocr.evaluation.metrics import perplexity
from aocr.training.start.training_set import TrainingSet
from aocr.training.step import StepResult
from aocr.util.errors import UserError
from aocr.util.terminal.console import is_interactive, progress_bar
from aocr.util.terminal.log import FILE_ONLY
from aocr.util.text.plurals import counted


class Progress:
    """Reports each step to the log and, on a terminal, in a progress bar.

    Args:
        bar: the progress bar. The lines of the steps then go to the log file only.
    """

    def __init__(self, bar: tqdm | None) -> None:
        self._bar = bar

    def show(self, number: int, result: StepResult, epoch: str) -> None:
        """Reports one step (docs/compatibility.md, "Log lines").

        Args:
            number: number of the step in this run, from 1.
            result: what the step returned.
            epoch: the current epoch and the number of epochs, such as "2/10".
        """
        logging.info(
            "Step %i: %.3fs, loss: %f, perplexity: %f.",
            number,
            result.seconds,
            result.loss,
            perplexity(result.loss),
            extra={FILE_ONLY: self._bar is not None},
        )
        if self._bar is not None:
            speed = f"{result.images_per_second:.0f} images/s"
            state = f"epoch {epoch}, loss {result.loss:.4f}, {speed}"
            self._bar.set_postfix_str(state, refresh=False)
            self._bar.update()

    def set_total(self, steps: int) -> None:
        """Changes the number of steps of the run."""
        if self._bar is not None:
            self._bar.total = steps
            self._bar.refresh()


@contextlib.contextmanager
def show_progress(steps: int) -> Iterator[Progress]:
    """Shows a progress bar for a number of steps on a terminal, and log lines elsewhere."""
    if is_interactive():
        with progress_bar(steps, "steps") as bar:
            yield Progress(bar)
    else:
        yield Progress(None)


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
