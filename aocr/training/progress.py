"""Reports how a training run goes: each step, each epoch, means, and updates that were skipped."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tqdm import tqdm

from aocr.data.records import schema
from aocr.evaluation.metrics import perplexity
from aocr.training.graph import StepResult
from aocr.training.start.training_set import TrainingSet
from aocr.util.terminal.console import is_interactive, progress_bar
from aocr.util.terminal.log import DETAIL
from aocr.util.text.plurals import counted

MAX_SKIPPED_IN_A_ROW = 10
"""Number of updates skipped in a row after which training ends."""


class Progress:
    """Counts and logs the steps of one run (docs/compatibility.md, "Log lines").

    Args:
        training_set: the records and batches of an epoch.
        epochs: the largest number of epochs of this run; `set_end` says how many it comes to.
        skipped: the number of batches of the first epoch that earlier runs have trained on.
    """

    def __init__(self, training_set: TrainingSet, epochs: int, skipped: int) -> None:
        self._training_set, self._most_epochs = training_set, epochs
        self._steps_of_run: int | None = None
        self._bar: tqdm | None = None
        self._skipped_batches = skipped
        self._batches, self._records, self._finished_epochs = skipped, 0, 0
        self._steps = self._skipped = self._skipped_in_a_row = 0
        self._seconds: list[float] = []  # of the steps since the last line of their means
        self._losses: list[float] = []  # of those among them that were applied

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Shows a progress bar in the block if there is a terminal.

        It does not show the lines of the steps, without `--verbose`.
        """
        with contextlib.ExitStack() as stack:
            if is_interactive():
                self._bar = stack.enter_context(progress_bar(self._steps_of_run, "steps"))
            yield
        self._bar = None

    def add(self, result: StepResult) -> None:
        """Counts and logs a step, and the end of its epoch."""
        self._steps += 1
        self._log_step(result)
        self._count_batch(result.image_count)
        self._seconds.append(result.seconds)
        if result.applied:
            self._losses.append(float(result.loss))
            self._skipped_in_a_row = 0
        else:
            self._skipped += 1
            self._skipped_in_a_row += 1
            _log_skipped(result)

    def _log_step(self, result: StepResult) -> None:
        logging.info(
            "Step %i: %.3fs, loss: %f, perplexity: %f.",
            self._steps,
            result.seconds,
            result.loss,
            perplexity(result.loss),
            extra=DETAIL,
        )
        if self._bar is not None:
            epoch = self._numbered_epoch(self._finished_epochs + 1, "/")
            speed = f"{result.images_per_second:.0f} images/s"
            state = f"epoch {epoch}, loss {result.loss:.4f}, {speed}"
            self._bar.set_postfix_str(state, refresh=False)
            self._bar.update()

    def _count_batch(self, records: int) -> None:
        self._records += records
        self._batches += 1
        if self._batches < self._training_set.batches_per_epoch:
            return
        self._finished_epochs += 1
        earlier = self._training_set.used - self._records
        logging.info(
            "Epoch %s: trained on %s%s, %i left out.",
            self._numbered_epoch(self._finished_epochs, " of "),
            counted(self._records, "record"),
            f", {earlier} before this run" if earlier else "",
            self._training_set.left_out,
        )
        self._batches = self._records = 0

    def _numbered_epoch(self, number: int, separator: str) -> str:
        """Returns the number of an epoch and, if the end of the run is known, that of all."""
        if self._steps_of_run is None:
            return str(number)
        batches = self._skipped_batches + self._steps_of_run
        epochs = -(-batches // self._training_set.batches_per_epoch)
        return f"{number}{separator}{min(self._most_epochs, epochs)}"

    def problem(self) -> str:
        """Returns why training should end: it no longer changes the model. Empty if it does."""
        if self._skipped_in_a_row < MAX_SKIPPED_IN_A_ROW:
            return ""
        return (
            f"{self._skipped_in_a_row} updates in a row were not finite: lower "
            "--initial-learning-rate, keep gradient clipping, and continue from a checkpoint "
            "before the loss rose"
        )

    def set_end(self, steps: int) -> None:
        """Sets the number of steps of the run, and so that of its epochs."""
        self._steps_of_run = steps
        if self._bar is not None:
            self._bar.total = steps
            self._bar.refresh()

    def log_means(self, global_step: int) -> None:
        """Logs the mean duration and loss of the steps since the last such line, if there are any.

        A step without an update counts in the mean duration but not in the mean loss.
        """
        if not self._seconds:
            return
        loss = sum(self._losses) / len(self._losses) if self._losses else float("nan")
        logging.info(
            "Global step %i. Time: %.3f, loss: %f, perplexity: %.2f.",
            global_step,
            sum(self._seconds) / len(self._seconds),
            loss,
            perplexity(loss),
        )
        self._seconds, self._losses = [], []

    def log_skipped(self) -> None:
        """Logs how many updates were skipped, if any were."""
        if self._skipped:
            skipped, verb = (
                counted(self._skipped, "update"),
                "was" if self._skipped == 1 else "were",
            )
            logging.warning("%s %s skipped; see the warnings above.", skipped, verb)


def _log_skipped(result: StepResult) -> None:
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
