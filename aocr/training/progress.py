"""Shows the progress of a training run: a log line per step, or a progress bar on a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tqdm import tqdm

from aocr.evaluation.metrics import perplexity
from aocr.training.step import StepResult
from aocr.util.terminal.console import is_interactive, progress_bar
from aocr.util.terminal.log import FILE_ONLY


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
