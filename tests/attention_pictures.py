"""Saves attention pictures of results made by hand, and opens them."""

import io
import os

import numpy as np
import tensorflow as tf
from helpers import encoded
from PIL import Image
from results import COLUMNS, result_of

from aocr.report.attention import picture_of, save_attention

STEPS = 12
WHITE = encoded(Image.new("L", (160, 80), 255))


def peaks(*columns: int, steps: int = STEPS) -> np.ndarray:
    """Returns attention `[steps, COLUMNS]` on one column in each step; column 0 after the last."""
    chosen = list(columns) + [0] * (steps - len(columns))
    return np.eye(COLUMNS, dtype=np.float32)[chosen]


def shown(text: str, label: str = "?", index: int = 0, **changed: object):
    """Returns a result with a white image; `index` is the number of the image, from 1."""
    options = {"encoded": WHITE, "attention": peaks(steps=max(STEPS, len(text) + 2))}
    return result_of(text, label, place=index - 1, **(options | changed))


def save(output_dir: object, text: str, label: str = "?", index: int = 0, **changed: object) -> str:
    """Saves the pictures of a result and returns their folder."""
    result = shown(text, label, index, **changed)
    return save_attention(str(output_dir), result, picture_of(result))


def open_picture(folder: str, name: str) -> Image.Image:
    """Opens a picture, local or remote."""
    with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as file:
        picture = Image.open(io.BytesIO(file.read()))
    picture.load()
    return picture
