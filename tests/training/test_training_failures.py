"""Checks that training ends cleanly when updates are not finite or the disk is full."""

import os
import shutil
import subprocess

import pytest
import tensorflow as tf
from commands import MODEL, TIMEOUT, draw, environment
from started_commands import Started, starter_for
from training_runs import steps, train, write

from aocr.data.records import schema


def test_updates_that_are_not_finite_are_left_out_named_and_too_many_end_it(tmp_path):
    rows = [schema.serialize(draw("AB"), "AB", "images/ab.png")] * 4
    with tf.io.TFRecordWriter(str(tmp_path / "d.tfrecords")) as writer:
        for row in rows:
            writer.write(row)
    flags = ["--optimizer=sgd", "--initial-learning-rate=1e30", "--no-gradient-clipping"]
    log = train(tmp_path, *flags, "--max-steps=30", check=1)
    assert "is skipped: the loss or its gradient is not finite. Its images: images/ab.png" in log
    assert "10 updates in a row were not finite: lower --initial-learning-rate" in log
    assert "Traceback" not in log
    assert len(steps(log)) < 30


def test_a_dataset_that_changes_while_it_is_read_ends_training_with_a_checkpoint(tmp_path):
    data, log = tmp_path / "d.tfrecords", tmp_path / "log"
    write(data, [(draw("AB"), "AB")] * 8)
    flags = ["--batch-size=4", "--steps-per-checkpoint=10", f"--log-path={tmp_path}/aocr.log"]
    process = start(tmp_path, ["train", data.name, *MODEL, *flags], log)
    wait_for("Epoch 1 of", log, process)
    write(tmp_path / "new", [(draw("BA"), "BA")] * 8)
    os.replace(tmp_path / "new", data)
    assert process.wait(TIMEOUT) == 1
    *_, saved, end = log.read_text().splitlines()
    assert "Saving the model at step" in saved
    assert "ERROR    the dataset changed while it was read: d.tfrecords " in end
    assert list((tmp_path / "checkpoints").glob("model.ckpt-*.index"))


def test_a_model_directory_that_is_removed_during_a_training_can_be_read(tmp_path):
    data, log = tmp_path / "d.tfrecords", tmp_path / "log"
    write(data, [(draw("AB"), "AB")] * 8)
    flags = ["--max-steps=8", "--batch-size=4", f"--log-path={tmp_path}/aocr.log"]
    process = start(tmp_path, ["train", data.name, *MODEL, *flags], log)
    wait_for("Epoch 1 of", log, process)
    shutil.rmtree(tmp_path / "checkpoints")
    assert process.wait(TIMEOUT) == 0
    assert "lost its config.json during the training, which is written again" in log.read_text()
    assert (tmp_path / "checkpoints/config.json").exists()


def start(folder, arguments, log):
    log.touch()
    return Started(starter_for(environment()), arguments, folder, environment(), log)


def wait_for(text, log, process):
    while text not in log.read_text():
        assert process.wait(0.05) is None, log.read_text()


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of 100 MB, which one checkpoint of 66 MB fits on, but not two."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_checkpoint_before_is_whole(tmp_path, small_disk):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB")] * 4)
    flags = [f"--model-dir={small_disk}", f"--log-path={small_disk}/aocr.log"]
    log = train(tmp_path, *flags, "--max-steps=4", "--steps-per-checkpoint=2", check=1)
    assert f"cannot write the checkpoint {small_disk}/model.ckpt-4: " in log
    assert "Traceback" not in log
    assert "Logging error" not in log
    step = tf.train.load_checkpoint(str(small_disk)).get_tensor("Variable")
    assert step == 2
    assert "No space left on device" in log
    left = sorted(path.name for path in small_disk.iterdir() if "ckpt" in path.name)
    assert left == ["model.ckpt-2.data-00000-of-00001", "model.ckpt-2.index"]
    assert not (small_disk / "training.lock").exists()
