"""The decoder that the first bytes choose gives the pixels of TensorFlow's own choice."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, noise
from PIL import Image

from aocr.data.images.preprocessing import decode

GREY = Image.fromarray((127 * noise("pixels", 37, 53) + 128).astype(np.uint8))
COLOR = Image.fromarray((127 * noise("colors", 37, 53, 3) + 128).astype(np.uint8))


@pytest.mark.parametrize("picture", [GREY, COLOR], ids=["grey", "color"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF"])
def test_pixels_are_those_of_decode_image(form, picture):
    file = encoded(picture, form)
    own = tf.io.decode_image(file, expand_animations=False).numpy()
    channels = own.shape[2]
    np.testing.assert_array_equal(decode(tf.constant(file), channels).numpy(), own)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_channels_are_converted_as_by_decode_image(form, channels):
    file = encoded(COLOR, form)
    expected = tf.io.decode_image(file, channels, expand_animations=False).numpy()
    np.testing.assert_array_equal(decode(tf.constant(file), channels).numpy(), expected)
