"""Tests which image files stay, which become PNG with which pixels, and which are refused."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded
from PIL import Image

from aocr.data.images.conversion import to_supported_format
from aocr.data.images.files import ImageFileError

LIMIT = 10_000
COLOURS = np.random.default_rng(0).integers(0, 256, [6, 7, 3], np.uint8)
PICTURE = Image.fromarray(COLOURS)
GREY = PICTURE.convert("L")
PALETTE = PICTURE.quantize(16)
ONE_TRANSPARENT = PICTURE.convert("RGBA")
ONE_TRANSPARENT.putpixel((1, 1), (0, 0, 0, 0))
NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, [90, 100, 3], np.uint8))


def save(picture, file_format, **options):
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of_size(width, height):
    """A PNG file that says it is so large; its pixels are a few zeros."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def decoded(image_file):
    """As the model's graph does."""
    return tf.io.decode_image(image_file, expand_animations=False).numpy()


def refusal(image_file, limit=LIMIT):
    with pytest.raises(ImageFileError) as refused:
        to_supported_format(image_file, limit)
    return str(refused.value)


# What stays as it is


@pytest.mark.parametrize(
    "image_file",
    [
        *(encoded(PICTURE.convert(mode)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
        encoded(ONE_TRANSPARENT),
        save(PALETTE, "PNG", transparency=PALETTE.getpixel((0, 0))),
        encoded(GREY.convert("I").point(lambda value: value * 256).convert("I;16")),
        *(encoded(PICTURE.convert(mode), "JPEG") for mode in ("L", "RGB")),
        save(PICTURE, "JPEG", progressive=True),
        *(encoded(PICTURE.convert(mode), "BMP") for mode in ("L", "RGB")),
        encoded(PALETTE, "GIF"),
        save(PALETTE, "GIF", save_all=True, append_images=[PALETTE.transpose(0)]),
        encoded(PICTURE) + b"junk",
    ],
)
def test_what_tensorflow_reads_as_it_looks_stays_to_the_bit(image_file):
    found = to_supported_format(image_file, LIMIT)
    assert found == (image_file, "", 7, 6)


def test_transparent_colour_that_no_pixel_has_changes_nothing():
    unused = (set(range(256)) - set(GREY.tobytes())).pop()
    assert not to_supported_format(save(GREY, "PNG", transparency=unused), LIMIT).converted


def test_threads_may_read_at_a_time():
    files = [encoded(NOISE), encoded(PICTURE, "TIFF"), encoded(PICTURE, "WEBP")] * 30
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda file: to_supported_format(file, LIMIT).converted, files))
    assert found == [False, True, True] * 30


# What is converted


def converted(image_file):
    """The pixels of what becomes of the file, once it is sure that they stay."""
    found = to_supported_format(image_file, LIMIT)
    assert found.converted
    assert found.encoded.startswith(b"\x89PNG")
    assert not to_supported_format(found.encoded, LIMIT).converted
    pixels = decoded(found.encoded)
    assert pixels.shape[:2] == (found.height, found.width)
    return pixels


@pytest.mark.parametrize(
    "image_file",
    [
        *(encoded(PICTURE.convert(mode), "TIFF") for mode in ("RGB", "RGBA", "CMYK")),
        *(save(PICTURE, "TIFF", compression=name) for name in ("tiff_lzw", "tiff_deflate")),
        save(PICTURE, "WEBP", lossless=True),
        encoded(PICTURE, "PPM"),
        encoded(PICTURE.convert("RGBA"), "BMP"),  # 32 bits
    ],
)
def test_colours(image_file):
    np.testing.assert_array_equal(converted(image_file), COLOURS)


@pytest.mark.parametrize("file_format", ["BMP", "TIFF"])
def test_palette(file_format):
    expected = np.asarray(PALETTE.convert("RGB"))
    np.testing.assert_array_equal(converted(encoded(PALETTE, file_format)), expected)


@pytest.mark.parametrize("file_format", ["BMP", "TIFF"])
def test_one_bit(file_format):
    picture = PICTURE.convert("1")
    expected = np.asarray(picture.convert("L"))[:, :, np.newaxis]
    np.testing.assert_array_equal(converted(encoded(picture, file_format)), expected)


