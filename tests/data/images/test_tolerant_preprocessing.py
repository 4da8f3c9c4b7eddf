"""Batches with images that cannot be decoded."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, encoded, noise

from aocr.config import Config
from aocr.data.images.preprocessing import prepare_all, prepare_decodable

PICTURE = np.uint8(127 + 127 * noise("picture", 40, 30, 3))
FILES = {form: encoded(PICTURE, form) for form in ("PNG", "JPEG", "BMP", "GIF")}
GOOD = list(FILES.values())
UNREADABLE = "damaged {} file, or one of a kind that cannot be decoded"
BAD = {
    b"": "empty file",
    b"x": "not a PNG, JPEG, BMP or GIF file",
    b"P4 no image at all": "not a PNG, JPEG, BMP or GIF file",
    **{file[:2]: UNREADABLE.format(form) for form, file in FILES.items()},
    **{file[: len(file) // 2]: UNREADABLE.format(form) for form, file in FILES.items()},
}


@pytest.fixture(scope="module", params=[TINY, Config(channels=3, resize="full-height")])
def prepare(request):
    """Returns a function that prepares files in both ways, tolerant and not."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        files = tf.compat.v1.placeholder(tf.string, [None])
        both = prepare_decodable(files, request.param), prepare_all(files, request.param)

        def run(given, tolerant=True):
            return session.run(both[0 if tolerant else 1], {files: np.array(given, object)})

        yield run


def test_good_images_are_prepared_to_the_bit_as_always(prepare):
    tolerated, expected = prepare(GOOD), prepare(GOOD, tolerant=False)
    assert list(tolerated.error) == [b""] * 4
    np.testing.assert_array_equal(tolerated.prepared.pixels, expected.pixels)
    np.testing.assert_array_equal(tolerated.prepared.width, expected.width)


@pytest.mark.parametrize("file", BAD, ids=lambda file: f"{len(file)} bytes of {file[:2]}")
def test_a_bad_image_fails_alone_and_the_reason_is_given(prepare, file):
    with pytest.raises(tf.errors.OpError):
        prepare([file], tolerant=False)
    tolerated = prepare([GOOD[0], file, GOOD[1]])
    assert [reason.decode() for reason in tolerated.error] == ["", BAD[file], ""]
    expected = prepare(GOOD[:2], tolerant=False)
    np.testing.assert_array_equal(tolerated.prepared.pixels[[0, 2]], expected.pixels)
    assert not tolerated.prepared.pixels[1].any()
    assert list(tolerated.prepared.width) == [expected.width[0], 1, expected.width[1]]


def test_all_images_may_be_bad(prepare):
    tolerated = prepare(list(BAD))
    assert [reason.decode() for reason in tolerated.error] == list(BAD.values())
    assert not tolerated.prepared.pixels.any()


def test_there_may_be_no_images(prepare):
    tolerated = prepare([])
    assert tolerated.error.shape == tolerated.prepared.width.shape == (0,)
    assert tolerated.prepared.pixels.shape[0] == 0
