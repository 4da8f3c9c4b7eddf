"""Checks the measured pace of a run by hand."""

import logging

import pytest

from aocr.training.start.step_plan import StepPlan
from aocr.training.start.time_plan import MEASURED_STEPS, RunTiming, pace_of
from aocr.training.start.training_set import TrainingSet

TRAINING_SET = TrainingSet(None, used=300, left_out=1, batches_per_epoch=6)


def test_the_first_step_and_a_delay_do_not_count():
    found = pace_of([90, 2, 2, 9, 2, 2], TRAINING_SET, one_width=True)
    assert found == (2, 300 / 12, 12)


def test_with_buckets_all_widths_count():
    found = pace_of([90, 1, 1, 4], TRAINING_SET, one_width=False)
    assert found.step_seconds == pytest.approx(2)


def test_the_first_step_counts_if_it_is_the_only_one():
    assert pace_of([90], TRAINING_SET, one_width=True).step_seconds == 90


def test_the_line_of_the_pace(caplog):
    caplog.set_level(logging.INFO)
    timing = RunTiming(StepPlan(1, 0, 20), TRAINING_SET, one_width=True)
    for step, seconds in enumerate([90] + [2] * (MEASURED_STEPS + 3), start=1):
        timing.add(step, seconds)
    assert caplog.messages == ["About 25 images a second, 0.2 minutes an epoch."]
