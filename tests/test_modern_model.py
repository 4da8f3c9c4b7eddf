"""The recipe for new models from training to exports: what works for old models works for it."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from commands import WORDS, draw, run_aocr
from export_client import FROZEN_CLIENT, SIGNATURE_CLIENT, python_without_aocr
from helpers import write_records

from aocr.data.records import schema

FLAGS = (
    "--recipe=modern",
    "--augment=light",
    "--max-width=48",
    "--max-height=32",
    "--max-prediction=3",
    "--attn-num-hidden=32",
    "--batch-size=6",
    "--seed=2",
    "--learning-rate-schedule=constant",
)
STEPS = 120
READERS = ("attention", "ctc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with a model that has learned six words, and images of the words."""
    made = tmp_path_factory.mktemp("modern")
    rows = []
    for word in WORDS:
        image = draw(word)
        (made / f"{word}.png").write_bytes(image)
        rows += [schema.serialize(image, word)] * 2
    write_records(made / "d.tfrecords", rows)
    train(made, "checkpoints", STEPS, "--steps-per-checkpoint=40", "--validation=d.tfrecords")
    return made


def train(folder, model_dir, steps, *flags):
    return run_aocr(
        "train",
        "d.tfrecords",
        *FLAGS,
        f"--max-steps={steps}",
        f"--model-dir={model_dir}",
        *flags,
        cwd=folder,
        check=0,
    ).stderr


def weights(folder, model_dir):
    reader = tf.train.load_checkpoint(str(folder / model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def images(folder):
    return [folder / f"{word}.png" for word in WORDS]


def test_the_model_is_stored(folder):
    config = json.loads((folder / "checkpoints/config.json").read_text())
    assert config["architecture"] == "compact CNN, bidirectional LSTM, joint decoder"
    assert config["attention"] == "location"
    assert config["resize"] == "full-height"
    assert "bucket_widths" in config


@pytest.mark.parametrize("reader", READERS)
def test_predictions_have_a_probability_for_each_character(folder, reader):
    flags = f"--read-with={reader}", "--json"
    done = run_aocr("predict", *flags, *images(folder), cwd=folder, check=0)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["text"] for row in rows] == list(WORDS)
    for row in rows:
        probabilities = [each["probability"] for each in row["characters"]]
        assert len(probabilities) == len(row["text"])
        assert all(0 < p <= 1 for p in [*probabilities, row["probability"]])


@pytest.mark.parametrize("reader", READERS)
def test_both_decoders_read_and_have_attention_pictures(folder, reader):
    flags = "--visualize", f"--output-dir=pictures-{reader}", f"--read-with={reader}", "--json"
    done = run_aocr("test", "d.tfrecords", *flags, cwd=folder, check=0)
    assert json.loads(done.stdout)["exact_match"] == 1.0
    found = sorted(path.name for path in (folder / f"pictures-{reader}/correct").iterdir())
    assert len(found) == 2 * len(WORDS)


@pytest.mark.parametrize("reader", READERS)
def test_exports_read_without_aocr(folder, reader):
    name = f"exported-{reader}"
    for form in ("savedmodel", "frozengraph"):
        flags = f"--format={form}", f"--read-with={reader}"
        run_aocr("export", name, *flags, cwd=folder, check=0)
    saved = python_without_aocr(SIGNATURE_CLIENT, folder / name, *images(folder))
    assert saved[2][0] == list(WORDS)
    frozen = python_without_aocr(FROZEN_CLIENT, folder / name / "frozen_graph.pb", *images(folder))
    assert frozen[2][0] == list(WORDS)
    np.testing.assert_allclose(frozen[2][1], saved[2][1], rtol=1e-4)


def test_a_resumed_training_ends_with_the_same_weights(folder):
    flags = ("--initial-learning-rate=0.01",)
    train(folder, "whole", 9, *flags)
    train(folder, "parts", 4, *flags)
    train(folder, "parts", 9, *flags)
    whole, parts = weights(folder, "whole"), weights(folder, "parts")
    assert whole.keys() == parts.keys()
    assert any(name.endswith("/EMA") for name in whole)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, parts[name], err_msg=name)


def test_a_warm_start_takes_the_weights_of_another_charset(folder):
    (folder / "charset.txt").write_text("CBAX")
    flags = "--init-from=checkpoints", "--charset=charset.txt", "--initial-learning-rate=1e-9"
    train(folder, "warm", 1, *flags)
    done = run_aocr("test", "d.tfrecords", "--model-dir=warm", "--json", cwd=folder, check=0)
    assert json.loads(done.stdout)["exact_match"] == 1.0


def test_a_sliding_model_gives_what_fits_to_a_new_one(folder, trained):
    shutil.copytree(trained.folder / "checkpoints", folder / "sliding")
    (folder / "charset.txt").write_text("ABC")
    flags = "--decoder=joint", "--charset=charset.txt", "--model-dir=from-sliding"
    log = run_aocr(
        "train",
        "d.tfrecords",
        "--init-from=sliding",
        "--max-steps=1",
        *flags,
        cwd=folder,
        check=0,
    ).stderr
    fresh = "ctc_decoder/kernel, ctc_decoder/bias"
    assert f"Keeping fresh values of what is missing there or does not fit: {fresh}." in log
    assert "conv_conv1" not in log


def test_what_reads_must_have_been_trained(folder, trained):
    done = run_aocr("test", "words.tfrecords", "--read-with=ctc", cwd=trained.folder, check=1)
    assert "read_with=ctc is for decoder=joint only" in done.stderr
