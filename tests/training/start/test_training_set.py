"""Checks which records a run trains on, and that it logs those that it leaves out."""

import json

import pytest
import tensorflow as tf
from commands import MODEL, draw, run_aocr
from training_runs import train, write


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


def test_wide_images_are_dropped_if_asked_for(tmp_path):
    write(tmp_path / "d.tfrecords", [(draw("AB"), "AB"), (draw("AB", size=(200, 32)), "CAB")])
    log = train(tmp_path, "--num-epoch=2", "--drop-wide")
    assert "1 image is wider than --max-width=48: left out." in log
    assert "Epoch 2 of 2: trained on 1 record, 1 left out." in log


def test_several_files_are_trained_on_together(tmp_path):
    for number in range(3):
        write(tmp_path / f"{number}.tfrecords", [(draw("AB"), "AB")] * 2)
    log = run_aocr(
        "train", "0.tfrecords", "[12].tfrecords", *MODEL, "--num-epoch=1", cwd=tmp_path, check=0
    ).stderr
    assert "Training on 6 of 6 records." in log


def test_a_charset_learnt_from_the_labels_is_read_and_served(tmp_path):
    words = ("字ä", "ä字")
    pictures = {"字ä": draw("AB"), "ä字": draw("CC")}
    write(tmp_path / "d.tfrecords", [(pictures[w], w) for w in words * 2])
    fast = ["--dropout=0", "--initial-learning-rate=2", "--learning-rate-schedule=cosine"]
    train(tmp_path, "--num-epoch=60", "--charset=auto", "--seed=1", *fast)
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
