"""Tests how fast the moving averages of batch norm follow the batches."""

import pytest
import tensorflow as tf
from helpers import run

from aocr.model.backbones import layers


@pytest.mark.parametrize(
    ("step", "decay"),
    [(0, 0.1), (1, 2 / 11), (90, 0.91), (890, 0.99), (891, 0.99), (10**6, 0.99)],
)
def test_decay_of_the_moving_averages_warms_up(step, decay):
    with tf.Graph().as_default():
        assert run(layers.moving_average_decay(tf.constant(step), 0.99)) == pytest.approx(decay)


def test_inference_returns_no_statistics():
    with tf.Graph().as_default():
        x = tf.zeros([1, 2, 2, 3])
        values, statistics = layers.batch_norm(x, None, is_training=False)
    assert values.shape == x.shape
    assert statistics == ()
