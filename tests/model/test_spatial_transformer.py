"""Tests the spatial transformer: what it does to pixels, what it leaves alone, what it learns."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, load_noise, noise, run

from aocr.model import recognizer
from aocr.model import spatial_transformer as stn
from aocr.model.backbones.common import Training
from aocr.model.thin_plate_spline import border_points, interpolation_matrix

POINTS = border_points(stn.POINTS_ON_A_BORDER)
WIDTHS = np.array([24, 13, 0])  # the last image could not be decoded
IMAGES = 127 + 127 * noise("images", 3, 32, 24, 3)
SCOPE = "spatial_transformer/"


def rectify(images=IMAGES, widths=WIDTHS, training=None):
    return stn.rectify(tf.constant(images), tf.constant(widths, tf.int32), training)


def load_small_offsets(session):
    """Gives all variables noise, so little of it to the last layer that offsets are about 0.1."""
    values = load_noise(session)
    for variable in tf.compat.v1.global_variables():
        if variable.op.name == f"{SCOPE}offsets/kernel":
            variable.load(1e-4 * values[variable.op.name], session)


@pytest.mark.parametrize("training", [False, True])
def test_a_new_transformer_changes_no_pixel(training):
    with tf.Graph().as_default():
        found = run(rectify(training=Training(tf.constant(0)) if training else None).images)
    np.testing.assert_array_equal(found, IMAGES)


def test_padding_is_left_alone_and_has_no_influence():
    for extra in (0, 8):
        images = np.pad(IMAGES, [[0, 0], [0, 0], [0, extra], [0, 0]], constant_values=99)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            output = rectify(images).images
            load_small_offsets(session)
            found = session.run(output)
        assert abs(found - images)[0, :, :24].max() > 1  # the noise moves the content
        for row, width in enumerate(WIDTHS):
            np.testing.assert_array_equal(found[row, :, width:], images[row, :, width:])
        if not extra:
            expected = found
    np.testing.assert_allclose(found[:, :, :24], expected, atol=0.01)


def places(offsets, width):
    """Returns from where the pixels of an image come, `[32, width, 2]`, by the whole spline."""
    size = np.array([width, 32])
    y, x = np.meshgrid(np.arange(32), np.arange(width), indexing="ij")
    pixels = np.stack([x, y], -1).reshape(-1, 2)
    matrix = interpolation_matrix(POINTS, (pixels + 0.5) / size * 2 - 1)
    moved = (matrix @ (POINTS + offsets.T) + 1) / 2 * size - 0.5
    return moved.reshape(32, width, 2)


def test_pixels_come_from_where_the_spline_says():
    """Images whose pixels are their own coordinates show the places they were read from."""
    offsets = 0.2 * noise("offsets", 2, 2, 20)
    y, x = np.meshgrid(np.arange(32), np.arange(90), indexing="ij")
    images = np.tile(np.stack([x, y], -1).astype(np.float32), [2, 1, 1, 1])
    widths = [90, 37]
    with tf.Graph().as_default():
        found = run(stn.move_pixels(tf.constant(images), tf.constant(widths), tf.constant(offsets)))
    for row, width in enumerate(widths):
        expected = np.clip(places(offsets[row], width), 0, [width - 1, 31])
        np.testing.assert_allclose(found[row, :, :width], expected, atol=0.3)  # pixels
        assert abs(found[row, :, :width] - expected).mean() < 0.03


def test_an_affine_set_of_offsets_moves_pixels_exactly():
    shifts = np.array([0.25, -0.5], np.float32)  # of half the width, and half the height
    offsets = np.tile(shifts[:, np.newaxis], [1, 1, 20])
    with tf.Graph().as_default():
        moved = stn.move_pixels(tf.constant(IMAGES[:1]), tf.constant([24]), tf.constant(offsets))
        found = run(moved)
    np.testing.assert_allclose(found[0, 8:, :21], IMAGES[0, :24, 3:], atol=0.01)


def test_the_view_is_the_content_in_grey_at_one_size():
    ramp = np.arange(200, dtype=np.float32)
    images = np.tile(ramp[:, np.newaxis], [2, 32, 1, 1]) + np.array([-30, 0, 30], np.float32)
    for width in (200, 64, 20):
        with tf.Graph().as_default():
            found = run(stn.view(tf.constant(images), tf.constant([width, 1])))
        centers = (np.arange(64) + 0.5) * width / 64 - 0.5
        inside = (centers > width / 64) & (centers < width - 1 - width / 64)
        expected = np.tile(centers[inside], [32, 1])
        np.testing.assert_allclose(found[0, :, inside, 0].T, expected, atol=0.05)
        np.testing.assert_array_equal(found[1], np.zeros([32, 64, 1]))


def bars(name, count):
    """Draws dark bars through the middle of images; returns them and the bars' slopes."""
    slopes = 10 * noise(name, count)
    rows = 15.5 + slopes[:, np.newaxis] * np.linspace(-1, 1, 64)  # [N, W]
    distances = np.abs(np.arange(32)[:, np.newaxis] - rows[:, np.newaxis])  # [N, 32, W]
    return np.float32(np.clip(50 * distances, 0, 250))[..., np.newaxis], slopes


