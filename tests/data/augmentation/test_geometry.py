"""Distortions: pixels move where the mathematics in NumPy says, and the content stays inside."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import noise

from aocr.data.augmentation.augment import STRENGTHS
from aocr.data.augmentation.geometry import (
    KNOT_DISTANCE,
    GeometryDraws,
    GeometryLimits,
    bend,
    distort,
    sample,
    source_maps,
    source_positions,
    spline,
)
from aocr.data.augmentation.random_numbers import record_keys

STILL = GeometryLimits(
    rotation=0,
    end_shift=0,
    shear=0,
    perspective=0,
    smallest_scale=1,
    largest_scale=1,
    shift=0,
    waviness=0,
    overhang=0,
)
"""Limits that leave an image as it is."""

IMAGES = 127 + 127 * noise("images", 3, 32, 40, 1)
WIDTHS = np.array([40, 33, 7], np.int32)
KEYS = record_keys(1, tf.constant(0, tf.int64), tf.range(3, dtype=tf.int64))


def draws(count=1, **numbers):
    """Random numbers that are all 0 but the given ones."""
    values = dict.fromkeys(GeometryDraws._fields, np.zeros(count, np.float32))
    return GeometryDraws(
        **(values | {k: np.full(count, v, np.float32) for k, v in numbers.items()})
    )


def source_map(half_width, limits, **numbers):
    return source_maps(draws(**numbers), tf.constant([float(half_width)]), limits)[0].numpy()


def forward(matrix, x, y):
    """Where a centred position of an image is in the result."""
    a, b, c = np.linalg.inv(np.float64(matrix)) @ [x, y, 1]
    return a / c, b / c


# Sampling


def test_positions_on_pixels_give_the_pixels():
    y, x = np.mgrid[:32, :40].astype(np.float32)
    grid = np.broadcast_to([x, y], [3, 2, 32, 40])
    found = sample(IMAGES, np.int32([40, 40, 40]), grid[:, 0], grid[:, 1])
    np.testing.assert_array_equal(found, IMAGES)


def test_positions_between_pixels_and_outside_are_as_in_numpy():
    generator = np.random.default_rng(0)
    x = generator.uniform(-20, 60, [3, 32, 24]).astype(np.float32)
    y = generator.uniform(-9, 40, [3, 32, 24]).astype(np.float32)
    images = 127 + 127 * noise("colour", 3, 32, 40, 3)
    found = sample(images, WIDTHS, x, y).numpy()
    for n, width in enumerate(WIDTHS):
        content = np.pad(images[n, :, :width], [(0, 1), (0, 1), (0, 0)], "edge")
        u, v = x[n].clip(0, width - 1), y[n].clip(0, 31)
        j, i = u.astype(int), v.astype(int)
        s, t = (u - j)[..., None], (v - i)[..., None]
        upper = content[i, j] * (1 - s) + content[i, j + 1] * s
        lower = content[i + 1, j] * (1 - s) + content[i + 1, j + 1] * s
        np.testing.assert_allclose(found[n], upper * (1 - t) + lower * t, atol=0.01)


# Maps


def test_no_distortion_gives_identical_pixels():
    found = distort(IMAGES, WIDTHS, KEYS, STILL, 40).numpy()
    for n, width in enumerate(WIDTHS):
        np.testing.assert_array_equal(found[n, :, :width], IMAGES[n, :, :width])
        border = np.broadcast_to(IMAGES[n, :, width - 1 : width], [32, 40 - width, 1])
        np.testing.assert_array_equal(found[n, :, width:], border)


def test_rotation_moves_the_ends_of_the_text():
    limits = STILL._replace(rotation=45, end_shift=4, overhang=100)  # enough room for any angle
    matrix = source_map(50, limits, rotation=1.0)
    angle = np.arctan(4 / 50)
    found = forward(matrix, 50, 0)
    np.testing.assert_allclose(found, [50 * np.cos(angle), 50 * np.sin(angle)], atol=1e-3)
    narrow = source_map(2, limits._replace(rotation=10), rotation=-0.5)
    angle = np.arctan(-0.5 * np.tan(np.radians(10)))
    np.testing.assert_allclose(
        forward(narrow, 2, 0), [2 * np.cos(angle), 2 * np.sin(angle)], atol=1e-4
    )


def test_shear_moves_rows_to_the_side():
    matrix = source_map(50, STILL._replace(shear=0.5, overhang=100), shear=0.4)
    np.testing.assert_allclose(forward(matrix, 10, 10), [12, 10], atol=1e-4)
    np.testing.assert_allclose(forward(matrix, 10, -10), [8, -10], atol=1e-4)


def test_perspective_makes_one_side_smaller():
    matrix = source_map(50, STILL._replace(perspective=0.1, overhang=100), horizontal_perspective=1)
    left, right = (forward(matrix, x, 16)[1] - forward(matrix, x, -16)[1] for x in (-50, 50))
    np.testing.assert_allclose([left, right], [32 / 0.9, 32 / 1.1], rtol=1e-5)


def test_vertical_perspective_slants_the_ends_of_wide_images_no_more_than_the_shear():
    limits = STILL._replace(perspective=0.1, shear=0.25, overhang=1000)
    for half_width, change in ((20, 0.1), (400, 0.25 * 16 / 400)):
        matrix = source_map(half_width, limits, vertical_perspective=1)
        lower, upper = (forward(matrix, half_width, y)[0] for y in (16, -16))
        ratio = (1 - change) / (1 + change)
        assert lower / upper == pytest.approx(ratio, rel=1e-4)
    assert abs(upper - lower) / 32 < 0.26


def test_scale_and_shift_move_a_pixel():
    limits = STILL._replace(smallest_scale=0.5, shift=3, overhang=9)
    numbers = {"horizontal_scale": -1, "horizontal_shift": 1, "vertical_shift": -1}
    matrix = source_map(50, limits, **numbers)
    np.testing.assert_allclose(forward(matrix, 20, 8), [13, 3], atol=1e-5)  # y is scaled by 0.75


def test_known_shift_moves_known_pixels():
    image = np.zeros([1, 32, 40, 1], np.float32)
    image[0, 10, 20] = 200
    maps = source_maps(
        draws(horizontal_shift=1, vertical_shift=-1),
        tf.constant([20.0]),
        STILL._replace(shift=3, overhang=3),
    )
    x, y = source_positions(maps, tf.constant([20.0]), 40)
    moved = sample(image, np.int32([40]), x, y).numpy()[0, :, :, 0]
    assert np.unravel_index(moved.argmax(), moved.shape) == (7, 23)
    assert moved[7, 23] == pytest.approx(200, abs=0.1)


@pytest.mark.parametrize("name", STRENGTHS)
def test_content_stays_inside_but_for_the_overhang(name):
    limits = STRENGTHS[name].geometry
    half = np.random.default_rng(0).uniform(2, 500, 300).astype(np.float32)
    numbers = np.random.default_rng(1).choice([-1, -0.7, 0.3, 1], [len(GeometryDraws._fields), 300])
    maps = source_maps(GeometryDraws(*np.float32(numbers)), tf.constant(half), limits).numpy()
    spare = limits.overhang - 0.5 * limits.waviness + 0.01  # bending moves at most that far
    for matrix, width in zip(maps, half, strict=True):
        for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            x, y = forward(matrix, corner[0] * width, corner[1] * 16)
            assert abs(x) <= width + spare
            assert abs(y) <= 16 + spare


@pytest.mark.parametrize("name", STRENGTHS)
def test_text_is_never_made_tiny(name):
    limits = STRENGTHS[name].geometry
    half = np.random.default_rng(0).uniform(4, 500, 300).astype(np.float32)
    numbers = np.random.default_rng(1).choice([-1, 1], [len(GeometryDraws._fields), 300])
    maps = source_maps(GeometryDraws(*np.float32(numbers)), tf.constant(half), limits).numpy()
    heights = [forward(m, 0, 16)[1] - forward(m, 0, -16)[1] for m in maps]
    assert min(heights) > (16 if name == "strong" else 26)


# Bending


def test_spline_reproduces_straight_lines():
    knots = np.float32([[5, 5, 5, 5, 5], [1, 2, 3, 4, 5]])
    found = spline(tf.constant(knots), 32).numpy()
    np.testing.assert_allclose(found[0], np.full(32, 5), rtol=1e-6)
    np.testing.assert_allclose(found[1], 2 + np.arange(32) / KNOT_DISTANCE, rtol=1e-6)


def test_bending_is_smooth_bounded_and_independent_of_the_width():
    amount = np.float32([0, 1, 2])
    narrow, wide = (bend(KEYS, tf.constant(amount), width) for width in (40, 136))
    for name in narrow._fields:
        found = getattr(wide, name).numpy().reshape(3, -1)
        assert (abs(found) <= amount[:, np.newaxis]).all()
        assert abs(found[2]).max() > 0.1
        assert abs(np.diff(found)).max() <= 2 * 2 / KNOT_DISTANCE
        np.testing.assert_array_equal(
            getattr(narrow, name), getattr(wide, name)[:, :, : getattr(narrow, name).shape[2]]
        )
