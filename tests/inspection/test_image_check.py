"""Tests what is known of an encoded image before a model reads it."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import encoded, white

from aocr.inspection.statistics import CheckedImage, check_decoding


def test_image_has_kind_and_size_and_is_given_to_the_decoder():
    given = []
    content = encoded(np.zeros([5, 7, 3], np.uint8))
    assert check_decoding(content, given.append) == CheckedImage("PNG RGB", (7, 5), "")
    assert [image.numpy() for image in given] == [content]


@pytest.mark.parametrize(("content", "problem"), [(b"", "no bytes"), (b"no image", "not an image")])
def test_what_is_no_image_is_not_decoded(content, problem):
    checked = check_decoding(content, lambda _: pytest.fail("decoded"))
    assert checked == CheckedImage("", None, problem)


def test_image_that_the_model_cannot_decode_keeps_its_size():
    def fail(_):
        raise tf.errors.InvalidArgumentError(None, None, "Unknown image file format")

    checked = check_decoding(white(5, 7), fail)
    assert checked[:2] == ("PNG L", (7, 5))
    assert checked.problem == "PNG L, broken or of a kind that the model cannot decode"
