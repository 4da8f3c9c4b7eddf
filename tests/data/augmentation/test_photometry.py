"""Changes of levels: each by itself against NumPy, and what none of them may do."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import noise

from aocr.data.augmentation.augment import STRENGTHS
from aocr.data.augmentation.photometry import (
    PhotometryDraws,
    PhotometryLimits,
    change_levels,
    compress,
    make_texture,
    measure_levels,
)
from aocr.data.augmentation.random_numbers import record_keys, uniforms

NOTHING = PhotometryLimits(*[0.0] * len(PhotometryLimits._fields))
"""Limits that leave an image as it is."""

COUNT = 40
WIDTHS = np.full(COUNT, 48, np.int32)
KEYS = record_keys(1, tf.constant(0, tf.int64), tf.range(COUNT, dtype=tf.int64))
DRAWS = PhotometryDraws(*uniforms(KEYS, "photometry", len(PhotometryDraws._fields)).numpy().T)
IMAGES = 127 + 60 * noise("levels", COUNT, 32, 48, 1)


def changed(images=IMAGES, **limits):
    levels = measure_levels(images, WIDTHS)
    texture = make_texture(1, images.shape[2], images.shape[3])
    found = change_levels(images, WIDTHS, KEYS, NOTHING._replace(**limits), levels, texture)
    return found.numpy()


def per_image(numbers):
    return numbers.reshape(-1, 1, 1, 1)


def test_no_change_gives_nearly_the_same_pixels():
    np.testing.assert_allclose(changed(), IMAGES, atol=1e-3)


def test_levels_are_those_of_the_content():
    images, widths = IMAGES.copy(), WIDTHS - np.arange(COUNT, dtype=np.int32)
    for n, width in enumerate(widths):
        images[n, :, width:] = 0
    levels = measure_levels(images, widths)
    contents = [image[:, :width] for image, width in zip(images, widths, strict=True)]
    np.testing.assert_allclose(np.ravel(levels.mean), [c.mean() for c in contents], rtol=1e-4)
    np.testing.assert_allclose(np.ravel(levels.deviation), [c.std() for c in contents], rtol=1e-3)


def test_blur_mixes_neighbours_in_both_directions():
    dot = np.zeros([COUNT, 32, 48, 1], np.float32)
    dot[:, 10, 20] = 200
    found = changed(dot, blurred=1, blur=0.25)[:, 8:13, 18:23, 0]
    for n in range(COUNT):
        row, column = (
            [0, k, 1 - 2 * k, k, 0]
            for k in 0.25 * np.array([DRAWS.horizontal_blur[n], DRAWS.vertical_blur[n]])
        )
        np.testing.assert_allclose(found[n], 200 * np.outer(column, row), atol=0.01)


def test_blur_keeps_a_flat_image_flat():
    flat = np.full_like(IMAGES, 90)
    np.testing.assert_allclose(changed(flat, blurred=1, blur=0.25), flat, atol=1e-3)


def test_contrast_and_brightness_keep_the_pattern():
    found = changed(contrast=0.4, brightness=30)
    mean = IMAGES.mean((1, 2, 3), keepdims=True)
    contrast = per_image(1 + 0.4 * (2 * DRAWS.contrast - 1))
    shift = per_image(30 * (2 * DRAWS.brightness - 1))
    expected = mean + shift + contrast * (IMAGES - mean)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_inversion_swaps_black_and_white():
    found = changed(inverted=0.5)
    inverted = DRAWS.inversion < 0.5
    np.testing.assert_allclose(found[inverted], 255 - IMAGES[inverted], atol=0.01)
    np.testing.assert_allclose(found[~inverted], IMAGES[~inverted], atol=0.01)


def test_brightness_does_not_wash_out_pale_text():
    pale = np.full_like(IMAGES, 245)
    pale[:, 10:20, 10:20] = 225
    found = changed(pale, brightness=50)
    assert np.ptp(found, axis=(1, 2)).min() > 15


def test_noise_is_relative_to_the_contrast_and_spares_blurred_images():
    found = changed(blurred=0.5, noisy=0.5, noise=0.2) - IMAGES
    expected = np.where(DRAWS.blur_or_noise < 0.5, 0, 0.2 * DRAWS.noise)
    deviations = IMAGES.std((1, 2, 3))
    np.testing.assert_allclose(found.std((1, 2, 3)), expected * deviations, rtol=0.1, atol=1e-3)
    noisy = np.flatnonzero(expected > 0.1)[:2]
    first, second = found[noisy].reshape(2, -1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


def test_cut_out_leaves_a_rest_of_everything_that_it_covers():
    limits = STRENGTHS["strong"].photometry
    cut = {name: getattr(limits, name) for name in ("cut_width", "cut_height", "opacity")}
    found = changed(cut=1, **cut)
    mean = IMAGES.mean((1, 2, 3), keepdims=True)
    covered = ~np.isclose(found, IMAGES, atol=0.02)
    rest = ((found - mean) / (IMAGES - mean))[covered & (abs(IMAGES - mean) > 5)]
    assert rest.min() > 1 - limits.opacity - 0.01
    assert rest.max() < 1 - limits.opacity / 2 + 0.01
    for each in covered[..., 0]:
        rows, columns = np.flatnonzero(each.any(1)), np.flatnonzero(each.any(0))
        assert 0 < len(rows) <= limits.cut_height
        assert 0 < len(columns) <= limits.cut_width
        inside = each[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert inside.mean() > 0.9  # but for pixels that have the mean already


def test_cut_outs_are_rare_where_their_share_is():
    found = changed(cut=0.25, cut_width=8, cut_height=8, opacity=0.7)
    has_cut = (~np.isclose(found, IMAGES, atol=0.02)).any((1, 2, 3))
    np.testing.assert_array_equal(has_cut, DRAWS.cut < 0.25)


def quantized(block, coarseness):
    """A block of 8x8 after JPEG's quantization, by the definition of the cosine transform."""
    n = np.arange(8)
    basis = np.array([np.cos(np.pi * (2 * n + 1) * k / 16) for k in range(8)]) / 2
    basis[0] /= np.sqrt(2)
    steps = coarseness * (10 + 6 * np.add.outer(n, n))
    coefficients = basis @ block @ basis.T
    return basis.T @ (np.round(coefficients / steps) * steps) @ basis


def test_compression_is_that_of_each_block():
    images = 127 + 100 * noise("blocks", 2, 32, 24, 3)
    found = compress(images, tf.reshape([0.5, 2.0], [2, 1, 1, 1])).numpy()
    for n, coarseness in enumerate((0.5, 2.0)):
        for row, column, channel in ((0, 0, 0), (24, 16, 2), (8, 16, 1)):
            at = n, slice(row, row + 8), slice(column, column + 8), channel
            np.testing.assert_allclose(found[at], quantized(images[at], coarseness), atol=0.01)


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("name", STRENGTHS)
def test_image_of_one_level_stays_nearly_flat(name, level):
    limits = STRENGTHS[name].photometry._replace(compressed=1)
    found = changed(np.full_like(IMAGES, level), **limits._asdict())
    assert np.isfinite(found).all()
    assert np.ptp(found, axis=(1, 2)).max() < 1


def test_values_stay_within_black_and_white():
    wild = 127 + 200 * noise("wild", COUNT, 32, 48, 1)
    for strength in STRENGTHS.values():
        found = changed(wild, **strength.photometry._asdict())
        assert found.min() >= 0
        assert found.max() <= 255
