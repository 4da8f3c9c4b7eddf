"""Tests the convolution's own gradient against TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from helpers import run

from aocr.model.backbones import layers as module

MATRIX_PRODUCTS = module.KernelGradient.MATRIX_PRODUCTS


def gradients(convolve, size: int, height: int = 4):
    """Returns the output and the gradients to images and kernel, for random upstream gradients."""
    generator = np.random.default_rng(3)
    with tf.Graph().as_default():
        x = tf.constant(generator.normal(size=[2, height, 7, 16]), tf.float32)
        kernel = tf.constant(generator.normal(size=[size, size, 16, 5]), tf.float32)
        y = convolve(x, kernel)
        upstream = tf.constant(generator.normal(size=[2, height, 7, 5]), tf.float32)
        return run((y, *tf.gradients(y, [x, kernel], upstream)))


def plain(x, kernel):
    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("height", [1, 4])
def test_products_agree_with_tensorflow(size, height):
    ours = gradients(module.conv2d_with_matrix_products, size, height)
    theirs = gradients(plain, size, height)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_thin_images_are_left_to_tensorflow():
    with tf.Graph().as_default() as graph:
        x, kernel = tf.zeros([1, 4, 4, 3]), tf.zeros([3, 3, 3, 2])
        y = module.conv2d(x, kernel, kernel_gradient=MATRIX_PRODUCTS)
        tf.gradients(y, kernel)
        kinds = {op.type for op in graph.get_operations()}
    assert "Conv2DBackpropFilter" in kinds


def test_a_model_that_only_reads_has_the_plain_operation():
    with tf.Graph().as_default() as graph:
        module.conv2d(tf.zeros([1, 4, 4, 64]), tf.zeros([3, 3, 64, 2]))
        kinds = {op.type for op in graph.get_operations()}
    assert "IdentityN" not in kinds


@pytest.mark.parametrize("kernel_gradient", module.KernelGradient)
def test_bfloat16_is_near_float32_and_gives_float32(kernel_gradient):
    rough = gradients(lambda x, kernel: module.conv2d(x, kernel, tf.bfloat16, kernel_gradient), 3)
    for a, b in zip(rough, gradients(plain, 3), strict=True):
        assert a.dtype == b.dtype == np.float32
        assert 0 < np.abs(a - b).max() < 0.05 * np.abs(b).max()
