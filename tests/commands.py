"""Runs the commands in processes of their own, as a user does, and draws images for them."""

import io
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont
from started_commands import run_started

WORDS = ("AB", "BA", "CAB", "ACC", "B", "CC")
"""The words that the model of the fixture `trained` has learnt."""

MODEL = ("--max-width=48", "--max-height=32", "--max-prediction=3", "--attn-num-hidden=32")
"""Flags of a model that trains in seconds."""

TIMEOUT = 300
"""Seconds after which a command is killed."""


class Trained(NamedTuple):
    """Holds what the fixture `trained` made.

    Attributes:
        folder: with `images/`, `annotations.txt`, `words.tfrecords` and `checkpoints/`.
        images: names of the image files, relative to the folder.
        train_log: what `aocr train` wrote to stderr.
        dataset_log: what `aocr dataset` wrote to stderr.
    """

    folder: pathlib.Path
    images: list[str]
    train_log: str
    dataset_log: str


def draw(text: str, size=(48, 32), mode="L", form="PNG") -> bytes:
    """Returns an image file with black text on white."""
    picture = Image.new(mode, size, "white")
    font = ImageFont.load_default(size[1] * 0.6)
    ImageDraw.Draw(picture).text((size[0] / 2, size[1] / 2), text, "black", font, anchor="mm")
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def run_aocr(*arguments, cwd, stdin="", check=None) -> subprocess.CompletedProcess:
    """Runs `aocr` in a fork, and returns the finished process.

    Args:
        arguments: the command and its flags.
        cwd: working directory.
        stdin: text for the standard input.
        check: the exit code to expect, or None for any.
    """
    words = [*map(str, arguments)]
    done = run_started(words, cwd, environment(), stdin, TIMEOUT)
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


def run_python(program: str, cwd) -> subprocess.CompletedProcess:
    """Runs a program of Python that imports aocr from this checkout."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def environment() -> dict:
    """Returns the environment of a process that imports aocr from this checkout."""
    root = str(pathlib.Path(__file__).parent.parent)
    return os.environ | {"PYTHONPATH": root, "PYTHONUTF8": "1"}
