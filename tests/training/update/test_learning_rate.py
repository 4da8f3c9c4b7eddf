"""Checks the learning rate schedules by hand."""

import pytest
import tensorflow as tf
from helpers import run

from aocr.training.options import SCHEDULES, TrainingOptions
from aocr.training.update import learning_rate


def test_every_schedule_of_the_command_line_exists():
    assert list(learning_rate.SCHEDULES) == list(SCHEDULES)


def rates(last_step=10, **options):
    """Returns the rates of the first 11 steps of a run that ends at step 10."""
    with tf.Graph().as_default():
        if last_step is None:  # known at run time only
            last_step = tf.compat.v1.placeholder_with_default(10, [])
        made = [
            learning_rate.learning_rate_at(tf.constant(step), TrainingOptions(**options), last_step)
            for step in range(11)
        ]
        return run([tf.convert_to_tensor(rate) for rate in made])


def test_the_rate_is_constant_unless_told():
    assert rates(initial_learning_rate=0.5) == [0.5] * 11


def test_the_rate_warms_up_in_equal_parts():
    assert rates(warmup_steps=4)[:6] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_cosine_falls_to_nothing():
    found = rates(learning_rate_schedule="cosine")
    assert found[0] == 1
    assert found[5] == pytest.approx(0.5)
    assert found[10] == pytest.approx(0, abs=1e-6)


def test_one_cycle_rises_from_a_25th_and_falls_to_nothing():
    found = rates(learning_rate_schedule="one-cycle")  # three steps up
    assert found[:3] == pytest.approx([(1 + 24 / 3) / 25, (1 + 24 * 2 / 3) / 25, 1])
    assert found[3] == pytest.approx(1)
    assert found[10] == pytest.approx(0, abs=1e-6)
    assert sorted(found[3:], reverse=True) == found[3:]


def test_a_given_warmup_replaces_that_of_one_cycle():
    found = rates(learning_rate_schedule="one-cycle", warmup_steps=5)
    assert found[4] == pytest.approx(1)
    assert found[:5] == sorted(found[:5])
    assert found[3] < 1


@pytest.mark.parametrize("warmup_steps", [0, 4])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_an_end_that_is_known_at_run_time_only_gives_the_same_rates(schedule, warmup_steps):
    options = {"learning_rate_schedule": schedule, "warmup_steps": warmup_steps}
    assert rates(None, **options) == pytest.approx(rates(**options), abs=1e-7)
