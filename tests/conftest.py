"""Fixtures for all tests: a small model, trained once."""

import fcntl
import json
import os
import pathlib
import shutil
import signal

import pytest
from commands import MODEL, WORDS, Trained, draw, run_aocr

# A shell starts what it runs in the background with SIGINT ignored, and so would the commands that
# tests interrupt be.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """Returns a model that has learnt six words by heart.

    It is trained once for all processes that run tests. Each of them gets a copy of its own.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    facts = shared / "trained.json"
    with open(shared / "trained.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first process trains, and the others wait
        if not facts.exists():
            made = train_words(shared / "trained")
            facts.write_text(json.dumps(made._asdict(), default=str), encoding="utf-8")
    made = Trained(**json.loads(facts.read_text(encoding="utf-8")))
    folder = shutil.copytree(made.folder, own / "trained-copy")
    return made._replace(folder=folder)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Returns a tiny model of noise and its exports, made in this process (see `TinyModel`)."""
    from tiny_model import make_tiny_model  # imports TensorFlow

    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


def train_words(folder: pathlib.Path) -> Trained:
    """Trains on six words with the commands themselves until the model reads them all."""
    (folder / "images").mkdir(parents=True)
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
        "--num-epoch=60",
        "--seed=4",  # without a seed, some runs end before all six words are learnt
        "--steps-per-checkpoint=50",
        cwd=folder,
        check=0,
    )
    images = [line.split()[0] for line in lines]
    return Trained(folder, images, learnt.stderr, built.stderr)
