"""Tests the sliding CNN: its output's length, its layers against NumPy, and dropout."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import load_noise, noise, run

from aocr.model.backbones import layers, sliding_cnn
from aocr.model.backbones.layers import KernelGradient, moving_average_updates

PLAIN = sliding_cnn.Convolution("plain", kernel=3, filters=4, batch_norm=False, pool=None)
NORMALIZED = sliding_cnn.Convolution(
    "normalized", kernel=2, filters=3, batch_norm=True, pool=(2, 1)
)
IMAGES = noise("images", 2, 6, 5, 3)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


# The layers in NumPy


def convolved(x, kernel):
    """Convolves `[N, H, W, C]` with `[k, k, C, F]`; an even k pads one pixel more at the end."""
    k = len(kernel)
    before, after = (k - 1) // 2, k // 2
    _, height, width, _ = x.shape
    x = np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)])
    parts = [
        x[:, i : i + height, j : j + width] @ kernel[i, j]
        for i, j in itertools.product(range(k), repeat=2)
    ]
    return np.sum(parts, axis=0)


def pooled(x, height, width):
    """Returns the maxima of blocks; the last blocks may be smaller."""
    rows = np.maximum.reduceat(x, range(0, x.shape[1], height), axis=1)
    return np.maximum.reduceat(rows, range(0, x.shape[2], width), axis=2)


def normalized(x, mean, variance, weights):
    gamma, beta = weights["BatchNorm/gamma"], weights["BatchNorm/beta"]
    return gamma * (x - mean) / np.sqrt(variance + 0.001) + beta


def relu(x):
    return np.maximum(x, 0)


# Length


def test_length_is_a_quarter_of_the_width_rounded_up():
    widths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 85, 86, 87, 88]
    lengths = []
    for width in widths:
        with tf.Graph().as_default():
            features = sliding_cnn.extract_features(tf.zeros([2, 32, width, 1])).features
        lengths.append(features.shape.as_list())
    assert lengths == [[2, math.ceil(width / 4), 512] for width in widths]


def test_variables_are_those_of_0_7_6():
    with tf.Graph().as_default():
        sliding_cnn.extract_features(tf.zeros([1, 32, 8, 3]))
        shapes = {v.op.name: v.shape.as_list() for v in tf.compat.v1.global_variables()}
    kernels = [(3, 3, 64), (3, 64, 128), (3, 128, 256), (3, 256, 256), (3, 256, 512)]
    kernels += [(3, 512, 512), (2, 512, 512)]
    expected = {f"conv_conv{n}/W": [k, k, c, f] for n, (k, c, f) in enumerate(kernels, start=1)}
    for scope, channels in (("conv_conv3", 256), ("conv_conv5", 512), ("conv_conv7", 512)):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            expected[f"{scope}/BatchNorm/{name}"] = [channels]
    assert shapes == expected


def test_moving_averages_are_not_trained():
    with tf.Graph().as_default():
        sliding_cnn.extract_features(tf.zeros([1, 32, 8, 1]))
        names = {v.op.name.split("/")[-1] for v in tf.compat.v1.trainable_variables()}
    assert names == {"W", "gamma", "beta"}


@pytest.mark.parametrize(("grey", "silent"), [(128, True), (129, False), (0, False)])
def test_grey_128_is_zero_and_stays_zero_without_a_bias(grey, silent):
    with tf.Graph().as_default():
        features = run(sliding_cnn.extract_features(tf.fill([1, 32, 8, 1], float(grey))).features)
    assert features.any() != silent


# One layer


@pytest.mark.parametrize("kernel", [2, 3])
def test_convolution_and_relu(kernel):
    layer = PLAIN._replace(kernel=kernel)
    output, weights = inferred(layer)
    close(output, relu(convolved(IMAGES, weights["W"])))


@pytest.mark.parametrize("pool", [(2, 2), (2, 1)])
def test_pooling_rounds_up(pool):
    output, weights = inferred(PLAIN._replace(pool=pool))
    close(output, pooled(relu(convolved(IMAGES, weights["W"])), *pool))
    assert output.shape == (2, 3, math.ceil(5 / pool[1]), 4)


def test_inference_normalizes_by_the_moving_averages():
    output, weights = inferred(NORMALIZED)
    averages = weights["BatchNorm/moving_mean"], weights["BatchNorm/moving_variance"]
    x = normalized(convolved(IMAGES, weights["W"]), *averages, weights)
    close(output, pooled(relu(x), 2, 1))


def inferred(layer):
    """Returns a layer's output at inference, with noise for weights, and the weights."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        output, statistics = sliding_cnn.convolution(tf.constant(IMAGES), layer, training=None)
        assert statistics == ()
        variables = load_noise(session)
        weights = {name.removeprefix(f"{layer.scope}/"): v for name, v in variables.items()}
        return session.run(output), weights