@pytest.mark.parametrize(
    "image_file",
    [
        encoded(GREY.convert("I").point(lambda value: value * 256 + 9).convert("I;16"), "TIFF"),
        b"P5 7 6 65535\n" + b"".join(bytes([value, 9]) for value in GREY.tobytes()),
    ],
)
def test_sixteen_bits_keep_the_upper_eight(image_file):
    np.testing.assert_array_equal(converted(image_file)[:, :, 0], np.asarray(GREY))


def test_cmyk_jpeg():
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert abs(converted(encoded(picture, "JPEG")).astype(int) - [255, 0, 0]).max() < 5


@pytest.mark.parametrize("file_format", ["TIFF", "WEBP", "GIF"])
def test_transparency_is_kept(file_format):
    pixels = converted(save(ONE_TRANSPARENT, file_format, lossless=True))
    assert pixels[1, 1, 3] == 0
    assert pixels[:, :, 3].sum() == 255 * (6 * 7 - 1)


def test_transparency_of_grey_is_kept():
    grey = GREY.convert("LA")
    grey.putpixel((1, 1), (0, 0))
    np.testing.assert_array_equal(converted(encoded(grey, "TIFF")), np.asarray(grey))


@pytest.mark.parametrize("picture", [GREY, PICTURE])
def test_transparent_colour_becomes_alpha(picture):
    pixels = converted(save(picture, "PNG", transparency=picture.getpixel((3, 2))))
    assert pixels[2, 3, 3] == 0
    assert pixels[0, 0].tolist() == [*np.atleast_1d(picture.convert("RGB").getpixel((0, 0))), 255]


