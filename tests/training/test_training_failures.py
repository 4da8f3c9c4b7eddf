"""Checks that training ends cleanly when updates are not finite or the disk is full."""

import subprocess

import pytest
import tensorflow as tf
from commands import draw
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
