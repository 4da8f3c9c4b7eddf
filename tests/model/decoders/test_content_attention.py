"""Tests additive attention against the same computation in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, noise, run

from aocr.model.decoders.content import (
    AdditiveAttention,
    additive_scores,
    create_attention_weights,
    recomputed_scores,
)
from aocr.model.encoder import Memory

BATCH, COLUMNS, DEPTH, QUERY_SIZE = 2, 5, 4, 3
MEMORY = noise("memory", BATCH, COLUMNS, DEPTH)
STATE = noise("state", BATCH, QUERY_SIZE)


def attend(is_padding=None, recompute_gradient=False):
    """Returns the context, the weights and the variables by name, with noise for weights."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        padding = None if is_padding is None else tf.constant(is_padding)
        memory = Memory(tf.constant(MEMORY), tf.zeros([BATCH, 2 * DEPTH]), padding)
        attention = AdditiveAttention(create_attention_weights(QUERY_SIZE, DEPTH), memory)
        attended = attention(tf.constant(STATE), recompute_gradient)
        variables = load_noise(session)
        return *session.run(attended), variables


def numpy_scores(variables):
    """Returns `v · tanh(memory · W + state · kernel + bias)`, `[N, T]`."""
    query = STATE @ variables["Attention_0/kernel"] + variables["Attention_0/bias"]
    keys = MEMORY @ variables["AttnW_0"][0, 0]
    return np.tanh(keys + query[:, np.newaxis]) @ variables["AttnV_0"]


def softmax(scores):
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("recompute_gradient", [False, True])
def test_weights_and_context(recompute_gradient):
    context, weights, variables = attend(recompute_gradient=recompute_gradient)
    expected = softmax(numpy_scores(variables))
    close(weights, expected)
    close(context, np.einsum("nt,ntd->nd", expected, MEMORY))


def test_padding_gets_no_weight():
    is_padding = np.array([[False] * 5, [False, False, True, True, True]])
    context, weights, variables = attend(is_padding)
    scores = np.where(is_padding, -np.inf, numpy_scores(variables))
    close(weights, softmax(scores))
    close(context, np.einsum("nt,ntd->nd", softmax(scores), MEMORY))
    assert not weights[is_padding].any()


def test_variables_are_those_of_0_7_6():
    with tf.Graph().as_default():
        create_attention_weights(QUERY_SIZE, DEPTH)
        shapes = {v.op.name: v.shape.as_list() for v in tf.compat.v1.global_variables()}
    assert shapes == {
        "Attention_0/kernel": [QUERY_SIZE, DEPTH],
        "Attention_0/bias": [DEPTH],
        "AttnW_0": [1, 1, DEPTH, DEPTH],
        "AttnV_0": [DEPTH],
    }


def test_the_recomputed_gradient_is_that_of_the_scores():
    found = []
    for score in (additive_scores, recomputed_scores):
        with tf.Graph().as_default():
            inputs = [
                tf.constant(noise("keys", BATCH, COLUMNS, DEPTH)),
                tf.constant(noise("query", BATCH, DEPTH)),
                tf.constant(noise("scorer", DEPTH, 1)),
            ]
            scores = score(*inputs)
            upstream = tf.constant(noise("upstream", BATCH, COLUMNS))
            found.append(run((scores, *tf.gradients(scores, inputs, upstream))))
    for actual, expected in zip(*found, strict=True):
        close(actual, expected)


def test_inference_has_no_custom_gradient():
    with tf.Graph().as_default() as graph:
        additive_scores(tf.constant(MEMORY), tf.zeros([BATCH, DEPTH]), tf.zeros([DEPTH, 1]))
        assert not [op for op in graph.get_operations() if op.type == "IdentityN"]
