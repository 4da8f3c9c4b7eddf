"""Tests what is known of an encoded image before a model reads it."""

import numpy as np
import pytest
from broken_jpegs import NO_TABLE, PREMATURE_END, cut_and_ended, without_tables
from helpers import encoded, white
from PIL import Image

from aocr.config import Config
from aocr.data.images.decoder_complaints import DecoderWatch
from aocr.data.images.measuring import ImageMeasurer
from aocr.inspection.statistics import CheckedImage, check_images

JPEG = encoded(Image.effect_noise((48, 32), 50), "JPEG")


@pytest.fixture(scope="module")
def check():
    measurer = ImageMeasurer(Config())

    def check(*images):
        with DecoderWatch() as watch:
            found = check_images(images, measurer, watch)
        assert all(bool(each.measured) != bool(each.problem) for each in found)
        return [each._replace(measured=None) for each in found]

    yield check
    measurer.close()


def test_images_have_kinds_and_sizes(check):
    assert check(encoded(np.zeros([5, 7, 3], np.uint8)), white(3, 4)) == [
        CheckedImage("PNG RGB", (7, 5), ""),
        CheckedImage("PNG L", (4, 3), ""),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no bytes"),
        (b"no image", "not an image: it is the text 'no image': give the image itself"),
        (bytes(range(128, 160)), "not an image"),
    ],
)
def test_what_is_no_image_is_told(check, content, problem):
    assert check(content) == [CheckedImage("", None, problem)]


def test_image_that_the_model_cannot_decode_keeps_its_size_and_leaves_the_others(check):
    broken, whole = check(white(64, 100)[:-30], white(5, 7))
    problem = "PNG L, broken or of a kind that the model cannot decode"
    assert broken == CheckedImage("PNG L", (100, 64), problem)
    assert whole == CheckedImage("PNG L", (7, 5), "")


def test_complaints_are_those_of_their_images(check):
    whole, ended, bare = check(JPEG, cut_and_ended(JPEG), without_tables(JPEG))
    assert whole == CheckedImage("JPEG L", (48, 32), "")
    assert ended == CheckedImage("JPEG L", (48, 32), "", PREMATURE_END)
    problem = f"JPEG L, broken or of a kind that the model cannot decode: {NO_TABLE}"
    assert bare == CheckedImage("JPEG L", (48, 32), problem)
