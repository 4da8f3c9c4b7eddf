"""Checks the measured pace of a run by hand."""

import logging

import pytest

from aocr.training.start.training_set import TrainingSet
from aocr.training.timing import PaceMeter

TRAINING_SET = TrainingSet(None, used=300, left_out=1, batches_per_epoch=6)


def pace(seconds, one_width=True):
    meter = PaceMeter(TRAINING_SET, one_width)
    for each in seconds:
        meter.add(each)
    return meter.pace()


def test_the_first_step_and_a_delay_do_not_count():
    found = pace([90, 2, 2, 9, 2, 2])
    assert found == (2, 300 / 12, 12)


def test_with_buckets_all_widths_count():
    assert pace([90, 1, 1, 4], one_width=False).step_seconds == pytest.approx(2)


def test_the_first_step_counts_if_it_is_the_only_one():
    assert pace([90]).step_seconds == 90


def test_the_line_of_the_pace(caplog):
    caplog.set_level(logging.INFO)
    pace([90, 2, 2]).log()
    assert caplog.messages == ["About 25 images a second, 0.2 minutes an epoch."]
