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
    train(made, "checkpoints", STEPS, "--steps-per-checkpoint=105", "--validation=d.tfrecords")
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


def images(folder):
    return [folder / f"{word}.png" for word in WORDS]


def test_the_model_is_stored(folder):
    config = json.loads((folder / "checkpoints/config.json").read_text())
    assert config["architecture"] == "compact CNN, bidirectional LSTM, joint decoder"
    assert config["attention"] == "location"
    assert config["resize"] == "full-height"
    assert "bucket_widths" in config


@pytest.fixture(scope="module")
def rows(folder):
    """Returns what `predict --json` tells of the images with each decoder."""

    def predict(reader):
        flags = f"--read-with={reader}", "--json"
        done = run_aocr("predict", *flags, *images(folder), cwd=folder, check=0)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return {reader: predict(reader) for reader in READERS}


@pytest.mark.parametrize("reader", READERS)
def test_predictions_have_a_probability_for_each_character(rows, reader):
    assert [row["text"] for row in rows[reader]] == list(WORDS)
    for row in rows[reader]:
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


@pytest.mark.parametrize(
    ("reader", "form", "client", "name"),
    [
        ("attention", "savedmodel", SIGNATURE_CLIENT, ""),
        ("ctc", "frozengraph", FROZEN_CLIENT, "frozen_graph.pb"),
    ],
)
def test_exports_read_without_aocr_as_predict_does(folder, rows, reader, form, client, name):
    exported = f"exported-{reader}"
    flags = f"--format={form}", f"--read-with={reader}"
    run_aocr("export", exported, *flags, cwd=folder, check=0)
    texts, probabilities, *_ = python_without_aocr(
        client, folder / exported / name, *images(folder)
    )[2]
    assert texts == list(WORDS)
    expected = [row["probability"] for row in rows[reader]]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4)


def weights(folder, model_dir):
    reader = tf.train.load_checkpoint(str(folder / model_dir))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_a_resumed_training_ends_with_the_same_weights(folder):
    shutil.copytree(folder / "checkpoints", folder / "resumed")
    state = folder / "resumed/checkpoint"
    state.write_text(state.read_text().replace(f"ckpt-{STEPS}", "ckpt-105"))
    for path in (folder / "resumed").glob(f"model.ckpt-{STEPS}.*"):
        path.unlink()
    assert "model.ckpt-105" in train(folder, "resumed", STEPS, "--validation=d.tfrecords")
    whole, resumed = weights(folder, "checkpoints"), weights(folder, "resumed")
    assert whole.keys() == resumed.keys()
    assert any(name.endswith("/EMA") for name in whole)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, resumed[name], err_msg=name)


def test_a_warm_start_reads_with_the_weights_of_another_charset(folder):
    (folder / "charset.txt").write_text("CBAX")
    flags = "--init-from=checkpoints", "--charset=charset.txt", "--initial-learning-rate=1e-9"
    log = train(folder, "warm", 1, *flags, "--validation=d.tfrecords")
    assert "Validation: exact match 100.00%" in log


def test_what_reads_must_have_been_trained(folder, trained):
    done = run_aocr("test", "words.tfrecords", "--read-with=ctc", cwd=trained.folder, check=1)
    assert "read_with=ctc is for decoder=joint only" in done.stderr
