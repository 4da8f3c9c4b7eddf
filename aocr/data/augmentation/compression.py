"""Compresses images as JPEG does, in the graph, and decodes them again."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT

BLOCK = 8
"""Side of a block of JPEG in pixels."""


def compress(images: tf.Tensor, coarseness: tf.Tensor) -> tf.Tensor:
    """Quantizes the frequencies of blocks as JPEG does, each channel by itself.

    Args:
        images: float32 `[N, 32, W', C]`; W' is a multiple of `BLOCK`.
        coarseness: float32 `[N, 1, 1, 1]`; 1 is about JPEG's quality 50, 2 quality 25.

    Returns:
        float32 `[N, 32, W', C]`; not limited to 0 to 255.
    """
    frequencies, steps = _transform()
    steps = steps * coarseness[:, :, 0]  # [N, 1, 64]
    blocks = _to_blocks(images)  # [N, B, 64]
    coefficients = tf.tensordot(blocks, frequencies, [[2], [1]])
    quantized = tf.round(coefficients / steps) * steps
    return _from_blocks(tf.tensordot(quantized, frequencies, [[2], [0]]), tf.shape(images))


def _transform() -> tuple[np.ndarray, np.ndarray]:
    """Returns the 2D DCT of blocks, `[64, 64]`, frequency by pixel, and its steps, `[64]`.

    The steps grow with the frequency, about as in JPEG's table for brightness at quality 50.
    """
    k, n = np.arange(BLOCK)[:, np.newaxis], np.arange(BLOCK)
    dct = np.sqrt(2 / BLOCK) * np.cos(math.pi * (2 * n + 1) * k / (2 * BLOCK))
    dct[0] /= math.sqrt(2)
    steps = 10 + 6 * (k + n)
    return np.kron(dct, dct).astype(np.float32), steps.reshape(-1).astype(np.float32)


def _to_blocks(images: tf.Tensor) -> tf.Tensor:
    """Cuts images into blocks: `[N, 32, W', C]` --> `[N, B, 64]`."""
    shape = tf.shape(images)
    columns, channels = shape[2] // BLOCK, shape[3]
    split = [-1, IMAGE_HEIGHT // BLOCK, BLOCK, columns, BLOCK, channels]
    blocks = tf.transpose(tf.reshape(images, split), [0, 1, 3, 5, 2, 4])
    blocks_per_image = IMAGE_HEIGHT // BLOCK * columns * channels
    return tf.reshape(blocks, [-1, blocks_per_image, BLOCK * BLOCK])


def _from_blocks(blocks: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Puts blocks together again: `[N, B, 64]` --> `[N, 32, W', C]`, the shape."""
    columns, channels = shape[2] // BLOCK, shape[3]
    split = [-1, IMAGE_HEIGHT // BLOCK, columns, channels, BLOCK, BLOCK]
    return tf.reshape(tf.transpose(tf.reshape(blocks, split), [0, 1, 4, 2, 5, 3]), shape)
