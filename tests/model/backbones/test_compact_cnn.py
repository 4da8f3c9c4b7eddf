"""Tests the compact CNN against the same layers in NumPy, and what it does with padding."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, noise

from aocr.config import Config
from aocr.model import recognizer
from aocr.model.backbones import compact_cnn
from aocr.model.backbones.layers import EPSILON, Training

IMAGES = 127 + 127 * noise("images", 2, 32, 16, 1)
MAX_WEIGHTS = 1_500_000


def extract(images, lengths=None, training=None):
    """Returns the features of images, with noise as weights, and the values of the variables."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        lengths = None if lengths is None else tf.constant(lengths)
        output = compact_cnn.extract_features(tf.constant(images), lengths, training)
        values = load_noise(session)
        return session.run(output.features), values


def correlate(x, kernel):
    """Correlates `[N, H, W, C]` with a kernel `[3, 3, C, D]`, with zeros around."""
    height, width = x.shape[1:3]
    padded = np.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )


def pool(x, window):
    """Takes the maximum of windows; sizes must be multiples of the window's."""
    n, height, width, channels = x.shape
    shape = n, height // window[0], window[0], width // window[1], window[1], channels
    return x.reshape(shape).max(axis=(2, 4))


def twin(images, values):
    """Computes the CNN in NumPy."""
    x = (images - 128) / 128
    for number, layer in enumerate(compact_cnn.LAYERS, start=1):
        scope = f"compact_cnn/conv{number}"
        gamma, beta, mean, variance = (
            values[f"{scope}/BatchNorm/{name}"]
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        y = correlate(x, values[f"{scope}/W"])
        y = x + y if x.shape == y.shape else y
        y = pool(y, layer.pool) if layer.pool else y
        x = np.maximum(gamma * (y - mean) / np.sqrt(variance + EPSILON) + beta, 0)
    return x[:, 0]


def test_layers_are_those_of_the_twin():
    features, values = extract(IMAGES)
    assert features.shape == (2, 4, 160)
    expected = twin(IMAGES, values)
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_two_layers_add_their_input():
    filters = [layer.filters for layer in compact_cnn.LAYERS]
    assert sum(a == b for a, b in itertools.pairwise(filters)) == 2


def test_padding_that_is_masked_does_not_change_an_image():
    wider = np.pad(IMAGES, [[0, 0], [0, 0], [0, 12], [0, 0]], constant_values=200)
    alone, _ = extract(IMAGES)
    padded, _ = extract(wider, lengths=[4, 4])
    np.testing.assert_allclose(padded[:, :4], alone, rtol=1e-4, atol=1e-4 * alone.max())
    assert not padded[:, 4:].any()


def test_every_layer_has_batch_norm_in_training():
    with tf.Graph().as_default():
        training = Training(tf.constant(0))
        output = compact_cnn.extract_features(tf.constant(IMAGES), None, training)
    assert len(output.batch_statistics) == 2 * len(compact_cnn.LAYERS)


@pytest.mark.parametrize("decoder", ["attention", "ctc", "joint"])
def test_a_whole_model_has_at_most_one_and_a_half_million_weights(decoder):
    config = Config(
        characters="".join(map(chr, range(32, 127))),
        backbone="compact",
        decoder=decoder,
        attention="location",
        attn_num_layers=1,
        target_embedding_size=32,
    )
    with tf.Graph().as_default():
        recognizer.forward(tf.constant(IMAGES), tf.constant([16, 9]), config)
        shapes = [v.shape.as_list() for v in tf.compat.v1.global_variables()]
    assert sum(map(np.prod, shapes)) <= MAX_WEIGHTS
