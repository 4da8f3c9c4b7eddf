"""Changes the brightness of pixels: contrast, inversion, blur, noise, cut-out, compression."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT
from aocr.data.augmentation.random_numbers import uniforms

NOISE_ROWS = 256
"""Rows of the noise texture. Each row of an image gets one of them, so that an image has one of
`NOISE_ROWS ** 32` noises."""

LIGHTEST = 255.0

FULL_DEVIATION = 64.0
"""Standard deviation of the levels from which on images are compressed with full coarseness."""

LEAST_COARSENESS = 0.02
"""Share of the coarseness that an image of one level gets, which has no deviation at all."""


class PhotometryLimits(NamedTuple):
    """Limits the changes; each image gets a random amount of each.

    Attributes:
        contrast: largest relative change of the contrast.
        brightness: largest change of the mean, in levels of 255.
        inverted: share of the images that are inverted.
        blurred: share of the images that are blurred.
        blur: largest weight of each of the two neighbours of a pixel, in both directions.
        noisy: share of the images that get noise; none of those that are blurred.
        noise: largest standard deviation of the noise, relative to that of the image.
        cut: share of the images with a cut-out.
        cut_width: largest width of the cut-out in pixels.
        cut_height: largest height of the cut-out in pixels.
        opacity: largest opacity of the cut-out. It is less than 1, so that even a full stop that
            lies under it stays visible.
        compressed: share of the images that are compressed.
        finest: lowest coarseness of the compression; 1 is about JPEG's quality 50, 2 quality 25.
        coarsest: highest coarseness of the compression.
    """

    contrast: float
    brightness: float
    inverted: float
    blurred: float
    blur: float
    noisy: float
    noise: float
    cut: float
    cut_width: float
    cut_height: float
    opacity: float
    compressed: float
    finest: float
    coarsest: float


class PhotometryDraws(NamedTuple):
    """Holds random numbers of images, each float32 `[N, 1, 1, 1]`, from 0 to less than 1."""

    contrast: tf.Tensor
    brightness: tf.Tensor
    inversion: tf.Tensor
    blur_or_noise: tf.Tensor
    horizontal_blur: tf.Tensor
    vertical_blur: tf.Tensor
    noise: tf.Tensor
    cut: tf.Tensor
    cut_x: tf.Tensor
    cut_y: tf.Tensor
    cut_width: tf.Tensor
    cut_height: tf.Tensor
    opacity: tf.Tensor
    cut_noise: tf.Tensor
    compression: tf.Tensor
    coarseness: tf.Tensor


class Levels(NamedTuple):
    """Describes the grey levels of images, float32 `[N, 1, 1, 1]` each."""

    mean: tf.Tensor
    deviation: tf.Tensor


def measure_levels(images: tf.Tensor, widths: tf.Tensor) -> Levels:
    """Returns the mean and the standard deviation of the content of each image.

    Args:
        images: float32 `[N, 32, W, C]`, 0 outside of the content.
        widths: int32 `[N]`, widths of the contents in pixels.
    """
    count = tf.cast(widths * IMAGE_HEIGHT * images.shape[3], tf.float32)
    mean = tf.reduce_sum(images, [1, 2, 3]) / count
    variance = tf.reduce_sum(images * images, [1, 2, 3]) / count - mean * mean
    deviation = tf.sqrt(tf.maximum(variance, 0.0))
    return Levels(_per_image(mean), _per_image(deviation))


def change_levels(
    images: tf.Tensor,
    widths: tf.Tensor,
    keys: tf.Tensor,
    limits: PhotometryLimits,
    levels: Levels,
    texture: tf.Tensor,
) -> tf.Tensor:
    """Blurs or disturbs images, changes their contrast, covers a part, and compresses them.

    Args:
        images: float32 `[N, 32, W', C]`; W' is a multiple of 8.
        widths: int32 `[N]`, widths of the contents in pixels.
        keys: uint64 `[N]`, see `random_numbers.record_keys`.
        limits: limits of the changes.
        levels: levels of the images.
        texture: float32 `[NOISE_ROWS, W'', C]`, normal noise, at least as wide as the images.

    Returns:
        float32 `[N, 32, W', C]`, from 0 to 255.
    """
    numbers = tf.unstack(uniforms(keys, "photometry", len(PhotometryDraws._fields)), axis=1)
    draws = PhotometryDraws(*map(_per_image, numbers))
    images = _blur(images, draws, limits)
    images, levels = _relight(images, draws, limits, levels)
    cover = _cover(tf.shape(images)[2], widths, draws, limits)
    images += cover * (levels.mean - images)
    noise = _noise(keys, texture[:, : tf.shape(images)[2]])
    images += noise * (levels.deviation * _noise_amount(cover, draws, limits))
    coarseness = _between(limits.finest, limits.coarsest, draws.coarseness)
    # In a pale image, compression must not take what is left of the text.
    coarseness *= tf.clip_by_value(levels.deviation / FULL_DEVIATION, LEAST_COARSENESS, 1.0)
    compressed = compress(images, coarseness)
    images = tf.where(draws.compression < limits.compressed, compressed, images)
    return tf.clip_by_value(images, 0.0, LIGHTEST)


def _per_image(numbers: tf.Tensor) -> tf.Tensor:
    return numbers[:, tf.newaxis, tf.newaxis, tf.newaxis]  # [N] --> [N, 1, 1, 1]


def _where(condition: tf.Tensor, amount: tf.Tensor | float) -> tf.Tensor:
    """Returns an amount where a condition holds, else 0."""
    return tf.cast(condition, tf.float32) * amount


def _between(low: float, high: float, share: tf.Tensor) -> tf.Tensor:
    return low + (high - low) * share


def _blur(images: tf.Tensor, draws: PhotometryDraws, limits: PhotometryLimits) -> tf.Tensor:
    """Mixes each pixel with its neighbours, first in its row, then in its column."""
    blurred = _where(draws.blur_or_noise < limits.blurred, limits.blur)
    padded = tf.pad(images, [[0, 0], [0, 0], [1, 1], [0, 0]], "SYMMETRIC")
    neighbours = padded[:, :, :-2] + padded[:, :, 2:] - 2 * images
    images += blurred * draws.horizontal_blur * neighbours
    padded = tf.pad(images, [[0, 0], [1, 1], [0, 0], [0, 0]], "SYMMETRIC")
    neighbours = padded[:, :-2] + padded[:, 2:] - 2 * images
    return images + blurred * draws.vertical_blur * neighbours


def _relight(
    images: tf.Tensor, draws: PhotometryDraws, limits: PhotometryLimits, levels: Levels
) -> tuple[tf.Tensor, Levels]:
    """Changes contrast and brightness, and inverts some images.

    The brightness does not push more of an image over black or white than is there already: the
    mean stays two standard deviations away from both, or where it was.
    """
    inverted = draws.inversion < limits.inverted
    contrast = 1 + limits.contrast * (2 * draws.contrast - 1)
    deviation = levels.deviation * contrast
    mean = tf.where(inverted, LIGHTEST - levels.mean, levels.mean)
    lowest = tf.minimum(mean, 2 * deviation)
    highest = tf.maximum(mean, LIGHTEST - 2 * deviation)
    wanted = mean + limits.brightness * (2 * draws.brightness - 1)
    new_mean = tf.minimum(tf.maximum(wanted, lowest), highest)
    gain = tf.where(inverted, -contrast, contrast)
    return gain * images + (new_mean - gain * levels.mean), Levels(new_mean, deviation)


def _cover(
    width: tf.Tensor, widths: tf.Tensor, draws: PhotometryDraws, limits: PhotometryLimits
) -> tf.Tensor:
    """Returns the opacity of the cut-outs, float32 `[N, 32, W', 1]`: 0 outside of a rectangle."""
    opacity = _where(draws.cut < limits.cut, limits.opacity * _between(0.5, 1, draws.opacity))
    x = tf.cast(tf.range(width), tf.float32)[:, tf.newaxis]  # [W', 1]
    y = tf.range(IMAGE_HEIGHT, dtype=tf.float32)[:, tf.newaxis, tf.newaxis]  # [32, 1, 1]
    x -= draws.cut_x * _per_image(tf.cast(widths, tf.float32))  # [N, 1, W', 1]
    y -= draws.cut_y * IMAGE_HEIGHT  # [N, 32, 1, 1]
    columns = tf.abs(x) < limits.cut_width / 2 * _between(0.3, 1, draws.cut_width)
    rows = tf.abs(y) < limits.cut_height / 2 * _between(0.3, 1, draws.cut_height)
    return _where(columns, 1.0) * _where(rows, opacity)


def make_texture(seed: int, width: int, channels: int) -> tf.Tensor:
    """Returns normal noise, float32 `[NOISE_ROWS, width, channels]`."""
    shape = [NOISE_ROWS, width, channels]
    return tf.random.stateless_normal(shape, [seed, 0])


def _noise(keys: tf.Tensor, texture: tf.Tensor) -> tf.Tensor:
    """Returns noise for each image, `[N, 32, W', C]`: rows of the texture, chosen at random."""
    rows = tf.cast(uniforms(keys, "noise", IMAGE_HEIGHT) * NOISE_ROWS, tf.int32)  # [N, 32]
    return tf.gather(texture, rows)


def _noise_amount(cover: tf.Tensor, draws: PhotometryDraws, limits: PhotometryLimits) -> tf.Tensor:
    """Returns the amount of noise of each pixel, relative to the deviation of its image."""
    is_noisy = (draws.blur_or_noise >= limits.blurred) & (
        draws.blur_or_noise < limits.blurred + limits.noisy
    )
    whole = _where(is_noisy, limits.noise * draws.noise)
    return whole + cover * _where(draws.cut_noise < 0.5, limits.noise)


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
