"""Encoded image files to pixels of one size (COMPAT.md, section 5, "Image preparation")."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from aocr.config import IMAGE_HEIGHT, Config


class Prepared(NamedTuple):
    """Attributes: pixels float32 `[32, W, C]`; width int32 scalar, without the padding.

    Of a batch, both have one more axis in front.
    """

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


def prepare_all(encoded: tf.Tensor, config: Config) -> Prepared:
    """Each of `[N]` encoded images: pixels float32 `[N, 32, W, C]`, widths int32 `[N]`."""
    shape = [IMAGE_HEIGHT, config.image_width, config.channels]
    signature = Prepared(tf.TensorSpec(shape, tf.float32), tf.TensorSpec([], tf.int32))

    @tf.autograph.experimental.do_not_convert
    def prepare_one(image: tf.Tensor) -> Prepared:
        return prepare(image, config)

    return tf.map_fn(prepare_one, encoded, fn_output_signature=signature)


def cut(images: tf.Tensor, widths: tf.Tensor, config: Config) -> tf.Tensor:
    """Takes padding away from the right of a batch, up to the next of `config.widths`.

    Args:
        images: `[N, 32, W, C]`.
        widths: int32 `[N]`, of the images without padding.
        config: gives the widths that a batch may have.

    Returns:
        `[N, 32, W', C]`.
    """
    if config.padding_counts:
        return images
    allowed = tf.constant(config.widths)
    bucket = tf.searchsorted(allowed, tf.reduce_max(widths)[tf.newaxis])[0]
    return images[:, :, : allowed[bucket]]


def measure(encoded: tf.Tensor, config: Config) -> tf.Tensor:
    """Height and width of an encoded image, and its width when it is prepared: int32 `[3]`."""
    pixels = decode(encoded, config.channels)
    shape = tf.shape(pixels)
    return tf.stack([shape[0], shape[1], _fitted_size(pixels, config.image_width)[1]])


def decode(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes one image file: string scalar to uint8 `[h, w, channels]`.

    What is transparent in a PNG file is shown on white. 0.7.6 dropped the alpha channel, and black
    text on transparent black with it; the pixels of opaque images are the same to the bit.
    """
    start = tf.strings.substr(encoded, 0, 2)
    pixels = tf.cond(
        tf.equal(start, b"\x89P"),
        lambda: _decode_png(encoded, channels),
        lambda: tf.cond(
            tf.reduce_any(tf.equal(start, ["BM", "GI"])),
            lambda: _to_channels(_decode_natively(encoded), channels),
            lambda: tf.io.decode_image(encoded, channels, expand_animations=False),
        ),
    )
    return tf.ensure_shape(pixels, [None, None, channels])


def _decode_png(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """A PNG file; where it is opaque the decoder itself converts the channels, as in 0.7.6."""
    pixels = _decode_natively(encoded)
    depth = tf.shape(pixels)[2]
    has_alpha = tf.equal(depth % 2, 0)  # grey and alpha, or RGB and alpha
    transparent = has_alpha & tf.reduce_any(pixels[:, :, -1] < 255)
    return tf.cond(
        transparent,
        lambda: _to_channels(_on_white(pixels), channels),
        lambda: tf.cond(
            tf.equal(depth, channels),
            lambda: pixels,
            lambda: tf.io.decode_image(encoded, channels, expand_animations=False),
        ),
    )


def _decode_natively(encoded: tf.Tensor) -> tf.Tensor:
    """uint8 `[h, w, 1 to 4]`, in the file's own channels: BMP and GIF decoders convert none."""
    return tf.io.decode_image(encoded, channels=0, expand_animations=False)


def _on_white(pixels: tf.Tensor) -> tf.Tensor:
    """Composites uint8 `[h, w, C + 1]`, alpha last, on white: uint8 `[h, w, C]`."""
    values = tf.cast(pixels, tf.float32)
    alpha = values[:, :, -1:] / 255
    return tf.cast(tf.round(values[:, :, :-1] * alpha + 255 * (1 - alpha)), tf.uint8)


def _to_channels(pixels: tf.Tensor, channels: int) -> tf.Tensor:
    """uint8 `[h, w, 1, 3 or 4]` to `[h, w, channels]`; a fourth channel is dropped."""
    shape = tf.shape(pixels)
    rgb = tf.broadcast_to(pixels[:, :, :3], [shape[0], shape[1], 3])
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
