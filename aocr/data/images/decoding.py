"""Decodes PNG, JPEG, BMP and GIF files in the graph, with operations that TensorFlow 1 has too."""

from __future__ import annotations

import tensorflow as tf

SIGNATURES = {"PNG": b"\x89P", "JPEG": b"\xff\xd8", "BMP": b"BM", "GIF": b"GI"}
"""The first two bytes of the files that the graph can decode, by the names of their formats."""


def decode(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes one image file: string scalar to uint8 `[h, w, channels]`.

    The first bytes of the file choose the decoder. `tf.io.decode_image` gives the same pixels, but
    its operation, DecodeImage, is unknown to TensorFlow 1, which many clients of exports run.

    Transparent pixels of a PNG file are shown on white. 0.7.6 ignored the alpha channel, so that
    black text on transparent black was lost. The pixels of opaque images are the same to the bit.
    """
    start = tf.strings.substr(encoded, 0, 2)
    pixels = tf.cond(
        tf.equal(start, b"\x89P"),
        lambda: _decode_png(encoded, channels),
        lambda: tf.cond(
            tf.equal(start, b"BM"),
            lambda: _to_channels(tf.io.decode_bmp(encoded), channels),
            lambda: tf.cond(
                tf.equal(start, b"GI"),
                lambda: _to_channels(tf.io.decode_gif(encoded)[0], channels),
                # refuses everything that is not a JPEG file
                lambda: tf.io.decode_jpeg(encoded, channels),
            ),
        ),
    )
    return tf.ensure_shape(pixels, [None, None, channels])


def _decode_png(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes a PNG file; if it is opaque the decoder converts the channels, as in 0.7.6."""
    pixels = tf.io.decode_png(encoded)
    depth = tf.shape(pixels)[2]
    has_alpha = tf.equal(depth % 2, 0)  # gray and alpha, or RGB and alpha
    transparent = has_alpha & tf.reduce_any(pixels[:, :, -1] < 255)
    return tf.cond(
        transparent,
        lambda: _to_channels(_on_white(pixels), channels),
        lambda: tf.cond(
            tf.equal(depth, channels),
            lambda: pixels,
            lambda: tf.io.decode_png(encoded, channels),
        ),
    )


def _on_white(pixels: tf.Tensor) -> tf.Tensor:
    """Composites uint8 `[h, w, C + 1]`, alpha last, on white: uint8 `[h, w, C]`."""
    values = tf.cast(pixels, tf.float32)
    alpha = values[:, :, -1:] / 255
    return tf.cast(tf.round(values[:, :, :-1] * alpha + 255 * (1 - alpha)), tf.uint8)


def _to_channels(pixels: tf.Tensor, channels: int) -> tf.Tensor:
    """Converts uint8 `[h, w, 1, 3 or 4]` to `[h, w, channels]`; drops a fourth channel.

    TensorFlow's decoders of BMP and GIF cannot convert channels.
    """
    shape = tf.shape(pixels)
    rgb = tf.broadcast_to(pixels[:, :, :3], [shape[0], shape[1], 3])
    return tf.image.rgb_to_grayscale(rgb) if channels == 1 else rgb
