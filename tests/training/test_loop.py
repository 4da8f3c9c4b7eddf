"""Checks the order of events in the training loop, with steps that are made up."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from aocr.training.graph import StepResult
from aocr.training.options import TrainingOptions
from aocr.training.progress import MAX_SKIPPED_IN_A_ROW, Progress
from aocr.training.start.step_plan import StepPlan
from aocr.training.start.time_plan import RunTiming
from aocr.training.start.training_set import TrainingSet
from aocr.training.trainer import TrainingLoop
from aocr.util.errors import UserError

TRAINING_SET = TrainingSet(None, used=3, left_out=1, batches_per_epoch=2)


def result(global_step, applied=True, records=2):
    return StepResult(
        global_step=global_step,
        applied=applied,
        loss=0.5 if applied else float("nan"),
        gradient_norm=1.0,
        learning_rate=1.0,
        record_indices=np.arange(records),
        comments=np.array([b"images/a.png", b""][:records], object),
        seconds=0.25,
    )


class Recorder:
    """Notes what the loop does, in place of all outputs."""

    def __init__(self, patience=10**9):
        self.calls, self._patience = [], patience

    def add_step(self, step_result):
        self.calls.append(f"step {step_result.global_step}")

    def save(self, step):
        if f"save {step}" not in self.calls:
            self.calls.append(f"save {step}")

    save_alone = save

    def advise(self):
        pass

    def validate(self, step):
        self.save(step)
        self.calls.append(f"validate {step}")
        return sum(call.startswith("validate") for call in self.calls) >= self._patience


def run(results, requests=(), recorder=None, **options):
    recorder = recorder or Recorder()
    loop(recorder, len(results), **options).run(iter(results), list(requests))
    return recorder.calls


def loop(recorder, steps, **options):
    plan = StepPlan(seed=1, first_step=0, last_step=steps)
    progress = Progress(TRAINING_SET, epochs=2, skipped=0)
    timing = RunTiming(plan, TRAINING_SET, one_width=True)
    return TrainingLoop(plan, TrainingOptions(**options), progress, recorder, timing)


def test_checkpoints_and_validations_have_their_intervals():
    steps = [result(number) for number in range(1, 6)]
    calls = run(steps, steps_per_checkpoint=2, validation_interval=3)
    expected = (
        "step 1,step 2,save 2,step 3,save 3,validate 3,step 4,save 4,step 5,save 5,validate 5"
    )
    assert calls == expected.split(",")


def test_a_signal_ends_with_a_checkpoint_and_no_validation(caplog):
    caplog.set_level(logging.INFO)
    calls = run([result(1), result(2)], requests=["SIGTERM"])
    assert calls == ["step 1", "save 1"]
    assert "Stopping on SIGTERM." in caplog.messages
    assert caplog.messages[-1].startswith("Training has stopped at global step 1.")


def test_patience_ends_training():
    steps = [result(number) for number in range(1, 9)]
    calls = run(steps, recorder=Recorder(patience=2), steps_per_checkpoint=1)
    assert [call for call in calls if call.startswith("step")] == ["step 1", "step 2"]


def test_means_leave_out_the_losses_of_skipped_updates(caplog):
    caplog.set_level(logging.INFO)
    run([result(1), result(2, applied=False)])
    assert "Global step 2. Time: 0.250, loss: 0.500000, perplexity: 1.65." in caplog.messages
    assert "1 update was skipped; see the warnings above." in caplog.messages


def test_too_many_skipped_updates_end_training_with_a_checkpoint():
    steps = [result(number, applied=False) for number in range(1, 20)]
    recorder = Recorder()
    with pytest.raises(UserError, match="10 updates in a row were not finite"):
        run(steps, recorder=recorder)
    assert recorder.calls[-2:] == [f"step {MAX_SKIPPED_IN_A_ROW}", f"save {MAX_SKIPPED_IN_A_ROW}"]


def test_records_that_cannot_be_read_end_training_with_a_checkpoint():
    def steps():
        yield result(1)
        raise tf.errors.DataLossError(None, None, "corrupted record")

    recorder = Recorder()
    with pytest.raises(tf.errors.DataLossError):
        loop(recorder, 9).run(steps(), [])
    assert recorder.calls == ["step 1", "save 1"]


def test_an_applied_update_ends_a_row_of_skipped_ones(caplog):
    applied = [number == MAX_SKIPPED_IN_A_ROW for number in range(1, 2 * MAX_SKIPPED_IN_A_ROW)]
    run([result(number, each) for number, each in enumerate(applied, start=1)])
    warnings = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert "Its images: images/a.png, record 2" in warnings[0]


def test_epochs_are_logged_with_records_of_earlier_runs(caplog):
    caplog.set_level(logging.INFO)
    progress = Progress(TRAINING_SET, epochs=2, skipped=1)
    progress.set_end(4)
    for step, records in enumerate((1, 2, 1), start=1):
        progress.add(result(step, records=records))
    assert [message for message in caplog.messages if message.startswith("Epoch")] == [
        "Epoch 1 of 2: trained on 1 record, 2 before this run, 1 left out.",
        "Epoch 2 of 2: trained on 3 records, 1 left out.",
    ]


def test_epochs_are_numbered_without_their_number_until_the_end_is_planned(caplog):
    caplog.set_level(logging.INFO)
    progress = Progress(TRAINING_SET, epochs=1000, skipped=0)
    for step in range(1, 5):
        progress.add(result(step))
        if step == 2:
            progress.set_end(17)
    assert [message.split(":")[0] for message in caplog.messages if "Epoch" in message] == [
        "Epoch 1",
        "Epoch 2 of 9",
    ]
