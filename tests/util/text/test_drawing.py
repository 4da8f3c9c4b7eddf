"""Images and characters as they are drawn for people."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from aocr.util.text import drawing


def encode(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


# Images of every kind

GREY_RAMP = np.array([[0, 64, 128, 255]], np.uint8)


def colours(encoded: bytes) -> list[list[int]]:
    """RGB of each pixel of the first row."""
    return np.asarray(drawing.decode_for_display(encoded, 0))[0].tolist()


def greys(encoded: bytes) -> list[int]:
    pixels = np.asarray(drawing.decode_for_display(encoded, 0))[0]
    assert (pixels[:, :1] == pixels).all()
    return pixels[:, 0].tolist()


def palette_image() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
    image.putdata([0, 1, 2])
    return image


@pytest.mark.parametrize("file_format", ["PNG", "BMP"])
def test_grey_and_rgb(file_format):
    assert greys(encode(Image.fromarray(GREY_RAMP), file_format)) == [0, 64, 128, 255]
    assert colours(encode(Image.new("RGB", (1, 1), (1, 2, 3)), file_format)) == [[1, 2, 3]]


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "GIF"])
def test_palette_is_shown_in_its_colours(file_format):
    assert colours(encode(palette_image(), file_format)) == [[255, 0, 0], [0, 0, 255], [0, 255, 0]]


def test_transparent_palette_entries_are_white():
    one = encode(palette_image(), transparency=1)
    assert colours(one) == [[255, 0, 0], [255, 255, 255], [0, 255, 0]]
    half = encode(palette_image(), transparency=bytes([255, 128, 0]))
    assert colours(half) == [[255, 0, 0], [127, 127, 255], [255, 255, 255]]


def test_alpha_is_laid_over_white():
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]], np.uint8)
    assert colours(encode(Image.fromarray(rgba))) == [[255, 0, 0], [255] * 3, [204] * 3]
    grey_alpha = Image.new("LA", (2, 1))
    grey_alpha.putdata([(10, 255), (10, 0)])
    assert greys(encode(grey_alpha)) == [10, 255]


def test_one_bit_is_black_and_white():
    bits = Image.new("1", (2, 1))
    bits.putdata([255, 0])
    for file_format in ("PNG", "BMP"):
        assert greys(encode(bits, file_format)) == [255, 0]


def test_sixteen_bit_grey_keeps_its_range():
    levels = Image.fromarray(np.array([[0, 257 * 100, 257 * 101 - 1, 65535]], np.uint16))
    assert greys(encode(levels)) == [0, 100, 101, 255]
    # written by hand, behind the header of 33 bytes: old versions of Pillow cannot
    chunk = b"tRNS" + struct.pack(">H", 257 * 100)
    chunk = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    encoded = encode(levels)
    assert greys(encoded[:33] + chunk + encoded[33:]) == [0, 255, 101, 255]


def test_cmyk_jpeg_is_not_inverted():
    cyan, black = (255, 0, 0, 0), (0, 0, 0, 255)
    image = Image.new("CMYK", (32, 16), black)
    image.paste(cyan, (0, 0, 16, 16))
    shown = np.array(colours(encode(image, "JPEG", quality=95)))
    np.testing.assert_allclose(shown[4], [0, 255, 255], atol=6)
    np.testing.assert_allclose(shown[28], [0, 0, 0], atol=6)


# Sizes


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((200, 40), (400, 80)),
        ((160, 80), (160, 80)),
        ((300, 100), (300, 100)),
        ((4000, 1000), (1000, 250)),
        ((1000, 2000), (128, 256)),
        ((50, 1), (1000, 20)),
        ((4000, 1), (1000, 16)),
        ((1, 1000), (16, 256)),
        ((1, 1), (80, 80)),
    ],
)
def test_pictures_are_large_enough_to_see_and_small_enough_for_a_page(size, drawn):
    assert drawing.scale_for_display(Image.new("RGB", size)).size == drawn


# Characters


@pytest.mark.parametrize("character", ["A", "z", "0", "~", '"', "\\"])
def test_ascii_is_drawn_itself(character):
    assert drawing.glyph(character) == drawing._ink(character, 28)


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("ا", "U+0627"),
        ("你", "U+4F60"),
        ("😀", "U+1F600"),
        ("\0", "U+0000"),
        ("\n", "U+000A"),
        ("\u0301", "U+0301"),
        ("\u200b", "U+200B"),
        ("\u00a0", "U+00A0"),
    ],
)
def test_what_the_font_lacks_is_drawn_as_its_code_point(character, code):
    mask, written = drawing.glyph(character), drawing._ink(f" {code} ", 14)
    assert mask.height == drawing.glyph("A").height
    assert mask.crop(mask.getbbox()) == written.crop(written.getbbox())


def test_space_is_visible_and_like_no_other_mark():
    box = drawing.glyph(" ")
    assert box.getbbox() is not None
    assert all(box != drawing.glyph(character) for character in "_-.|[]")
