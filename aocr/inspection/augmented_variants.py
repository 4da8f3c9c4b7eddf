"""Makes the augmented images of the contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.data.augmentation.augment import Identity, augment
from aocr.data.images.preprocessing import Prepared

VARIANTS = 3
"""Number of augmented images that are drawn below each image."""


class Variation(NamedTuple):
    """Asks for augmented images below each image: those of a run with the seed 0.

    Attributes:
        augmentation: a name of `augmentation.STRENGTHS`.
        record_indices: positions of the drawn records in the dataset, from 0.
    """

    augmentation: str
    record_indices: Sequence[int]


def with_variants(image: Prepared, number: int, variation: Variation | None) -> tf.Tensor:
    """Returns a prepared image and its variants, `[1 + VARIANTS, 32, W, C]` or `[1, 32, W, C]`."""
    pixels = image.pixels[tf.newaxis]
    if not variation:
        return pixels
    index = tf.constant(variation.record_indices[number], tf.int64)
    identity = Identity(0, tf.range(VARIANTS, dtype=tf.int64), tf.repeat(index, VARIANTS))
    widths = tf.repeat(image.width, VARIANTS)
    variants = augment(tf.repeat(pixels, VARIANTS, 0), widths, identity, variation.augmentation)
    return tf.concat([pixels, variants], 0)
