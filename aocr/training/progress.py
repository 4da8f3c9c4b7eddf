"""What a training says of itself: log lines, and on a terminal one line that moves."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
from collections.abc import Iterator

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from aocr.evaluation.metrics import perplexity
from aocr.util.log import FILE_ONLY


class Progress:
    """The steps' log lines (COMPAT.md, section 4), which a bar replaces on a terminal."""

    def __init__(self, bar: tqdm | None) -> None:
        self._bar = bar

    def step(self, number: int, seconds: float, loss: float, images: int, epoch: str) -> None:
        """Says one step; its number counts from 1 in each run."""
        logging.info(
            "Step %i: %.3fs, loss: %f, perplexity: %f.",
            number,
            seconds,
            loss,
            perplexity(loss),
            extra={FILE_ONLY: self._bar is not None},
        )
        if self._bar is not None:
            rate = f"{images / seconds:.0f} images/s"
            self._bar.set_postfix_str(f"epoch {epoch}, loss {loss:.4f}, {rate}", refresh=False)
            self._bar.update()


@contextlib.contextmanager
def progress(steps: int) -> Iterator[Progress]:
    """A bar for so many steps on a terminal, log lines elsewhere."""
    if sys.stderr.isatty():
        with logging_redirect_tqdm(), tqdm(total=steps, unit=" steps") as bar:
            yield Progress(bar)
    else:
        yield Progress(None)


@dataclasses.dataclass
class Means:
    """Sums over the steps since the last checkpoint."""

    steps: int = 0
    seconds: float = 0
    losses: float = 0
    applied: int = 0

    def add(self, seconds: float, loss: float, applied: bool) -> None:
        """Counts a step; the loss only if the step changed the model."""
        self.steps += 1
        self.seconds += seconds
        if applied:
            self.losses += loss
            self.applied += 1

    def log(self, global_step: int) -> None:
        """Says the mean time and loss."""
        loss = self.losses / self.applied if self.applied else float("nan")
        logging.info(
            "Global step %i. Time: %.3f, loss: %f, perplexity: %.2f.",
            global_step,
            self.seconds / self.steps,
            loss,
            perplexity(loss),
        )


class Epochs:
    """Counts what was trained, and says it after every pass over the data.

    Args:
        usable: records of a pass.
        left_out: records that are in no pass.
        total: passes of this run.
        batches: of a pass.
        before: batches of the first pass that an earlier run has trained on.
    """

    def __init__(self, usable: int, left_out: int, total: int, batches: int, before: int) -> None:
        self._usable, self._left_out, self._total = usable, left_out, total
        self._batches, self._batch = batches, before
        self._done = self._trained = 0

    def __str__(self) -> str:
        """The pass that runs, of how many."""
        return f"{self._done + 1}/{self._total}"

    def add(self, examples: int) -> None:
        """Counts a step's examples."""
        self._trained += examples
        self._batch += 1
        if self._batch < self._batches:
            return
        self._done += 1
        earlier = self._usable - self._trained
        before = f", {earlier} before this run" if earlier else ""
        logging.info(
            "Epoch %i of %i: trained on %i records%s, %i left out.",
            self._done,
            self._total,
            self._trained,
            before,
            self._left_out,
        )
        self._batch = self._trained = 0
