"""The decoder that the first bytes choose gives the pixels of TensorFlow's own choice.

Except that what a PNG file says of its color space changes nothing.
"""

import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, noise
from PIL import Image

from aocr.config import CLASSIC_GRAY, GRAYS, LUMA
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


def chunk(name, content):
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def sixteen_bits(depth):
    """A PNG file of random pixels of 16 bits, opaque if they have alpha; Pillow writes none."""
    pixels = (32767 * noise("sixteen", 37, 53, depth) + 32768).astype(">u2")
    if depth % 2 == 0:
        pixels[..., -1] = 65535
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[depth]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 53, 37, 16, kind, 0, 0, 0))
    return encoded(GREY)[:8] + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PNGS = {
    **{mode: encoded(COLOR.convert(mode)) for mode in ("L", "P", "RGB", "RGBA", "LA")},
    **{f"{depth} x 16 bits": sixteen_bits(depth) for depth in (1, 2, 3, 4)},
}
COLOR_SPACES = {
    "none": b"",
    "sRGB": chunk(b"sRGB", b"\0"),
    "gAMA": chunk(b"gAMA", struct.pack(">I", 45455)),
    "gAMA and cHRM": chunk(b"gAMA", struct.pack(">I", 100_000))
    + chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
}


@pytest.mark.parametrize("space", COLOR_SPACES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", PNGS)
def test_a_color_space_changes_no_pixel_of_a_png(kind, channels, space):
    """The pixels are those of 0.7.6 for a file without the chunk."""
    plain = PNGS[kind]
    file = plain[:33] + COLOR_SPACES[space] + plain[33:]
    expected = tf.io.decode_png(plain, channels).numpy()
    np.testing.assert_array_equal(decode(tf.constant(file), channels).numpy(), expected)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "JPEG"])
def test_luma_is_that_of_pillow_in_every_format(form):
    picture = COLOR.quantize(64).convert("RGB")
    file = encoded(picture.quantize(64) if form == "GIF" else picture, form)
    colors = Image.fromarray(tf.io.decode_image(file, 3, expand_animations=False).numpy())
    expected = np.asarray(colors.convert("L"))
    read = decode(tf.constant(file), 1, LUMA).numpy()[..., 0]
    np.testing.assert_array_equal(read, expected)
    classic = decode(tf.constant(file), 1, CLASSIC_GRAY).numpy()[..., 0]
    if form != "JPEG":  # whose own gray comes before its colors are clipped to 0 to 255
        assert np.abs(classic.astype(int) - read).max() <= 1


@pytest.mark.parametrize("gray", GRAYS)
@pytest.mark.parametrize(
    ("ink", "ground"),
    [((255, 255, 255), 0), ((255, 240, 60), 0), ((0, 0, 0), 255), ((200, 0, 0), 255)],
    ids=["white", "yellow", "black", "red"],
)
def test_the_ground_of_a_transparent_image_shows_its_ink(ink, ground, gray):
    pixels = np.full([6, 9, 4], [*ink, 0], np.uint8)  # the color is everywhere, also unseen
    pixels[2:4, 2:7, 3] = 255
    read = decode(tf.constant(encoded(Image.fromarray(pixels))), 1, gray).numpy()[..., 0]
    assert (read[0] == ground).all()
    assert abs(int(read[2, 2]) - ground) > 100
