"""Image preparation: the size arithmetic, the padding, the formats, TensorFlow 1's bicubic."""

import io
import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, noise, white
from PIL import Image

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.images import preprocessing

GREY, COLOR = Config(), Config(channels=3)  # both 86 wide
RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 20, 30], [0, 0, 0], [255] * 3]], "u1")
LUMINANCE = RGB @ [0.299, 0.587, 0.114]


def pixels_of(*files, config=GREY):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(preprocessing.prepare_all(tf.constant(files), config).pixels)


def decoded(file, channels):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(preprocessing.decode(tf.constant(file), channels))


def random_grey(name, height, width):
    return np.uint8(127 + 127 * noise(name, height, width))


# Sizes


def fitted_size(height, width, max_width):
    """The size arithmetic of docs/compatibility.md, "Image preparation", in plain Python."""
    width_at_32 = math.ceil(width / height * 32)
    if width_at_32 > max_width:
        return math.ceil(max_width / width_at_32 * 32), max_width
    if height > 32:
        return 32, width_at_32
    return height, width


def prepared_sizes(sizes, config):
    """Height and width of white images after preparation: what is not padding."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        file = tf.compat.v1.placeholder(tf.string, [])
        prepared = preprocessing.prepare(file, config)
        found = []
        for height, width in sizes:
            pixels, said = session.run(prepared, {file: white(height, width)})
            rows, columns = (np.count_nonzero(pixels.any(axis=(axis, 2))) for axis in (1, 0))
            assert columns == said
            found.append((rows, columns))
        return found


@pytest.mark.parametrize("max_width", [100, 160, 325])
def test_sizes_are_those_of_the_arithmetic_in_python(max_width):
    config = Config(max_width=max_width)
    sides = [1, 2, 5, 17, 31, 32, 33, 47, 60, 64, 86, 87, 100, 171, 333]
    sizes = [(height, width) for height in sides for width in sides]
    expected = [fitted_size(*size, config.image_width) for size in sizes]
    assert prepared_sizes(sizes, config) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((32, 86), (32, 86)),  # fits exactly
        ((32, 87), (32, 86)),  # one too wide: 86 / 87 * 32 = 31.6
        ((33, 86), (32, 84)),  # one too high: 86 / 33 * 32 = 83.4
        ((100, 30), (32, 10)),  # 30 / 100 * 32 = 9.6
        ((1000, 1), (32, 1)),
        ((40, 400), (9, 86)),  # 320 wide at 32; 86 / 320 * 32 = 8.6
        ((7, 20), (30, 86)),  # 92 wide at 32, from 91.4; 86 / 91.4 * 32 would give 31
        ((10, 33), (26, 86)),  # 106 from 105.6; 86 / 105.6 * 32 would give 27
    ],
)
def test_size_computed_by_hand(size, expected):
    assert prepared_sizes([size], GREY) == [expected]


def test_every_image_comes_out_at_one_size():
    files = [white(5, 5), white(300, 20), white(20, 300)]
    assert pixels_of(*files).shape == (3, IMAGE_HEIGHT, 86, 1)
    assert pixels_of(*files, config=COLOR).shape == (3, IMAGE_HEIGHT, 86, 3)


def test_no_image_gives_no_pixels():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        files = tf.zeros([0], tf.string)
        assert session.run(preprocessing.prepare_all(files, GREY).pixels).shape == (0, 32, 86, 1)


# Pixels


@pytest.mark.parametrize(("height", "width"), [(32, 86), (20, 50), (31, 3), (1, 1)])
def test_image_that_fits_stays_as_it_is_in_the_upper_left_corner(height, width):
    grey = random_grey("fits", height, width)
    pixels = pixels_of(encoded(grey))[0, :, :, 0]
    np.testing.assert_array_equal(pixels[:height, :width], grey)
    assert not pixels[height:].any()
    assert not pixels[:, width:].any()


def test_color_image_that_fits_stays_as_it_is():
    pixels = pixels_of(encoded(RGB), config=COLOR)[0]
    np.testing.assert_array_equal(pixels[:2, :3], RGB)


def test_shrinking_to_half_takes_every_second_pixel():
    """As a resize without half-pixel centres does; one with them would mix two pixels."""
    grey = random_grey("half", 64, 100)
    pixels = pixels_of(encoded(grey))[0, :, :50, 0]
    np.testing.assert_array_equal(pixels, grey[::2, ::2])


def test_bicubic_between_two_pixels_by_hand():
    """48 rows to 32: row 1 lies at 1.5, where the kernel of a = -0.75 is -3/32 and 19/32."""
    rows = np.array([10, 100, 200, 40] * 12, np.uint8)
    pixels = pixels_of(encoded(np.repeat(rows[:, np.newaxis], 12, axis=1)))[0, :, :8, 0]
    expected = (-3 * 10 + 19 * 100 + 19 * 200 - 3 * 40) / 32
    np.testing.assert_allclose(pixels[1], np.full(8, expected), rtol=1e-6)
    np.testing.assert_array_equal(pixels[2], np.full(8, 40))  # row 2 lies at 3


def test_bicubic_overshoot_is_kept():
    rows = np.array([255, 0, 0, 255] * 12, np.uint8)
    pixels = pixels_of(encoded(np.repeat(rows[:, np.newaxis], 12, axis=1)))[0, :, :8, 0]
    np.testing.assert_allclose(pixels[1], np.full(8, -3 * 2 * 255 / 32), rtol=1e-6)


# Formats


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF"])
def test_color_file_gives_its_colors(file_format):
    file = encoded(Image.fromarray(RGB).quantize() if file_format == "GIF" else RGB, file_format)
    np.testing.assert_array_equal(decoded(file, 3), RGB)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF"])
def test_color_file_gives_its_luminance(file_format):
    file = encoded(Image.fromarray(RGB).quantize() if file_format == "GIF" else RGB, file_format)
    np.testing.assert_allclose(decoded(file, 1)[:, :, 0], LUMINANCE, atol=1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF"])
def test_grey_file_gives_its_grey_in_every_channel(file_format, channels):
    grey = random_grey("grey", 4, 6)
    pixels = decoded(encoded(grey, file_format), channels)
    assert pixels.shape == (4, 6, channels)
    np.testing.assert_allclose(pixels, np.repeat(grey[:, :, np.newaxis], channels, axis=2), atol=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_read(channels):
    pixels = decoded(encoded(np.full([16, 24], 200, np.uint8), "JPEG"), channels)
    assert pixels.shape == (16, 24, channels)
    np.testing.assert_allclose(pixels, 200, atol=1)


def test_alpha_of_a_bmp_is_dropped():
    alpha = np.full([2, 3, 1], 7, np.uint8)
    file = encoded(np.concatenate([RGB, alpha], axis=2), "BMP")
    np.testing.assert_array_equal(decoded(file, 3), RGB)
    np.testing.assert_allclose(decoded(file, 1)[:, :, 0], LUMINANCE, atol=1)


def test_opaque_alpha_changes_nothing():
    alpha = np.full([2, 3, 1], 255, np.uint8)
    file = encoded(np.concatenate([RGB, alpha], axis=2))
    np.testing.assert_array_equal(decoded(file, 3), RGB)
    np.testing.assert_array_equal(decoded(file, 1), decoded(encoded(RGB), 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_rgb_is_shown_on_white(channels):
    pixels = [[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0], [100, 100, 100, 51]]]
    read = decoded(encoded(Image.fromarray(np.array(pixels, np.uint8), "RGBA")), channels)
    assert read.shape == (1, 4, channels)
    np.testing.assert_allclose(read[0, :, 0], [255, 0, 255, 224], atol=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_grey_is_shown_on_white(channels):
    picture = Image.fromarray(np.array([[[200, 255], [100, 0], [0, 127]]], np.uint8), "LA")
    read = decoded(encoded(picture), channels)
    np.testing.assert_allclose(read[0, :, 0], [200, 255, 128], atol=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_of_a_palette_is_shown_on_white(channels):
    picture = Image.new("P", (4, 1))
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.putdata([0, 1, 0, 1])
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=0)
    read = decoded(file.getvalue(), channels)
    np.testing.assert_allclose(read[0, [0, 2], 0], 255)
    assert (read[0, [1, 3]] < 40).all()


def test_palette_of_a_png_is_followed():
    file = encoded(Image.fromarray(RGB).quantize())
    np.testing.assert_array_equal(decoded(file, 3), RGB)
    np.testing.assert_allclose(decoded(file, 1)[:, :, 0], LUMINANCE, atol=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_palette_of_a_bmp_is_not_followed_by_tensorflow(channels):
    picture = Image.fromarray(RGB).quantize()
    pixels = decoded(encoded(picture, "BMP"), channels)
    np.testing.assert_array_equal(pixels[:, :, 0], np.asarray(picture))


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_cut_to_eight(channels):
    grey = np.array([[0, 255, 256, 40000, 65535]], np.uint16)
    pixels = decoded(encoded(grey), channels)
    expected = np.repeat(grey[:, :, np.newaxis] >> 8, channels, axis=2)
    np.testing.assert_array_equal(pixels, expected)


def test_first_frame_of_an_animated_gif_is_read(tmp_path):
    frames = [Image.new("L", (4, 2), grey) for grey in (200, 30)]
    frames[0].save(tmp_path / "animated.gif", save_all=True, append_images=frames[1:])
    pixels = decoded((tmp_path / "animated.gif").read_bytes(), 1)
    np.testing.assert_array_equal(pixels, np.full([2, 4, 1], 200))


@pytest.mark.parametrize("file", [b"", b"B", b"no image", white(9, 9)[:-20], b"BM", b"GIF89a"])
def test_what_is_no_image_is_an_error(file):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoded(file, 1)
