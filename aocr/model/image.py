"""Encoded image files to pixels of one size (COMPAT.md, section 5, "Image preparation")."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.defaults import IMAGE_HEIGHT, Config


class Prepared(NamedTuple):
    """Attributes: pixels float32 `[32, W, C]`; width int32 scalar, without the padding."""

    pixels: tf.Tensor
    width: tf.Tensor


def prepare(encoded: tf.Tensor, config: Config) -> Prepared:
    """Decodes one image, shrinks it to fit and pads it at the bottom and the right.

    An image of at most 32 pixels in height is left at its own size, unless it would be too wide if
    it were 32 high: then it is made as wide as fits, which enlarges some.

    Args:
        encoded: string scalar, a PNG, JPEG, BMP or GIF file (of a GIF the first frame).
        config: gives `image_width` (W) and `channels` (C).

    Returns:
        Pixels from 0 to 255 (bicubic resizing may overshoot).
    """
    pixels = decode(encoded, config.channels)  # [] --> [h, w, C]
    height, width = _fitted_size(pixels, config.image_width)
    resized = _resize_like_tensorflow_1(pixels, height, width)  # [h, w, C] --> [h', w', C]
    padding = [[0, IMAGE_HEIGHT - height], [0, config.image_width - width], [0, 0]]
    padded = tf.pad(resized, padding)  # [h', w', C] --> [32, W, C]
    shape = [IMAGE_HEIGHT, config.image_width, config.channels]
    return Prepared(tf.ensure_shape(padded, shape), width)


def prepare_all(encoded: tf.Tensor, config: Config) -> tf.Tensor:
    """The prepared pixels of each of `[N]` encoded images: float32 `[N, 32, W, C]`."""
    shape = tf.TensorSpec([IMAGE_HEIGHT, config.image_width, config.channels], tf.float32)
    return tf.map_fn(
        lambda image: prepare(image, config).pixels, encoded, fn_output_signature=shape
    )


def decode(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes one image file: string scalar to uint8 `[h, w, channels]`; alpha is dropped."""
    start = tf.strings.substr(encoded, 0, 2)
    pixels = tf.cond(
        tf.reduce_any(tf.equal(start, ["BM", "GI"])),
        lambda: _decode_in_own_channels(encoded, channels),
        lambda: tf.io.decode_image(encoded, channels, expand_animations=False),
    )
    return tf.ensure_shape(pixels, [None, None, channels])


def _decode_in_own_channels(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """For BMP and GIF, whose decoders convert no channels."""
    pixels = tf.io.decode_image(encoded, channels=0, expand_animations=False)
    rgb = tf.cond(
        tf.shape(pixels)[2] < 3,
        lambda: tf.image.grayscale_to_rgb(pixels[:, :, :1]),
        lambda: pixels[:, :, :3],
    )
    return tf.image.rgb_to_grayscale(rgb) if channels == 1 else rgb


def _fitted_size(pixels: tf.Tensor, max_width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Height and width, int32 scalars, after shrinking to `[32, max_width]`.

    The order of the divisions is 0.7.6's: the width at 32 pixels of height is rounded up before
    the height is derived from it.
    """
    shape = tf.shape(pixels)
    height, width = shape[0], shape[1]
    width_at_32 = _ceil(width / height * IMAGE_HEIGHT)
    too_wide = width_at_32 > max_width
    too_high = height > IMAGE_HEIGHT
    return (
        tf.where(too_wide, _ceil(max_width / width_at_32 * IMAGE_HEIGHT), tf.minimum(height, 32)),
        tf.where(too_wide, max_width, tf.where(too_high, width_at_32, width)),
    )


def _ceil(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.math.ceil(x), tf.int32)


def _resize_like_tensorflow_1(pixels: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """TensorFlow 1's bicubic: no half-pixel centres, kernel with a = -0.75.

    `tf.image.resize` samples at other places. Checkpoints of 0.7.6 were trained on these pixels.
    An image that has the size already comes out unchanged.
    """
    return tf.compat.v1.image.resize_bicubic(pixels[tf.newaxis], tf.stack([height, width]))[0]
