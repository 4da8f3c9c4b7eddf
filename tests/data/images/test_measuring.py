"""Measuring 64 images in one call and measuring them one by one give the same."""

import contextlib
import zlib

import numpy as np
import pytest
import tensorflow as tf
from broken_jpegs import cut, cut_and_ended, with_stray_bytes, without_tables
from helpers import encoded, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aocr.config import FULL_HEIGHT, Config
from aocr.data.images.measuring import BATCH_SIZE, ImageMeasurer
from aocr.data.images.preprocessing import prepare

COLOR = Image.fromarray((127 * noise("colors", 37, 53, 3) + 128).astype(np.uint8))
GOOD_JPEG = encoded(COLOR, "JPEG")


def in_mode(mode, form):
    """The picture in one of Pillow's modes, as a file."""
    return encoded(
        COLOR.convert("I").convert(mode) if mode == "I;16" else COLOR.convert(mode), form
    )


PNG_MODES, JPEG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), ("L", "RGB", "CMYK")
FILES = {
    **{f"PNG {mode}": in_mode(mode, "PNG") for mode in PNG_MODES},
    **{f"JPEG {mode}": in_mode(mode, "JPEG") for mode in JPEG_MODES},
    "BMP": encoded(COLOR, "BMP"),
    "GIF": encoded(COLOR.convert("P"), "GIF"),
    "WEBP": encoded(COLOR, "WEBP"),
    "empty": b"",
    "no image": b"no image",
    "PNG signature only": encoded(COLOR)[:8],
    "PNG that begins like a PNG file": b"\x89Png" + encoded(COLOR)[4:],
    "PNG cut in its pixels": encoded(COLOR)[:-300],
    "PNG cut at its end": encoded(COLOR)[:-12],
    "JPEG cut": cut(GOOD_JPEG),
    "JPEG cut and ended": cut_and_ended(GOOD_JPEG),
    "JPEG with stray bytes": with_stray_bytes(GOOD_JPEG),
    "JPEG without tables": without_tables(GOOD_JPEG),
}


@pytest.fixture(scope="module", params=[1, 3])
def measurer(request):
    made = ImageMeasurer(Config(channels=request.param))
    yield made
    made.close()


@pytest.mark.parametrize("name", FILES)
def test_a_full_batch_gives_what_one_image_gives(measurer, name):
    [alone] = measurer.measure([FILES[name]])
    assert measurer.measure([FILES[name]] * BATCH_SIZE) == [alone] * BATCH_SIZE


def test_one_broken_image_leaves_the_others(measurer):
    names = list(FILES) * 4
    files = [FILES[name] for name in names[:BATCH_SIZE]]
    together = measurer.measure(files)
    assert together == [measurer.measure([file])[0] for file in files]
    assert None in together
    good = [encoded(COLOR)] * BATCH_SIZE
    assert measurer.measure([*good[1:], b""]) == [*measurer.measure(good)[1:], None]


def test_no_image_and_few_images(measurer):
    assert measurer.measure([]) == []
    few = measurer.measure([encoded(COLOR), GOOD_JPEG])
    assert [each[:3] for each in few] == [
        each[:3] for each in measurer.measure([encoded(COLOR)])
    ] * 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_are_refused_together_or_not_at_all(measurer, data):
    file = bytearray(FILES[data.draw(st.sampled_from(["PNG L", "PNG RGBA", "JPEG RGB", "JPEG L"]))])
    for _ in range(data.draw(st.integers(1, 3))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    images = [bytes(file)] * BATCH_SIZE
    assert measurer.measure(images) == measurer.measure(images[:1]) * BATCH_SIZE


@pytest.mark.parametrize("resize", [{}, {"resize": FULL_HEIGHT}], ids=["classic", "full height"])
def test_prepared_width_is_that_of_preparation(resize):
    config = Config(max_width=60, max_height=20, **resize)
    sizes = np.random.default_rng(zlib.crc32(b"sizes")).integers(1, 130, [BATCH_SIZE, 2])
    files = [encoded(np.zeros(size, np.uint8)) for size in sizes]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        file = tf.compat.v1.placeholder(tf.string, [])
        width = prepare(file, config).width
        expected = [session.run(width, {file: each}) for each in files]
    with contextlib.closing(ImageMeasurer(config)) as measurer:
        measured = measurer.measure(files)
    assert [list(size[:2]) for size in measured] == sizes.tolist()
    assert [size.prepared_width for size in measured] == expected
