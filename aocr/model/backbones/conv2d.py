"""A 2D convolution whose data type and whose gradient with respect to the kernel can be chosen."""

from __future__ import annotations

import enum

import tensorflow as tf

MIN_CHANNELS = 16
"""Images with fewer channels make matrix products that are too thin to be fast."""


class KernelGradient(enum.Enum):
    """Lists the ways to compute the gradient with respect to a convolution's kernel.

    On CPUs with AVX2 but without AVX-512, oneDNN computes this gradient at half the speed of its
    other convolutions. Matrix products over shifted images make a training step a fifth faster
    there (im2col of Chellapilla et al., 2006, one row of the kernel at a time).
    `tests/benchmarks/training_step.py` measures both.
    """

    TENSORFLOW = "TensorFlow's own operation"
    MATRIX_PRODUCTS = "matrix products over shifted images"


def conv2d(
    x: tf.Tensor,
    kernel: tf.Tensor,
    compute_dtype: tf.DType = tf.float32,
    kernel_gradient: KernelGradient = KernelGradient.TENSORFLOW,
) -> tf.Tensor:
    """Convolves with stride 1 and SAME padding.

    Args:
        x: float32 `[N, H, W, C]`.
        kernel: float32 `[K, K, C, D]`.
        compute_dtype: float32, or bfloat16 to cast the inputs to it and the result back.
        kernel_gradient: how to compute the gradient with respect to the kernel. bfloat16 and
            images with few channels always use TensorFlow's operation.

    Returns:
        float32 `[N, H, W, D]`.
    """
    if compute_dtype == tf.bfloat16:
        x, kernel = tf.cast(x, tf.bfloat16), tf.cast(kernel, tf.bfloat16)
        return tf.cast(tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), tf.float32)
    if kernel_gradient is KernelGradient.MATRIX_PRODUCTS and x.shape[-1] >= MIN_CHANNELS:
        return conv2d_with_matrix_products(x, kernel)
    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")


@tf.custom_gradient
def conv2d_with_matrix_products(x: tf.Tensor, kernel: tf.Tensor):
    """Convolves as `tf.nn.conv2d` does, but takes the kernel's gradient by matrix products."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image_gradient = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x),
            filter=kernel,
            out_backprop=upstream,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return image_gradient, gradient_by_matrix_products(x, upstream, kernel.shape[0])

    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME"), gradient


def gradient_by_matrix_products(x: tf.Tensor, upstream: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the gradient of a convolution with respect to its kernel.

    Args:
        x: `[N, H, W, C]`, the images that were convolved.
        upstream: `[N, H, W, D]`, the gradient with respect to the convolution's result.
        size: K, the height and width of the kernel.

    Returns:
        `[K, K, C, D]`.
    """
    height, channels, width = x.shape[1], x.shape[3], tf.shape(x)[2]
    filters = upstream.shape[-1]
    before = (size - 1) // 2
    margins = [before, size - 1 - before]
    # Without this dependency the executor shifts the images of all layers beforehand.
    with tf.control_dependencies([upstream]):
        rows = tf.transpose(x, [1, 0, 2, 3])  # [N, H, W, C] --> [H, N, W, C]
    padded = tf.pad(rows, [margins, [0, 0], margins, [0, 0]])
    shifted = tf.concat([padded[:, :, j : j + width] for j in range(size)], axis=3)
    # [N, H, W, D] --> [HNW, D]
    upstream = tf.reshape(tf.transpose(upstream, [1, 0, 2, 3]), [-1, filters])
    products = [
        tf.matmul(  # a slice along the first axis is not copied
            tf.reshape(shifted[i : i + height], [-1, size * channels]),  # [HNW, KC]
            upstream,
            transpose_a=True,
        )
        for i in range(size)
    ]
    return tf.reshape(tf.stack(products), [size, size, channels, filters])
