"""Tests which steps a run takes: epochs of this run, steps of all runs, and where it continues."""

import pytest

from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan, make_step_plan


def options(**values):
    return TrainingOptions(**values)


@pytest.mark.parametrize(
    ("limits", "step", "last_step"),
    [
        ({"num_epoch": 2}, 0, 6),
        ({"num_epoch": 2}, 100, 106),  # of this run
        ({"num_epoch": 2, "max_steps": 5}, 0, 5),
        ({"num_epoch": 2, "max_steps": 5}, 4, 5),  # of all runs
        ({"num_epoch": 2, "max_steps": 5}, 5, 5),
        ({"num_epoch": 2, "max_steps": 900}, 3, 9),
    ],
)
def test_the_sooner_limit_counts(limits, step, last_step):
    made = make_step_plan(options(**limits), steps_per_epoch=3, step=step)
    assert (made.first_step, made.last_step) == (step, last_step)


def test_with_a_seed_the_step_says_where_the_run_goes_on():
    assert make_step_plan(options(seed=4, num_epoch=1), steps_per_epoch=3, step=7) == StepPlan(
        4, 7, 10, 2, 1
    )


def test_without_a_seed_each_run_has_its_own_order():
    plans = [make_step_plan(options(), steps_per_epoch=3, step=7) for _ in range(4)]
    assert len({made.seed for made in plans}) > 1
    assert {(made.first_epoch, made.skipped) for made in plans} == {(0, 0)}
