"""Varies training images at random without changing what they say, in the graph.

What happens to an image depends on the seed, the epoch and the record alone: neither the batch
that it is in nor an interruption of the run has an influence (but for rounding errors of the
compression, below a hundredth of a level, that depend on the size of the batch).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.data.augmentation.geometry import GeometryLimits, distort
from aocr.data.augmentation.photometry import (
    BLOCK,
    PhotometryLimits,
    change_levels,
    make_texture,
    measure_levels,
)
from aocr.data.augmentation.random_numbers import record_keys

NO_AUGMENTATION = "none"
"""The value of `--augment` that leaves the images as they are."""


class Strength(NamedTuple):
    """Limits what augmentation does to an image."""

    geometry: GeometryLimits
    photometry: PhotometryLimits


STRENGTHS = {
    "light": Strength(
        GeometryLimits(
            rotation=1.5,
            end_shift=1.5,
            shear=0.05,
            perspective=0.02,
            smallest_scale=0.95,
            largest_scale=1.02,
            shift=1.0,
            waviness=0.4,
            overhang=1.0,
        ),
        PhotometryLimits(
            contrast=0.2,
            brightness=15,
            inverted=0.0,
            blurred=0.3,
            blur=0.1,
            noisy=0.3,
            noise=0.1,
            cut=0.0,
            cut_width=0,
            cut_height=0,
            opacity=0.0,
            compressed=0.2,
            finest=0.1,
            coarsest=0.5,
        ),
    ),
    "strong": Strength(
        GeometryLimits(
            rotation=7.0,
            end_shift=4.5,
            shear=0.3,
            perspective=0.08,
            smallest_scale=0.85,
            largest_scale=1.1,
            shift=4.0,
            waviness=1.2,
            overhang=1.0,
        ),
        PhotometryLimits(
            contrast=0.35,
            brightness=50,
            inverted=0.1,
            blurred=0.35,
            blur=0.2,
            noisy=0.35,
            noise=0.2,
            cut=0.4,
            cut_width=8,
            cut_height=10,
            opacity=0.6,
            compressed=0.3,
            finest=0.4,
            coarsest=1.3,
        ),
    ),
}
"""The strengths by their names in `--augment`."""


class Identity(NamedTuple):
    """Identifies what is augmented; equal identities get equal augmentation.

    Attributes:
        seed: seed of the run.
        epochs: int64 `[N]` or scalar, from 0.
        record_indices: int64 `[N]`, positions of the records in the dataset, from 0.
    """

    seed: int
    epochs: tf.Tensor
    record_indices: tf.Tensor


def augment(images: tf.Tensor, widths: tf.Tensor, identity: Identity, strength: str) -> tf.Tensor:
    """Varies prepared images at random; their texts stay readable, and their widths the same.

    Args:
        images: float32 `[N, 32, W, C]`, 0 to 255, padded with 0; all 32 rows count as content.
        widths: int32 `[N]`, widths of the images without padding, in pixels.
        identity: identity of the images.
        strength: a name of `STRENGTHS`.

    Returns:
        float32 `[N, 32, W, C]`, 0 to 255, padded with 0.
    """
    limits = STRENGTHS[strength]
    keys = record_keys(identity.seed, identity.epochs, identity.record_indices)
    # Only columns with content are computed, in whole blocks. One more block, so that no
    # neighbourhood of a pixel of the content depends on the width of the widest image.
    sampled_width = (-(-tf.reduce_max(widths) // BLOCK) + 1) * BLOCK
    _, height, width, channels = images.shape
    texture = make_texture(identity.seed, width + 2 * BLOCK, channels)
    levels = measure_levels(images, widths)
    changed = distort(images, widths, keys, limits.geometry, sampled_width)
    changed = change_levels(
        changed, widths, keys, limits=limits.photometry, levels=levels, texture=texture
    )
    is_content = tf.range(sampled_width)[tf.newaxis] < widths[:, tf.newaxis]  # [N, W']
    changed *= tf.cast(is_content, tf.float32)[:, tf.newaxis, :, tf.newaxis]
    padding = tf.maximum(width - sampled_width, 0)
    changed = tf.pad(changed[:, :, :width], [[0, 0], [0, 0], [0, padding], [0, 0]])
    return tf.ensure_shape(changed, [None, height, width, channels])
