"""Plans which steps a training run takes and on which records."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from aocr.training.options import TrainingOptions


class StepPlan(NamedTuple):
    """Determines the steps of one run.

    With a seed, the records of a step and their order depend only on the seed and the global step.
    A run that was killed and resumed therefore takes the same steps as one that was not.

    Attributes:
        seed: random seed of the order of the records, of dropout and of fresh weights.
        first_step: the global step before the run.
        last_step: the global step after the run.
        first_epoch: the epoch that the run starts in, from 0.
        skipped: number of batches of that epoch that earlier runs have trained on.
    """

    seed: int
    first_step: int
    last_step: int
    first_epoch: int = 0
    skipped: int = 0

    @property
    def step_count(self) -> int:
        """Number of steps of the run; 0 if `last_step` was reached before."""
        return max(0, self.last_step - self.first_step)


def make_step_plan(
    options: TrainingOptions, steps_per_epoch: int, step: int, planned: int | None = None
) -> StepPlan:
    """Plans the steps of a run.

    Args:
        options: the `seed` (None for a new seed, and so a new order, in each run), `num_epoch` (the
            epochs of this run), and `max_steps` (the steps of all runs).
        steps_per_epoch: number of batches of an epoch.
        step: the global step before the run.
        planned: the last step that `--max-minutes` came to in an earlier run.
    """
    last_step = step + options.num_epoch * steps_per_epoch
    last_step = min(each for each in (last_step, options.max_steps, planned) if each is not None)
    if options.seed is None:
        return StepPlan(secrets.randbelow(2**31), step, last_step)
    first_epoch, skipped = divmod(step, steps_per_epoch)
    return StepPlan(options.seed, step, last_step, first_epoch, skipped)
