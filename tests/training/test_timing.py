"""Checks --max-minutes: how many steps fit, when the plan is made, and that a resume keeps it."""

import logging
import re
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf
from commands import draw
from training_runs import STEP, steps, train, write

from aocr.model.weights import checkpoints
from aocr.training.options import TrainingOptions
from aocr.training.start.step_plan import StepPlan, make_step_plan
from aocr.training.start.time_plan import (
    VARIABLES,
    Pace,
    RunTiming,
    TimeBudget,
    TimePlan,
    planned_last_step,
    schedule_end,
    steps_that_fit,
)
from aocr.training.start.training_set import TrainingSet
from aocr.training.trainer import _log_nothing_to_train

PACE = Pace(step_seconds=2.0, images_per_second=10.0, epoch_seconds=20.0)
TRAINING_SET = TrainingSet(None, used=40, left_out=0, batches_per_epoch=10)
PLAN = StepPlan(seed=1, first_step=0, last_step=500)


def test_steps_that_fit_by_hand():
    assert steps_that_fit(100, PACE, validation_images=0, validation_interval=1) == 50
    # a validation takes 0.4 * 50 / 10 = 2 s: after each 10 steps of 2 s, and at the end
    assert steps_that_fit(100, PACE, validation_images=50, validation_interval=10) == int(98 / 2.2)
    assert steps_that_fit(-1, PACE, validation_images=0, validation_interval=1) == 0


class Planned:
    """Runs steps of made-up durations in a run that began some seconds ago."""

    def __init__(self, minutes, seconds_ago, durations, folder=None, limit=500):
        options = TrainingOptions(4, max_minutes=minutes)
        plan = PLAN._replace(last_step=limit)
        with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
            end = schedule_end(options, plan)
            session.run(tf.compat.v1.global_variables_initializer())
            budget = TimeBudget(time.monotonic() - seconds_ago)
            time_plan = TimePlan(session, options, budget, limit)
            timing = RunTiming(plan, TRAINING_SET, True, time_plan)
            self.before = session.run(end)
            self.made = [timing.add(n, s) for n, s in enumerate(durations, start=1)]
            self.last_step, self.schedule_end = timing.last_step, session.run(end)
            if folder:
                checkpoints.CheckpointWriter(folder, keep=1).save(session, len(durations))


def test_the_plan_is_made_once_after_the_measured_steps(caplog):
    caplog.set_level(logging.INFO)
    found = Planned(2, 20, [15] + [1] * 7)
    assert found.made == [False] * 5 + [True] + [False] * 2
    assert found.before == 500
    assert found.last_step == found.schedule_end == 6 + 99  # in a little less than 100 s
    assert [each.message for each in caplog.records if each.name == "root"] == [
        "About 4 images a second, 0.167 minutes an epoch.",
        "2 minutes: about 99 steps, 9.9 epochs more; training ends at global step 105.",
    ]


def test_quick_steps_are_measured_for_a_share_of_the_time():
    found = Planned(2, 1, [1] + [0.1] * 40)
    assert found.made.index(True) == 24  # 24 steps of 0.1 s are 2 % of two minutes


def test_slow_steps_are_not_measured_for_long():
    found = Planned(1, 16, [15, 5])
    assert found.made == [False, True]
    assert found.last_step == 2 + 8


def test_a_run_without_time_left_ends_at_once():
    assert Planned(1, 61, [60]).last_step == 1


def test_the_earlier_limit_wins(caplog):
    caplog.set_level(logging.INFO)
    assert Planned(2, 20, [15] + [1] * 5, limit=50).last_step == 50
    assert "ends at global step 50, because --max-steps or --num-epoch comes first." in caplog.text


@pytest.mark.parametrize(
    ("seconds", "last_step"),
    [(0.1, 18 + 999), (1.1, 105), (20, 18 + 10)],
    ids=["busy at first", "as measured", "busy later"],
)
def test_a_plan_that_is_far_off_is_corrected(seconds, last_step):
    """An eighth of the 99 steps that are planned at step 6 is taken at step 18."""
    found = Planned(2, 20, [15] + [1] * 5 + [seconds] * 12, limit=2000)
    assert found.made[:17] == [False] * 5 + [True] + [False] * 11
    assert found.last_step == found.schedule_end == last_step
    assert found.made[17] == (last_step != 105)


def test_a_correction_keeps_the_other_limits(caplog):
    caplog.set_level(logging.INFO)
    assert Planned(2, 20, [15] + [1] * 5 + [0.1] * 12, limit=200).last_step == 200
    assert "A step takes 0.100s now: training ends at global step 200 instead of 105." in (
        caplog.messages
    )


