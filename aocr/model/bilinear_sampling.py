"""Reads images between their pixels, with gradients for where they are read."""

from __future__ import annotations

import tensorflow as tf


def sample_bilinear(images: tf.Tensor, widths: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Reads images bilinearly; outside of an image, its border continues.

    A place that is exactly a pixel's gets exactly that pixel, and the gradient of its right or
    lower side. There is no gradient from outside of an image.

    Args:
        images: float32 `[N, H, W, C]`; they get no gradient.
        widths: int32 `[N]`, widths of the images without padding, in pixels, at least 1.
        x: float32 `[N, H', W']`, columns to read from.
        y: float32 `[N, H', W']`, rows to read from.

    Returns:
        float32 `[N, H', W', C]`.
    """
    count, width = tf.shape(images)[0], tf.shape(images)[2]
    height, channels = images.shape[1], images.shape[3]
    last_row = height - 1.0
    last_column = tf.cast(widths - 1, tf.float32)[:, tf.newaxis, tf.newaxis]
    x, y = tf.clip_by_value(x, 0.0, last_column), tf.clip_by_value(y, 0.0, last_row)
    left, top = tf.floor(x), tf.floor(y)
    to_right = tf.cast(left < last_column, tf.int32)
    to_lower = tf.cast(top < last_row, tf.int32) * width
    first = tf.range(count)[:, tf.newaxis, tf.newaxis] * (height * width)
    upper_left = tf.cast(top, tf.int32) * width + tf.cast(left, tf.int32) + first
    pixels = tf.reshape(tf.stop_gradient(images), [-1, channels])  # --> [N * H * W, C]
    right_share, lower_share = (x - left)[..., tf.newaxis], (y - top)[..., tf.newaxis]

    def row(places: tf.Tensor) -> tf.Tensor:
        a, b = tf.gather(pixels, places), tf.gather(pixels, places + to_right)
        return a + right_share * (b - a)

    upper, lower = row(upper_left), row(upper_left + to_lower)
    return upper + lower_share * (lower - upper)
