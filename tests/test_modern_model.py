"""The recipe for new models from training to exports: what works for old models works for it."""

import json

import numpy as np
import pytest
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
    train(made, "checkpoints", STEPS, "--steps-per-checkpoint=60", "--validation=d.tfrecords")
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


def test_what_reads_must_have_been_trained(folder, trained):
    done = run_aocr("test", "words.tfrecords", "--read-with=ctc", cwd=trained.folder, check=1)
    assert "read_with=ctc is for decoder=joint only" in done.stderr
