"""Distorts a batch of prepared images: all distortions are one sampling of the pixels.

An image's content is its first `widths[n]` columns. Coordinates are centred: (0, 0) is the middle
of the content, and its corners are (+-width / 2, +-16), in pixels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT
from aocr.data.augmentation.random_numbers import uniforms


class GeometryLimits(NamedTuple):
    """Limits the distortions; each image gets a random amount of each.

    Attributes:
        rotation: largest angle in degrees.
        end_shift: pixels by which a rotation moves the ends of the text up or down at most; it
            limits the angle of wide images.
        shear: largest horizontal shear: pixels to the side per pixel down.
        perspective: largest relative change of size from the middle to a border; towards the upper
            or lower border of a wide image less, so that it slants no end more than the shear.
        smallest_scale: smallest size of the content, relative to its own.
        largest_scale: largest size of the content; lower where the content would leave the image.
        shift: largest distance in pixels that the content moves along each axis.
        waviness: largest displacement in pixels by the bending, along each axis.
        overhang: pixels of each border that may leave the image.
    """

    rotation: float
    end_shift: float
    shear: float
    perspective: float
    smallest_scale: float
    largest_scale: float
    shift: float
    waviness: float
    overhang: float


class GeometryDraws(NamedTuple):
    """Holds random numbers of images, each float32 `[N]`, from -1 to 1."""

    rotation: tf.Tensor
    shear: tf.Tensor
    horizontal_perspective: tf.Tensor
    vertical_perspective: tf.Tensor
    horizontal_scale: tf.Tensor
    vertical_scale: tf.Tensor
    horizontal_shift: tf.Tensor
    vertical_shift: tf.Tensor
    waviness: tf.Tensor


def distort(
    images: tf.Tensor,
    widths: tf.Tensor,
    keys: tf.Tensor,
    limits: GeometryLimits,
    sampled_width: tf.Tensor | int,
) -> tf.Tensor:
    """Rotates, shears, scales, shifts and bends images, and views them in perspective.

    The content is scaled down where it would leave the image by more than `limits.overhang`.

    Args:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the contents in pixels.
        keys: uint64 `[N]`, see `random_numbers.record_keys`.
        limits: limits of the distortions.
        sampled_width: W', of the result; columns beyond the content continue its border.

    Returns:
        float32 `[N, 32, W', C]`.
    """
    draws = GeometryDraws(
        *tf.unstack(2 * uniforms(keys, "geometry", len(GeometryDraws._fields)) - 1, axis=1)
    )
    half_width = tf.cast(widths, tf.float32) / 2
    maps = source_maps(draws, half_width, limits)
    amount = limits.waviness * tf.abs(draws.waviness)
    displacement = bend(keys, amount, sampled_width)
    x, y = source_positions(maps, half_width, sampled_width)
    x += displacement.x_along_x + displacement.x_along_y
    y += displacement.y_along_x
    return sample(images, widths, x, y)


def source_maps(draws: GeometryDraws, half_width: tf.Tensor, limits: GeometryLimits) -> tf.Tensor:
    """Returns homographies from centred positions in the result to those in the images.

    Args:
        draws: random numbers of the images.
        half_width: float32 `[N]`, half the widths of the contents in pixels.
        limits: limits of the distortions.

    Returns:
        float32 `[N, 3, 3]`.
    """
    distortion = _distortion(draws, half_width, limits)
    half_size = tf.stack([half_width, tf.fill(tf.shape(half_width), IMAGE_HEIGHT / 2)], 1)
    low, high = _bounds(distortion, half_size)  # [N, 2] each
    extent = high - low + 2 * limits.waviness
    room = 2 * (half_size + limits.overhang)
    scales = tf.stack([draws.horizontal_scale, draws.vertical_scale], 1)  # [N, 2]
    middle = (limits.largest_scale + limits.smallest_scale) / 2
    wanted = middle + scales * (limits.largest_scale - limits.smallest_scale) / 2
    scale = tf.minimum(wanted, room / extent)
    free = tf.minimum((room - scale * extent) / 2, limits.shift)
    shifts = tf.stack([draws.horizontal_shift, draws.vertical_shift], 1)  # [N, 2]
    offset = shifts * tf.maximum(free, 0.0) - scale * (high + low) / 2
    first, second, third = tf.unstack(_inverses(distortion), axis=2)  # columns, [N, 3] each
    first, second = first / scale[:, 0:1], second / scale[:, 1:2]
    third -= first * offset[:, 0:1] + second * offset[:, 1:2]
    return tf.stack([first, second, third], 2)


def _distortion(draws: GeometryDraws, half_width: tf.Tensor, limits: GeometryLimits) -> tf.Tensor:
    """Returns homographies from centred positions in the images to distorted ones, `[N, 3, 3]`."""
    tangent = tf.minimum(math.tan(math.radians(limits.rotation)), limits.end_shift / half_width)
    tangent *= draws.rotation
    cos = 1 / tf.sqrt(1 + tangent * tangent)
    sin = cos * tangent
    # A shear moves a narrow image by at most a third of its width.
    shear = draws.shear * tf.minimum(limits.shear, half_width * 2 / 3 / IMAGE_HEIGHT)
    zero, one = tf.zeros_like(cos), tf.ones_like(cos)
    horizontal = draws.horizontal_perspective * limits.perspective / half_width
    # What shrinks the upper or lower border slants the ends of the text: no more than the shear.
    slant = limits.shear * IMAGE_HEIGHT / 2 / half_width
    vertical = draws.vertical_perspective * tf.minimum(limits.perspective, slant)
    vertical /= IMAGE_HEIGHT / 2
    return _matrices(
        [[cos, cos * shear - sin, zero],
         [sin, sin * shear + cos, zero],
         [horizontal, vertical, one]]
    )  # fmt: skip


def _matrices(rows: list[list[tf.Tensor]]) -> tf.Tensor:
    """Stacks nine `[N]` to `[N, 3, 3]`."""
    return tf.stack([tf.stack(row, 1) for row in rows], 1)


def _inverses(matrices: tf.Tensor) -> tf.Tensor:
    """Returns the inverses of `[N, 3, 3]`, by cross products of the rows."""
    a, b, c = tf.unstack(matrices, axis=1)
    adjugates = tf.stack([tf.linalg.cross(b, c), tf.linalg.cross(c, a), tf.linalg.cross(a, b)], 2)
    determinants = tf.reduce_sum(a * adjugates[:, :, 0], 1)
    return adjugates / determinants[:, tf.newaxis, tf.newaxis]


def _bounds(maps: tf.Tensor, half_size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the least and greatest x and y, `[N, 2]` each, of the mapped corners."""
    signs = tf.constant([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    x, y = tf.unstack(signs * half_size[:, tf.newaxis], axis=2)  # [N, 4] each
    first, second, third = (column[:, tf.newaxis] for column in tf.unstack(maps, axis=2))
    mapped = first * x[..., tf.newaxis] + second * y[..., tf.newaxis] + third  # [N, 4, 3]
    positions = mapped[:, :, :2] / mapped[:, :, 2:]
    return tf.reduce_min(positions, 1), tf.reduce_max(positions, 1)


def source_positions(
    maps: tf.Tensor, half_width: tf.Tensor, sampled_width: tf.Tensor | int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns where in the images the pixels of the result lie, in pixels from the top left one.

    Args:
        maps: float32 `[N, 3, 3]`, see `source_maps`.
        half_width: float32 `[N]`, half the widths of the contents in pixels.
        sampled_width: W', of the result.

    Returns:
        x and y, float32 `[N, 32, W']` each.
    """
    half_width = half_width[:, tf.newaxis, tf.newaxis]
    u = tf.cast(tf.range(sampled_width), tf.float32) + 0.5 - half_width  # [N, 1, W']
    v = (tf.range(IMAGE_HEIGHT, dtype=tf.float32) + 0.5 - IMAGE_HEIGHT / 2)[:, tf.newaxis]
    x, y, z = (
        row[:, 0:1, tf.newaxis] * u + row[:, 2:3, tf.newaxis] + row[:, 1:2, tf.newaxis] * v
        for row in tf.unstack(maps, axis=1)
    )  # [N, 32, W'] each
    return x / z + (half_width - 0.5), y / z + (IMAGE_HEIGHT / 2 - 0.5)


def sample(images: tf.Tensor, widths: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Reads images between their pixels, bilinearly; outside, the content's border continues.

    Args:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the contents in pixels.
        x: float32 `[N, 32, W']`, columns to read from.
        y: float32 `[N, 32, W']`, rows to read from.

    Returns:
        float32 `[N, 32, W', C]`.
    """
    count, width = tf.shape(images)[0], tf.shape(images)[2]
    last = tf.cast(widths - 1, tf.float32)[:, tf.newaxis, tf.newaxis]
    x, y = tf.clip_by_value(x, 0.0, last), tf.clip_by_value(y, 0.0, IMAGE_HEIGHT - 1.0)
    left, top = tf.floor(x), tf.floor(y)
    right_share, lower_share = (x - left)[..., tf.newaxis], (y - top)[..., tf.newaxis]
    first = tf.range(count)[:, tf.newaxis, tf.newaxis] * (IMAGE_HEIGHT * width)
    top_left = tf.cast(top * tf.cast(width, tf.float32) + left, tf.int32) + first
    pixels = tf.reshape(images, [-1, images.shape[3]])  # [N, 32, W, C] --> [N * 32 * W, C]
    pixels = tf.pad(pixels, [[0, width + 1], [0, 0]])  # neighbours of the last, with a share of 0

    def row(offset: tf.Tensor | int) -> tf.Tensor:
        a, b = tf.gather(pixels, top_left + offset), tf.gather(pixels, top_left + (offset + 1))
        return a + right_share * (b - a)

    upper, lower = row(0), row(width)
    return upper + lower_share * (lower - upper)


KNOT_DISTANCE = 16
"""Pixels between the knots of the splines that bend an image."""


class Displacement(NamedTuple):
    """Holds the bending, in pixels: float32 `[N, 1, W']` along x, `[N, 32, 1]` along y."""

    x_along_x: tf.Tensor
    y_along_x: tf.Tensor
    x_along_y: tf.Tensor


def bend(keys: tf.Tensor, amount: tf.Tensor, sampled_width: tf.Tensor | int) -> Displacement:
    """Returns smooth random displacements of at most `amount` pixels (`[N]`) along each axis."""
    amount = amount[:, tf.newaxis]

    def random_spline(purpose: str, length: tf.Tensor | int) -> tf.Tensor:
        knots = length // KNOT_DISTANCE + 4
        values = amount * (2 * uniforms(keys, purpose, knots) - 1)  # [N, knots]
        return spline(values, length)

    return Displacement(
        random_spline("x along x", sampled_width)[:, tf.newaxis] / 2,
        random_spline("y along x", sampled_width)[:, tf.newaxis],
        random_spline("x along y", IMAGE_HEIGHT)[:, :, tf.newaxis] / 2,
    )


def spline(values: tf.Tensor, length: tf.Tensor | int) -> tf.Tensor:
    """Returns uniform cubic B-splines at whole numbers, `[N, length]`.

    Args:
        values: `[N, knots]`, of knots in distances of `KNOT_DISTANCE`; a spline stays between its
            lowest and its highest knot.
        length: number of positions; the knots reach beyond it.
    """
    t = np.arange(KNOT_DISTANCE, dtype=np.float32) / KNOT_DISTANCE
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    pieces = values.shape[1] or tf.shape(values)[1]
    pieces -= 3
    curve = tf.add_n(
        [
            values[:, first : first + pieces, tf.newaxis] * tf.constant(weight / 6)
            for first, weight in enumerate(weights)
        ]
    )  # [N, pieces, KNOT_DISTANCE]
    return tf.reshape(curve, [-1, pieces * KNOT_DISTANCE])[:, :length]
