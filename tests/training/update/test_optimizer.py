"""Checks updates computed by hand: clipping, decay, order, and skipped updates."""

import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import run

from aocr.training.options import LEARNING_RATES, TrainingOptions
from aocr.training.update import optimizer


@pytest.mark.parametrize(("max_norm", "scale"), [(6.5, 0.5), (13, 1), (14, 1), (None, 1)])
def test_clipping_by_hand(max_norm, scale):
    with tf.Graph().as_default():
        gradients = tf.constant([3.0, 4.0]), tf.constant([[12.0]])
        (first, second), norm = run(optimizer.clip_gradients(gradients, max_norm))
    assert norm == 13
    np.testing.assert_allclose(first, [3 * scale, 4 * scale], rtol=1e-6)
    np.testing.assert_allclose(second, [[12 * scale]], rtol=1e-6)


class Steps:
    """Updates one matrix and one vector with a loss that is fed, and a moving average."""

    def __init__(self, **options):
        self.graph = tf.Graph()
        with self.graph.as_default():
            get = tf.compat.v1.get_variable
            self.matrix = get("w", initializer=tf.ones([2, 2]))
            self.vector = get("b", initializer=tf.ones([2]))
            self.average = get("average", initializer=1.0, trainable=False)
            step = get("Variable", [], tf.int32, tf.zeros_initializer(), trainable=False)
            self.scale = tf.compat.v1.placeholder(tf.float32, [])
            loss = self.scale * (tf.reduce_sum(self.matrix) + tf.reduce_sum(self.vector))
            self.made = optimizer.build_update(
                loss, self._move_average, step, TrainingOptions(**options), last_step=10
            )
            self.session = tf.compat.v1.Session()
            self.session.run(tf.compat.v1.global_variables_initializer())

    def _move_average(self):
        seen = tf.reduce_sum(self.matrix)
        return [self.average.assign(seen).op]

    def take(self, scale):
        """Takes a step, and returns its number and whether the update was applied."""
        step, applied = self.session.run([self.made.step, self.made.applied], {self.scale: scale})
        return int(step), bool(applied)

    def values(self):
        with self.graph.as_default():
            return self.session.run({v.op.name: v for v in tf.compat.v1.global_variables()})


def test_every_optimizer_has_a_default_learning_rate():
    assert list(optimizer.OPTIMIZERS) == list(LEARNING_RATES)


@pytest.mark.parametrize("name", list(LEARNING_RATES))
def test_every_optimizer_goes_down(name):
    steps = Steps(optimizer=name, initial_learning_rate=LEARNING_RATES[name])
    assert steps.take(1.0) == (1, True)
    assert (steps.values()["w"] < 1).all()


def test_sgd_by_hand():
    steps = Steps(optimizer="sgd", initial_learning_rate=0.1, max_gradient_norm=None)
    steps.take(2.0)
    np.testing.assert_allclose(steps.values()["w"], np.full([2, 2], 1 - 0.1 * 2.0), rtol=1e-6)


def test_decay_shrinks_matrices_and_not_vectors():
    options = {"optimizer": "sgd", "initial_learning_rate": 0.1, "weight_decay": 0.5}
    steps = Steps(**options)
    steps.take(0.0)
    values = steps.values()
    np.testing.assert_allclose(values["w"], np.full([2, 2], 1 - 0.1 * 0.5), rtol=1e-6)
    np.testing.assert_array_equal(values["b"], [1, 1])


def test_averages_move_before_the_weights():
    steps = Steps(optimizer="sgd", initial_learning_rate=0.1)
    steps.take(1.0)
    assert steps.values()["average"] == 4  # the sum of the weights before the step


@pytest.mark.parametrize("scale", [math.nan, math.inf])
def test_what_is_not_finite_changes_nothing_but_the_step(scale):
    steps = Steps()
    steps.take(1.0)
    before = steps.values()
    assert steps.take(scale) == (2, False)
    after = steps.values()
    assert after.pop("Variable") == before.pop("Variable") + 1
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    assert steps.take(1.0) == (3, True)
