"""Fixtures for all tests: a small model, trained once."""

import os

import pytest
from commands import MODEL, WORDS, Trained, draw, run_aocr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """Trains a model on six words with the commands themselves until it reads them all."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "images").mkdir()
    lines = []
    for number, word in enumerate(WORDS * 2):
        name = f"images/{number:02}.png"
        (folder / name).write_bytes(draw(word))
        lines.append(f"{name} {word}\n")
    (folder / "annotations.txt").write_text("".join(lines))
    built = run_aocr(
        "dataset", "annotations.txt", "words.tfrecords", "--save-filename", cwd=folder, check=0
    )
    learnt = run_aocr(
        "train",
        "words.tfrecords",
        *MODEL,
        "--batch-size=8",
        "--num-epoch=90",
        "--seed=4",  # without a seed, some runs end before all six words are learnt
        "--steps-per-checkpoint=50",
        cwd=folder,
        check=0,
    )
    images = [line.split()[0] for line in lines]
    return Trained(folder, images, learnt.stderr, built.stderr)
