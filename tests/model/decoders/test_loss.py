"""Tests the masked cross-entropy against values computed by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import noise, run

from aocr.charset import EOS_ID, PAD_ID
from aocr.model.decoders.attention import sequence_losses

A = 3


def losses(logits, targets, label_smoothing=0.0):
    with tf.Graph().as_default():
        logits, targets = tf.constant(logits, tf.float32), tf.constant(targets, tf.int32)
        return run(sequence_losses(logits, targets, label_smoothing))


def certain_logits(symbols, size=5):
    """Returns logits that give each of the `[N, S]` symbols a probability of 1."""
    return 100 * np.eye(size)[symbols]


def test_equal_logits_cost_the_logarithm_of_the_vocabulary_size():
    assert losses(np.zeros([1, 3, 39]), [[A, EOS_ID, PAD_ID]]) == pytest.approx(math.log(39))


def test_a_certain_and_correct_prediction_costs_nothing():
    targets = np.array([[A, 4, EOS_ID], [EOS_ID, PAD_ID, PAD_ID]])
    assert losses(certain_logits(targets), targets) == pytest.approx([0, 0])


def test_a_wrong_eos_costs_as_much_as_a_wrong_character():
    right = [[A, EOS_ID]]
    wrong_character, wrong_eos = certain_logits([[4, EOS_ID]]), certain_logits([[A, 4]])
    assert losses(wrong_character, right) == pytest.approx([50])
    assert losses(wrong_eos, right) == pytest.approx([50])


def test_an_example_costs_the_mean_of_its_steps():
    logits = np.log([[[0.1, 0.1, 0.1, 0.7], [0.25, 0.25, 0.4, 0.1]]])
    expected = -(math.log(0.7) + math.log(0.4)) / 2
    assert losses(logits, [[A, EOS_ID]]) == pytest.approx(expected)


def test_logits_of_padding_do_not_matter():
    logits, targets = noise("logits", 1, 4, 5), [[A, EOS_ID, PAD_ID, PAD_ID]]
    changed = logits.copy()
    changed[:, 2:] = 9 * noise("others", 1, 2, 5)
    assert losses(changed, targets) == pytest.approx(losses(logits, targets))
    assert losses(logits[:, :2], [[A, EOS_ID]]) == pytest.approx(losses(logits, targets))


def test_padding_alone_costs_nothing():
    assert losses(noise("logits", 1, 3, 5), [[PAD_ID] * 3]) == pytest.approx([0], abs=0)


def test_examples_are_independent():
    logits = noise("logits", 2, 3, 5)
    targets = [[A, EOS_ID, PAD_ID], [4, A, EOS_ID]]
    alone = [losses(logits[n : n + 1], targets[n : n + 1])[0] for n in range(2)]
    together = losses(logits, targets)
    assert together.shape == (2,)
    assert together == pytest.approx(alone)


def test_label_smoothing_by_hand():
    logits = np.log([[[0.1, 0.1, 0.1, 0.7], [0.25, 0.25, 0.4, 0.1], [0.7, 0.1, 0.1, 0.1]]])
    targets = [[A, EOS_ID, PAD_ID]]
    distributions = 0.8 * np.eye(4)[targets] + 0.2 / 4
    expected = -(distributions * logits).sum(-1)[0, :2].mean()
    assert losses(logits, targets, 0.2) == pytest.approx(expected)


def test_label_smoothing_of_zero_adds_no_operation():
    with tf.Graph().as_default() as graph:
        targets = tf.constant([[A, EOS_ID]])
        sequence_losses(tf.zeros([1, 2, 5]), targets)
        plain = [node.op for node in graph.as_graph_def().node]
    with tf.Graph().as_default() as graph:
        targets = tf.constant([[A, EOS_ID]])
        sequence_losses(tf.zeros([1, 2, 5]), targets, 0.0)
        assert [node.op for node in graph.as_graph_def().node] == plain
