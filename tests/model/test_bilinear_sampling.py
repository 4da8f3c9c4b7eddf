"""Tests bilinear sampling against NumPy, and its gradients against differences."""

import numpy as np
import tensorflow as tf
from helpers import noise, run

from aocr.model.bilinear_sampling import sample_bilinear

IMAGES = 127 + 127 * noise("images", 2, 4, 6, 3)
WIDTHS = np.array([6, 3])
X, Y = 3 + 4 * noise("x", 2, 3, 5), 1.5 + 2.5 * noise("y", 2, 3, 5)  # some are outside


def twin(x, y):
    """Reads one place at a time."""
    result = np.zeros([*x.shape, 3])
    for n, i, j in np.ndindex(*x.shape):
        column = min(max(x[n, i, j], 0), WIDTHS[n] - 1)
        row = min(max(y[n, i, j], 0), 3)
        for r in range(4):
            for c in range(6):
                share = max(0, 1 - abs(row - r)) * max(0, 1 - abs(column - c))
                result[n, i, j] += share * IMAGES[n, r, c]
    return result


def sample(x, y):
    return sample_bilinear(tf.constant(IMAGES), tf.constant(WIDTHS, tf.int32), x, y)


def test_places_between_pixels_are_those_of_the_twin():
    with tf.Graph().as_default():
        found = run(sample(tf.constant(X), tf.constant(Y)))
    np.testing.assert_allclose(found, twin(X, Y), rtol=1e-4, atol=1e-3)


def test_the_place_of_a_pixel_gets_exactly_the_pixel():
    y, x = np.meshgrid(np.arange(4), np.arange(6), indexing="ij")
    x, y = (np.tile(each.astype(np.float32), [2, 1, 1]) for each in (x, y))
    with tf.Graph().as_default():
        found = run(sample(tf.constant(x), tf.constant(y)))
    np.testing.assert_array_equal(found[0], IMAGES[0])
    np.testing.assert_array_equal(found[1, :, :3], IMAGES[1, :, :3])


def test_gradients_are_those_of_differences():
    weights = noise("weights", 2, 3, 5, 3)
    with tf.Graph().as_default():
        x, y = tf.constant(X), tf.constant(Y)
        found = run(tf.gradients(tf.reduce_sum(sample(x, y) * weights), [x, y]))
    step = 1e-3
    for axis, gradient in enumerate(found):
        shift = [0.0, 0.0]
        shift[axis] = step
        change = twin(X + shift[0], Y + shift[1]) - twin(X - shift[0], Y - shift[1])
        expected = np.sum(change * weights, axis=3) / (2 * step)
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=0.05)
    assert (found[0] == 0).any()  # from outside
    assert (found[0] != 0).any()


def test_the_border_has_a_gradient_to_the_inside_only():
    """The pixel that follows in memory is one of another row or image."""
    with tf.Graph().as_default():
        x, y = tf.fill([2, 1, 1], 5.0), tf.fill([2, 1, 1], 3.0)  # the lower right corner
        found = run(tf.gradients(sample(x, y), [x, y]))
    assert not np.any(found)


def test_an_image_of_one_pixel_in_width_is_read():
    with tf.Graph().as_default():
        images, widths = tf.constant(IMAGES[:, :, :1]), tf.constant([1, 1])
        found = run(sample_bilinear(images, widths, tf.constant(X), tf.zeros([2, 3, 5])))
    np.testing.assert_array_equal(found, np.tile(IMAGES[:, :1, :1], [1, 3, 5, 1]))