def test_a_run_that_takes_longer_says_so_once(caplog):
    options = TrainingOptions(4, max_minutes=1)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        schedule_end(options, PLAN)
        session.run(tf.compat.v1.global_variables_initializer())
        budget = TimeBudget(time.monotonic() - 73, planned=400)
        timing = RunTiming(PLAN, TRAINING_SET, True, TimePlan(session, options, budget, 400))
        for step in range(8):
            timing.add(step + 1, 1.0)
    (line,) = (each.message for each in caplog.records if each.levelname == "WARNING")
    assert line.startswith("Training has taken 1.2 minutes instead of --max-minutes=1: ")


def test_the_plan_of_the_same_minutes_is_found_in_the_checkpoint(tmp_path):
    last_step = Planned(2, 20, [15] + [1] * 7, str(tmp_path)).last_step
    checkpoint = checkpoints.find_checkpoint(str(tmp_path))
    found = planned_last_step(checkpoint, TrainingOptions(max_minutes=2.0))
    assert found == last_step
    assert planned_last_step(checkpoint, TrainingOptions(max_minutes=3.0)) is None
    assert planned_last_step(checkpoint, TrainingOptions()) is None
    assert planned_last_step(None, TrainingOptions(max_minutes=2.0)) is None
    assert make_step_plan(TrainingOptions(), 100, 8, found).last_step == found


def test_without_minutes_there_are_no_variables():
    with tf.Graph().as_default() as graph:
        assert schedule_end(TrainingOptions(), PLAN) == 500
        assert not graph.get_operations()


FLAGS = ("--seed=5", "--max-minutes=0.02", "--learning-rate-schedule=one-cycle")


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    """Trains for a second; returns the folder and the log."""
    folder = tmp_path_factory.mktemp("timed")
    write(folder / "d.tfrecords", [(draw(word), word) for word in ("AB", "BA", "CAB") * 3])
    return folder, train(folder, *FLAGS)


def test_a_run_ends_at_the_planned_step(timed):
    _, log = timed
    last_step = int(re.findall(r"training ends at global step (\d+)", log)[-1])
    assert steps(log)[-1] == last_step
    assert re.search(
        r"The model has \d,\d{3},\d{3} weights; 9 records make 3 batches an epoch;", log
    )
    assert all("Step" not in line or STEP.search(line) for line in log.splitlines())


def values_of(model_dir):
    reader = tf.train.load_checkpoint(str(model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def plan_more_steps(folder, name, last_step):
    """Copies the trained model with another plan, as if the steps had been quicker."""
    values = values_of(folder / "checkpoints") | {VARIABLES[0]: np.int32(last_step)}
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        for each, value in values.items():
            tf.compat.v1.get_variable(each, initializer=tf.constant(value))
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoints.CheckpointWriter(str(folder / name), 1).save(session, int(values["Variable"]))
    shutil.copy(folder / "checkpoints/config.json", folder / name)


def interrupt(whole, parts, step):
    """Copies a trained model as it was when a step had been saved.

    Args:
        whole: the model directory.
        parts: the new one.
        step: the global step of one of its checkpoints.
    """
    parts.mkdir()
    for path in [*whole.glob(f"model.ckpt-{step}.*"), whole / "config.json"]:
        shutil.copy(path, parts)
    (parts / "checkpoint").write_text(f'model_checkpoint_path: "model.ckpt-{step}"\n')


def test_an_interrupted_run_ends_at_the_same_step_with_the_same_weights(timed):
    folder, log = timed
    step = steps(log)[-1]
    last_step = step + 4
    plan_more_steps(folder, "whole", last_step)
    saving = "--steps-per-checkpoint=1", "--keep-checkpoints=9"
    logs = [train(folder, *FLAGS, "--model-dir=whole", *saving)]
    interrupt(folder / "whole", folder / "parts", step + 2)
    logs.append(train(folder, *FLAGS, "--model-dir=parts"))
    assert [len(steps(each)) for each in logs] == [4, 2]
    text = f"Continuing a plan of --max-minutes=0.02: training ends at global step {last_step}."
    assert all(text in each for each in logs)
    whole, parts = values_of(folder / "whole"), values_of(folder / "parts")
    assert whole["Variable"] == whole[VARIABLES[0]] == last_step
    for name, value in whole.items():
        np.testing.assert_array_equal(value, parts[name], err_msg=name)


def test_a_plan_that_is_done_leaves_nothing_to_train(caplog):
    caplog.set_level(logging.INFO)
    options = TrainingOptions(max_minutes=2.5)
    _log_nothing_to_train(options, StepPlan(seed=1, first_step=7, last_step=7))
    assert "the 7 steps that were planned for --max-minutes=2.5 are taken" in caplog.text
