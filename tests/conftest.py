"""A small model, trained once for all tests that need a real one."""

import fcntl
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest
from PIL import Image, ImageDraw, ImageFont

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

WORDS = ("AB", "BA", "CAB", "ACC", "B", "CC")
MODEL = ("--max-width=48", "--max-height=32", "--max-prediction=3", "--attn-num-hidden=32")


def draw(text: str, size=(48, 32), mode="L", form="PNG") -> bytes:
    """An image file: black text on white."""
    picture = Image.new(mode, size, "white")
    font = ImageFont.load_default(size[1] * 0.6)
    ImageDraw.Draw(picture).text((size[0] / 2, size[1] / 2), text, "black", font, anchor="mm")
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def run_aocr(*arguments, cwd, stdin=None, check=None) -> subprocess.CompletedProcess:
    """`python -m aocr` in a process of its own, as a user starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "aocr", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        timeout=300,
        check=False,
    )
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


def environment() -> dict:
    """This process's, with the checkout to import aocr from."""
    root = str(pathlib.Path(__file__).parent.parent)
    return os.environ | {"PYTHONPATH": root, "PYTHONUTF8": "1"}


class Trained(NamedTuple):
    """A folder with `images/`, `annotations.txt`, `words.tfrecords` and `checkpoints/`."""

    folder: pathlib.Path
    images: list[str]
    train_log: str
    dataset_log: str


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
        "--num-epoch=90",
        "--seed=4",  # without a seed, some runs end before all six words are learnt
        "--steps-per-checkpoint=50",
        cwd=folder,
        check=0,
    )
    images = [line.split()[0] for line in lines]
    return Trained(folder, images, learnt.stderr, built.stderr)
