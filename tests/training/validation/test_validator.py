"""Checks validation during training: the best checkpoint, TensorBoard, early stopping."""

import json
import re
import shutil

import pytest
import tensorflow as tf
from commands import draw, run_aocr
from training_runs import steps, train, write


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """Trains until three validations, none better than the first; returns folder and log."""
    folder = tmp_path_factory.mktemp("validated")
    write(folder / "d.tfrecords", [(draw(word), word) for word in ("AB", "BA") * 4])
    write(folder / "v.tfrecords", [(draw("C"), "ZZZ"), (draw("C"), "longer")])
    flags = ["--validation=v.tfrecords", "--steps-per-checkpoint=2", "--patience=2", "--seed=1"]
    return folder, train(folder, *flags, "--initial-learning-rate=1e-9", "--max-steps=50")


def test_every_checkpoint_is_validated_and_the_best_is_kept(validated):
    folder, log = validated
    assert log.count("Validation: exact match ") == 3
    assert len(re.findall(r", loss \d+\.\d+ over 1 image, on 2 images\.", log)) == 3
    (best,) = (folder / "checkpoints").glob("best.ckpt-*.index")
    step = re.search(r"best\.ckpt-(\d+)", best.name)[1]
    assert json.loads((folder / "checkpoints/best.json").read_text())["step"] == int(step)
    tested = run_aocr("test", "d.tfrecords", cwd=folder, check=0).stderr
    assert f"Reading model parameters from ./checkpoints/best.ckpt-{step}" in tested
    latest = run_aocr("test", "d.tfrecords", "--checkpoint=latest", cwd=folder, check=0).stderr
    assert "Reading model parameters from ./checkpoints/model.ckpt-6" in latest


def test_validation_is_in_tensorboard_with_pictures_and_texts(validated):
    folder, _ = validated
    (path,) = (folder / "checkpoints").glob("events*")
    values = {}
    for record in tf.compat.v1.io.tf_record_iterator(str(path)):
        event = tf.compat.v1.Event.FromString(record)
        for value in event.summary.value:
            values.setdefault(value.tag, []).append((event.step, value))
    assert [step for step, _ in values["validation/exact_match"]] == [2, 4, 6]
    for tag in ("loss", "learning_rate", "total_gradient_norm", "images_per_second"):
        assert [step for step, _ in values[tag]] == [1, 2, 3, 4, 5, 6]
    _, picture = values["validation/attention_1"][0]
    assert picture.image.encoded_image_string.startswith(b"\x89PNG")
    _, texts = values["validation/texts"][0]
    assert "| ZZZ |" in texts.tensor.string_val[0].decode()


def test_a_resumed_run_says_that_its_records_are_others(validated):
    folder, _ = validated
    other = folder / "other"
    shutil.copytree(folder / "checkpoints", other / "checkpoints")
    write(other / "d.tfrecords", [(draw("AB"), "AB")] * 5)
    write(other / "v.tfrecords", [(draw("C"), "ZZ")])
    log = train(other, "--validation=v.tfrecords", "--max-steps=7")
    assert re.search(r"was trained on 8 records \(.*\) so far, and goes on with 5 records", log)
    assert re.search(r"was measured on 2 records \(.*\); --validation now has 1 record", log)
    assert json.loads((other / "checkpoints/best.json").read_text())["step"] <= 7


def test_max_steps_counts_all_runs(validated):
    folder, _ = validated
    log = train(folder, "--max-steps=6")
    assert "Nothing to train: --max-steps=6 is reached." in log
    assert not steps(log)


def test_patience_ends_training(validated):
    _, log = validated
    assert "No improvement in 2 validations: training ends." in log
    assert "No image of --validation was read exactly. Begin with a model that reads, by" in log
    assert steps(log) == [1, 2, 3, 4, 5, 6]
