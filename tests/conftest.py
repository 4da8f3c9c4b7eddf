"""A small model, trained once for all tests that need a real one."""

import io
import os
import pathlib
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
    """A model that has learnt six words by heart, made by the commands themselves."""
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
        "--seed=4",  # without one, it is not always done with all six words by then
        "--steps-per-checkpoint=50",
        cwd=folder,
        check=0,
    )
    images = [line.split()[0] for line in lines]
    return Trained(folder, images, learnt.stderr, built.stderr)