def test_it_learns_to_straighten_bars():
    """After 40 steps it does so for other bars, the higher end taken from higher up."""
    images, _ = bars("training", 16)
    others, slopes = bars("test", 16)
    straight = np.clip(50 * abs(np.arange(32) - 15.5), 0, 250)[:, np.newaxis, np.newaxis]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.set_random_seed(1)
        batch = tf.compat.v1.placeholder_with_default(images, [16, 32, 64, 1])
        widths = tf.fill([16], 64)
        offsets, _ = stn.locate(stn.view(batch, widths), Training(tf.constant(0)))
        moved = stn.move_pixels(batch, widths, offsets)
        loss = tf.reduce_mean(tf.square((moved - straight.astype(np.float32)) / 255))
        step = tf.compat.v1.train.AdamOptimizer(0.003).minimize(loss)
        session.run(tf.compat.v1.global_variables_initializer())
        before = session.run(loss, {batch: others})
        for _ in range(40):
            session.run(step)
        after, offsets = session.run((loss, offsets), {batch: others})
    y = offsets[:, 1]  # [N, K]
    found = y[:, [9, 19]].mean(axis=1) - y[:, [0, 10]].mean(axis=1)
    assert after < before / 2
    assert np.corrcoef(found, slopes)[0, 1] > 0.9


def build(training=None, **changes):
    config = dataclasses.replace(TINY, channels=3, **changes)
    return recognizer.forward(tf.constant(IMAGES), tf.constant([24, 13, 4]), config, training)


def test_a_model_without_it_has_none_of_its_variables_and_reads_the_images_themselves():
    with tf.Graph().as_default():
        model = build()
        names = [variable.op.name for variable in tf.compat.v1.global_variables()]
        assert not any(name.startswith(SCOPE) for name in names)
        np.testing.assert_array_equal(run(model.images), IMAGES)


@pytest.mark.parametrize(("backbone", "decoder"), [("sliding", "attention"), ("compact", "joint")])
def test_it_stands_in_front_of_any_model(backbone, decoder):
    with tf.Graph().as_default():
        plain = build(Training(tf.constant(0)), backbone=backbone, decoder=decoder)
        known = {variable.op.name for variable in tf.compat.v1.global_variables()}
    with tf.Graph().as_default():
        changes = {"backbone": backbone, "decoder": decoder, "rectify": "tps"}
        model = build(Training(tf.constant(0)), **changes)
        variables = tf.compat.v1.trainable_variables()
        names = {v.op.name for v in tf.compat.v1.global_variables()}
        loss = tf.reduce_mean(model.decoder.losses(tf.constant([[3, 4, 2, 0, 0]] * 3)))
        gradients = tf.gradients(loss, variables)
    assert {name for name in names if not name.startswith(SCOPE)} == known
    assert len(model.batch_statistics) == len(plain.batch_statistics) + 2 * len(stn.LAYERS)
    assert None not in gradients
