"""A 2D convolution, with its gradient to the kernel as matrix products where those are faster.

oneDNN's kernels for that gradient reach half the speed of its other convolutions on CPUs that have
AVX2 but no AVX-512. There the gradient is taken by matrix products over shifted images (im2col of
Chellapilla et al., 2006, a row of the kernel at a time), which makes a training step a fifth
faster. `tests/benchmarks/training_step.py` measures it.
"""

from __future__ import annotations

import functools

import tensorflow as tf

from aocr.util.cpu import cpu_flags

LEAST_CHANNELS = 16
"""An image's one or three channels make products too thin to be fast."""


def conv2d(x: tf.Tensor, kernel: tf.Tensor, training_type: tf.DType | None) -> tf.Tensor:
    """A convolution of stride 1, padded.

    Args:
        x: float32 `[N, H, W, C]`.
        kernel: float32 `[K, K, C, D]`.
        training_type: what training computes in; None if the graph is not for training.

    Returns:
        float32 `[N, H, W, D]`.
    """
    if training_type == tf.bfloat16:
        x, kernel = tf.cast(x, tf.bfloat16), tf.cast(kernel, tf.bfloat16)
        return tf.cast(tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), tf.float32)
    if training_type and x.shape[-1] >= LEAST_CHANNELS and products_are_faster():
        return conv2d_with_products(x, kernel)
    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")


@functools.cache
def products_are_faster() -> bool:
    """Whether this machine trains on a CPU with AVX2 but without AVX-512."""
    if tf.config.list_physical_devices("GPU"):
        return False
    flags = cpu_flags()
    return "avx2" in flags and "avx512f" not in flags


@tf.custom_gradient
def conv2d_with_products(x: tf.Tensor, kernel: tf.Tensor):
    """`tf.nn.conv2d`, with the gradient to the kernel by `kernel_gradient`."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        to_images = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x),
            filter=kernel,
            out_backprop=upstream,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return to_images, kernel_gradient(x, upstream, kernel.shape[0])

    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), gradient


def kernel_gradient(x: tf.Tensor, upstream: tf.Tensor, size: int) -> tf.Tensor:
    """The gradient of a padded convolution of stride 1 to its kernel.

    Args:
        x: `[N, H, W, C]`, what was convolved.
        upstream: `[N, H, W, D]`, the gradient to what came of it.
        size: K.

    Returns:
        `[K, K, C, D]`.
    """
    height, channels, width = x.shape[1], x.shape[3], tf.shape(x)[2]
    filters = upstream.shape[-1]
    before = (size - 1) // 2
    margins = [before, size - 1 - before]
    with tf.control_dependencies([upstream]):  # else the executor widens all images beforehand
        rows = tf.transpose(x, [1, 0, 2, 3])  # [N, H, W, C] --> [H, N, W, C]
    padded = tf.pad(rows, [margins, [0, 0], margins, [0, 0]])
    wide = tf.concat([padded[:, :, j : j + width] for j in range(size)], axis=3)
    upstream = tf.reshape(tf.transpose(upstream, [1, 0, 2, 3]), [-1, filters])  # [HNW, D]
    products = [
        tf.matmul(  # a slice of the first axis is not copied
            tf.reshape(wide[i : i + height], [-1, size * channels]),  # [HNW, KC]
            upstream,
            transpose_a=True,
        )
        for i in range(size)
    ]
    return tf.reshape(tf.stack(products), [size, size, channels, filters])
