"""A killed training goes on as if nothing had happened: same batches, same weights to the bit."""

import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from commands import MODEL, TIMEOUT, draw, environment
from helpers import write_records
from started_commands import Started, starter_for

from aocr.data.records import schema

KILLS = int(os.environ.get("AOCR_KILLS", "1"))
"""Times that the training is killed; more of them take minutes."""

STEPS = 24
WORDS = ("AB", "BA", "CAB", "ACC", "B", "CC", "ABC")


@pytest.fixture
def folder(tmp_path):
    pairs = [(draw(word), word) for word in WORDS * 3]
    rows = [schema.serialize(image, word) for image, word in pairs]
    write_records(tmp_path / "d.tfrecords", rows)
    return tmp_path


def start(folder, model_dir):
    log = folder / f"{model_dir}.log"
    return Started(
        starter_for(environment()),
        ["train", "d.tfrecords", *MODEL, "--batch-size=4", "--seed=7", "--steps-per-checkpoint=3"]
        + [f"--max-steps={STEPS}", f"--model-dir={model_dir}", f"--log-path={log}"],
        folder,
        environment(),
        os.devnull,
    )


def weights(folder, model_dir):
    """Every value of the last checkpoint, the optimizer's and the averages too."""
    reader = tf.train.load_checkpoint(str(folder / model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def wait_for_checkpoint(process, state):
    """Waits until the training has saved something or ended.

    Args:
        process: the training.
        state: the file that names its last checkpoint.
    """
    before = state.stat().st_mtime_ns if state.exists() else 0
    while process.wait(0.01) is None and (not state.exists() or state.stat().st_mtime_ns == before):
        pass


def test_a_killed_training_ends_with_the_same_weights(folder):
    assert start(folder, "whole").wait(TIMEOUT) == 0
    kills = resumed = 0
    while kills < KILLS:
        resumed += (folder / "killed/checkpoint").exists()
        process = start(folder, "killed")
        wait_for_checkpoint(process, folder / "killed/checkpoint")
        process.signal(signal.SIGKILL)
        kills += process.wait(TIMEOUT) < 0
        if not process.code:
            shutil.rmtree(folder / "killed")  # it was faster than the signal
    assert start(folder, "killed").wait(TIMEOUT) == 0
    log = (folder / "killed.log").read_text()
    gone_on = log.count("Reading model parameters") + log.count("Nothing to train")
    assert gone_on == resumed + 1
    expected, found = weights(folder, "whole"), weights(folder, "killed")
    assert expected.keys() == found.keys()
    assert expected["Variable"] == STEPS
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)
