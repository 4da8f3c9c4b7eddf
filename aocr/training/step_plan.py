"""Which steps a run of training takes, and on which records."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from aocr.config import TrainingOptions


class Plan(NamedTuple):
    """The steps of one run.

    With a seed the records of a step, and their order, are a function of the seed and the global
    step alone, so that a run that was killed goes on as if it had not been.

    Attributes:
        seed: of the order of the records, of dropout, and of fresh weights.
        first_step: the global step that the run begins at.
        last_step: the global step that it ends at; the number before it is the first's if there
            is nothing left to do.
        first_epoch: the pass over the records that the run begins in, from 0.
        skipped: batches of that pass that an earlier run has trained on.
    """

    seed: int
    first_step: int
    last_step: int
    first_epoch: int = 0
    skipped: int = 0


def plan(options: TrainingOptions, steps_per_epoch: int, step: int) -> Plan:
    """The plan of a run.

    Args:
        options: `seed` (None: a new one, and a new order, for each run), `num_epoch` (of this
            run), and `max_steps` (of all runs).
        steps_per_epoch: batches of a pass over the records.
        step: the global step so far.
    """
    last_step = step + options.num_epoch * steps_per_epoch
    if options.max_steps is not None:
        last_step = min(last_step, options.max_steps)
    if options.seed is None:
        return Plan(secrets.randbelow(2**31), step, last_step)
    return Plan(options.seed, step, last_step, *divmod(step, steps_per_epoch))