CORNERS = dict(zip(range(1, 9), ("tl", "tr", "br", "bl", "tl", "tr", "br", "bl"), strict=True))
"""Where the upper left corner of the file is to be seen, by EXIF orientation."""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_once(orientation, file_format):
    picture = Image.new("RGB", (8, 16))
    picture.paste("white", (0, 0, 4, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = to_supported_format(save(picture, file_format, exif=exif), LIMIT)
    assert found.converted == (orientation > 1 or file_format in ("TIFF", "WEBP"))
    assert (found.width, found.height) == ((8, 16) if orientation < 5 else (16, 8))
    pixels = decoded(found.encoded)[:, :, 0]
    corners = {"tl": pixels[0, 0], "tr": pixels[0, -1], "bl": pixels[-1, 0], "br": pixels[-1, -1]}
    assert [name for name, value in corners.items() if value > 128] == [CORNERS[orientation]]
    assert not to_supported_format(found.encoded, LIMIT).converted


def test_exif_behind_the_pixels_and_broken_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded(PICTURE)
    late = plain[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + plain[-12:]
    np.testing.assert_array_equal(converted(late), np.rot90(COLOURS, -1))
    broken = plain[:33] + chunk(b"eXIf", b"MM\0*\xff\xff") + plain[33:]
    assert not to_supported_format(broken, LIMIT).converted


def test_of_a_long_gif_the_first_frame_is_taken():
    turned = [PALETTE.transpose(Image.Transpose.FLIP_LEFT_RIGHT), PALETTE]
    file = save(PALETTE, "GIF", save_all=True, append_images=turned)
    assert not to_supported_format(file, 3 * 7 * 6).converted
    found = to_supported_format(file, 3 * 7 * 6 - 1)
    assert found.converted
    np.testing.assert_array_equal(decoded(found.encoded), np.asarray(PALETTE.convert("RGB")))


def gif(*frames, canvas=None, corner=(0, 0), before=b""):
    """A GIF of a larger canvas whose first frame lies at a corner, with blocks before it."""
    file = bytearray(save(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    start = file.index(struct.pack("<B4H", ord(","), 0, 0, *frames[0].size))
    file[6:10] = struct.pack("<2H", *(canvas or frames[0].size))
    file[start + 1 : start + 5] = struct.pack("<2H", *corner)
    file[start:start] = before
    return bytes(file)


@pytest.mark.parametrize("corner", [(0, 0), (3, 2)])
def test_what_the_first_frame_of_a_gif_leaves_free_is_transparent(corner):
    pixels = converted(gif(PALETTE, canvas=(12, 10), corner=corner))
    left, top = corner
    assert pixels.shape == (10, 12, 4)
    part = pixels[top : top + 6, left : left + 7]
    np.testing.assert_array_equal(part[..., :3], np.asarray(PALETTE.convert("RGB")))
    assert pixels[..., 3].sum() == 255 * 6 * 7 == part[..., 3].sum()


TURNED = PALETTE.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


@pytest.mark.parametrize(
    "image_file",
    [
        gif(PALETTE, before=b"!\xfe\0"),
        gif(PALETTE, before=b"!\xfe\3abc\0!\xfe\0"),
        gif(PALETTE, TURNED)[:-25],
        gif(PALETTE, TURNED)[:-40] + bytes(range(200, 240)),
        gif(PALETTE)[:-1],
    ],
    ids=["empty comment", "two comments", "frame cut", "frame broken", "no end"],
)
def test_the_first_frame_is_taken_of_a_gif_that_tensorflow_refuses(image_file):
    found = to_supported_format(image_file, LIMIT)
    np.testing.assert_array_equal(
        tf.io.decode_image(found.encoded, 3, expand_animations=False),
        np.asarray(PALETTE.convert("RGB")),
    )
    tf.io.decode_image(found.encoded, expand_animations=True)


def without_adobe_marker(jpeg):
    start = jpeg.index(b"\xff\xee")
    return jpeg[:start] + jpeg[start + 2 + struct.unpack_from(">H", jpeg, start + 2)[0] :]


@pytest.mark.parametrize("as_by_adobe", [False, True])
def test_cmyk_jpeg_without_a_marker_is_read_in_the_way_that_shows_something(as_by_adobe):
    """Pillow inverts what it writes, as Adobe does; in the other way the black ink covers all."""
    inks = (0, 255, 255, 0) if as_by_adobe else (255, 0, 0, 255)
    file = without_adobe_marker(encoded(Image.new("CMYK", (16, 16), inks), "JPEG"))
    assert abs(converted(file).astype(int) - [255, 0, 0]).max() < 5
    assert as_by_adobe or abs(converted(file).astype(int) - decoded(file)).max() < 5


# What is refused


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_cut_file(file_format, part):
    file = encoded(NOISE, file_format)
    assert "not a whole" in refusal(file[: int(len(file) * part)]).replace("readable", "whole")


def test_jpeg_without_its_last_byte_and_png_with_a_wrong_checksum():
    assert refusal(encoded(NOISE, "JPEG")[:-2]) == "not a whole JPEG image"
    png = bytearray(encoded(NOISE))
    png[-20] ^= 1
    assert refusal(bytes(png)) == "not a whole PNG image"
    cmyk = encoded(NOISE.convert("CMYK"), "JPEG")
    assert refusal(cmyk[: len(cmyk) // 2]).startswith("not a whole JPEG image (")


def test_not_an_image():
    assert refusal(b"") == "empty file"
    for content in (b"hello", b"\0" * 1000, b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        assert refusal(content).startswith("not a readable image")


def test_vector_files_run_no_program():
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
    assert refusal(eps).startswith("not a readable image (it is PostScript or EPS: ")


def test_size_is_judged_by_the_header():
    assert refusal(png_of_size(60_000, 50_000)) == (
        "more than 10000 pixels (--max-pixels) (60000 x 50000)"
    )
    assert refusal(png_of_size(2**31 - 1, 2**31 - 1), 10**9).startswith("more than 1000000000 ")
    assert refusal(png_of_size(0, 5)).startswith("not a readable image")
    assert refusal(encoded(NOISE), 8_999).startswith("more than 8999 pixels")
    assert to_supported_format(encoded(NOISE), 9_000).width == 100


def test_limit_may_be_above_that_of_pillow():
    assert refusal(png_of_size(20_000, 10_000), 2 * 10**8) == "not a whole PNG image"


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_of_unknown_range(mode):
    assert refusal(encoded(GREY.convert(mode), "TIFF")).startswith("image of 32-bit pixels")
