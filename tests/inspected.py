"""Images and records for the tests of `aocr inspect`."""

import numpy as np
import tensorflow as tf
from helpers import dotted, encoded, white

from aocr.config import Config
from aocr.data.images.preprocessing import prepare
from aocr.inspection.recommendation import width_at_32

IMAGE = dotted(20, 40)

SIZES = [(94, 24), (200, 50), (7, 3), (31, 33), (300, 31), (1000, 90), (35, 250), (64, 32), (3, 1)]
"""Widths and heights."""


def raw_record(image_bytes, label):
    """A record with a label of any bytes."""
    values = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for name, value in {"image": image_bytes, "label": label}.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()


def grey_png(level, size=(40, 20)):
    """A PNG unlike those of other grey levels; the size is width and height."""
    return encoded(np.full([size[1], size[0]], level, np.uint8))


def is_squeezed(size, max_width, max_height):
    """Asks the model's preparation: whether the width decides what becomes of an image."""
    width, height = size
    prepared = prepare(white(height, width), Config(max_width, max_height))
    rows = np.flatnonzero(prepared.pixels.numpy().any(axis=(1, 2)))
    free = (width_at_32(width, height), 32) if height > 32 else size
    return (int(prepared.width), len(rows)) != free
