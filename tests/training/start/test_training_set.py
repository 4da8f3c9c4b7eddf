"""Checks which records a run trains on, and that it logs those that it leaves out."""

import json
import logging

import pytest
import tensorflow as tf
from commands import draw, run_aocr
from training_runs import train, write

from aocr.config import Config
from aocr.training.options import Run, TrainingOptions
from aocr.training.start.training_set import load_training_set


def test_what_cannot_be_trained_is_counted_and_named_first(tmp_path):
    good, wide = draw("AB"), draw("AB", size=(200, 32))
    pairs = [(good, "AB"), (good, "TOOLONG"), (good, "a!"), (b"no image", "AB"), (wide, "CAB")]
    write(tmp_path / "d.tfrecords", pairs + [(good, "ABCD")] * 12)
    log = train(tmp_path, "--num-epoch=1")
    before, _, after = log.partition("Step 1:")
    assert "13 labels are longer than --max-prediction=3: left out." in before
    assert "record 2: 'TOOLONG' has 7 characters" in before
    assert "and 3 more." in before
    assert "1 label holds characters outside the model's charset: left out." in before
    assert "record 3: 'a!' in 'a!'" in before
    assert "1 image cannot be decoded: left out." in before
    assert "record 4" in before
    assert "1 image is wider than --max-width=48: shrunk to fit." in before
    assert "record 5: 200 pixels wide" in before
    assert "Training on 2 of 17 records." in before
    assert "Epoch 1 of 1: trained on 2 records, 15 left out." in after
    assert "Step 2" not in after


@pytest.mark.parametrize("pairs", [[], [(b"x", "AB")]])
def test_nothing_to_train_on_is_an_error_before_the_first_step(tmp_path, pairs):
    write(tmp_path / "d.tfrecords", pairs)
    log = train(tmp_path, check=1)
    assert "Step" not in log
    assert "Traceback" not in log
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("content", [None, b"these are no records at all"])
def test_a_file_that_is_no_dataset_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "d.tfrecords").write_bytes(content)
    log = train(tmp_path, check=1)
    assert "d.tfrecords" in log
    assert "Traceback" not in log
    assert log.count(" ERROR ") == 1
    assert log.splitlines()[-1].count("d.tfrecords") >= 1


def load(*paths, drop_wide=False):
    run = Run([*map(str, paths)], [], "m", None, True, None, -1, "float32")
    config = Config(max_width=48, max_height=32, max_prediction=3)
    return load_training_set(run, config, TrainingOptions(batch_size=4, drop_wide=drop_wide))


def test_wide_images_are_dropped_if_asked_for(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    pairs = [(draw("AB"), "AB"), (draw("AB", size=(200, 32)), "CAB")]
    write(tmp_path / "d.tfrecords", pairs)
    assert load(tmp_path / "d.tfrecords", drop_wide=True)[1:4] == (1, 1, 1)
    assert "1 image is wider than --max-width=48: left out." in caplog.text


def test_several_files_are_trained_on_together(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    for number in range(3):
        write(tmp_path / f"{number}.tfrecords", [(draw("AB"), "AB")] * 2)
    assert load(tmp_path / "0.tfrecords", tmp_path / "[12].tfrecords").used == 6
    assert "Training on 6 of 6 records." in caplog.text


def test_a_charset_learnt_from_the_labels_is_read_and_served(tmp_path):
    words = ("字ä", "ä字")
    pictures = {"字ä": draw("AB"), "ä字": draw("CC")}
    write(tmp_path / "d.tfrecords", [(pictures[w], w) for w in words * 2])
    fast = ["--backbone=compact", "--dropout=0", "--optimizer=adam", "--initial-learning-rate=0.01"]
    train(tmp_path, "--num-epoch=40", "--charset=auto", "--seed=1", *fast)
    facts = json.loads((tmp_path / "checkpoints/config.json").read_text(encoding="utf-8"))
    assert facts["characters"] == "ä字"
    log = run_aocr("test", "d.tfrecords", "--visualize", cwd=tmp_path, check=0).stderr
    assert "Exact match: 100.00%" in log
    assert "(字ä)" in log
    assert (tmp_path / "results/correct/00001-字ä/word.txt").read_text() == "字ä\n字ä\n"
    run_aocr("export", cwd=tmp_path, check=0)
    assert json.loads((tmp_path / "exported/config.json").read_text())["characters"] == "ä字"
    read = tf.saved_model.load(str(tmp_path / "exported")).signatures["serving_default"]
    assert read(tf.constant(pictures["ä字"]))["output"].numpy().decode() == "ä字"