class TrainedLayer:
    """Holds a layer's output in a training step, with noise for weights, and its averages after."""

    def __init__(self, step):
        layer = NORMALIZED
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            step = tf.constant(step)
            training = layers.Training(step)
            output, statistics = sliding_cnn.convolution(tf.constant(IMAGES), layer, training)
            variables = load_noise(session)
            self.weights = {n.removeprefix(f"{layer.scope}/"): v for n, v in variables.items()}
            self.updates = moving_average_updates(statistics, step, momentum=0.99)
            self.output, _ = session.run((output, self.updates))
            variables = tf.compat.v1.global_variables()
            self.after = session.run(
                {v.op.name.removeprefix(f"{layer.scope}/"): v for v in variables}
            )


def test_training_normalizes_by_the_batch():
    layer = TrainedLayer(step=0)
    x = convolved(IMAGES, layer.weights["W"])
    x = normalized(x, x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2)), layer.weights)
    close(layer.output, pooled(relu(x), 2, 1))


@pytest.mark.parametrize(("step", "decay"), [(0, 0.1), (9, 10 / 19), (10**6, 0.99)])
def test_moving_averages_move_towards_the_batch(step, decay):
    layer = TrainedLayer(step)
    x = convolved(IMAGES, layer.weights["W"])
    batch = {"mean": x.mean(axis=(0, 1, 2)), "variance": x.var(axis=(0, 1, 2), ddof=1)}
    assert len(layer.updates) == 2
    for name, value in batch.items():
        before = layer.weights[f"BatchNorm/moving_{name}"]
        close(layer.after[f"BatchNorm/moving_{name}"], decay * before + (1 - decay) * value)


def test_inference_does_not_move_the_averages():
    with tf.Graph().as_default() as graph:
        sliding_cnn.extract_features(tf.zeros([1, 32, 4, 1]))
        operations = graph.get_operations()
        assert not [op for op in operations if op.type.startswith(("AssignSub", "AssignAdd"))]


def test_training_returns_the_statistics_of_every_batch_norm():
    with tf.Graph().as_default():
        output = sliding_cnn.extract_features(
            tf.zeros([1, 32, 4, 1]), training=layers.Training(tf.constant(0))
        )
        names = [statistic.moving_average.op.name for statistic in output.batch_statistics]
    assert names == [
        f"conv_conv{n}/BatchNorm/moving_{name}" for n in (3, 5, 7) for name in ("mean", "variance")
    ]


# The gradient of the kernels


@pytest.mark.parametrize(
    ("kernel_gradient", "has_custom_gradient"),
    [(None, False), (KernelGradient.TENSORFLOW, False), (KernelGradient.MATRIX_PRODUCTS, True)],
    ids=["inference", "TensorFlow", "matrix products"],
)
def test_only_training_by_matrix_products_has_a_custom_gradient(
    kernel_gradient, has_custom_gradient
):
    with tf.Graph().as_default() as graph:
        training = None
        if kernel_gradient:
            training = layers.Training(tf.constant(0), kernel_gradient=kernel_gradient)
        sliding_cnn.extract_features(tf.zeros([1, 32, 4, 1]), training=training)
        kinds = {operation.type for operation in graph.get_operations()}
    assert ("IdentityN" in kinds) is has_custom_gradient


# Dropout


def trained_features(*trainings):
    """Returns the features of the same images and weights for each training setting."""
    images = 100 * noise("images", 2, 32, 16, 1)
    with tf.Graph().as_default(), tf.compat.v1.variable_scope("", reuse=tf.compat.v1.AUTO_REUSE):
        outputs = [
            sliding_cnn.extract_features(tf.constant(images), None, make()) for make in trainings
        ]
        return run([output.features for output in outputs])


def training(step, **options):
    return lambda: layers.Training(tf.constant(step), **options)


def test_training_drops_half_of_the_features_and_doubles_the_others():
    dropped, kept = trained_features(training(0), training(0, dropout=0.0))
    active = kept > 0
    assert np.mean(dropped[active] == 0) == pytest.approx(0.5, abs=0.1)
    survived = dropped > 0
    close(dropped[survived], 2 * kept[survived])


def test_dropout_is_a_function_of_seed_and_step():
    first, again, later, other = trained_features(
        training(0, seed=1), training(0, seed=1), training(1, seed=1), training(0, seed=2)
    )
    np.testing.assert_array_equal(first > 0, again > 0)
    assert ((first > 0) != (later > 0)).any()
    assert ((first > 0) != (other > 0)).any()


def test_inference_drops_nothing():
    with tf.Graph().as_default() as graph:
        sliding_cnn.extract_features(tf.zeros([1, 32, 4, 1]))
        random = [op.name for op in graph.get_operations() if op.type.startswith("Random")]
    assert all("/Initializer/" in name for name in random)
