"""The images that an export and its model are compared on."""

import io

from PIL import Image

from aocr.exports.samples import sample_images


def test_sample_images_are_of_several_kinds():
    pictures = [Image.open(io.BytesIO(image)) for image in sample_images()]
    assert {picture.format for picture in pictures} == {"PNG", "JPEG", "BMP"}
    assert {picture.mode for picture in pictures} >= {"L", "RGB"}
    assert len({picture.size for picture in pictures}) == 4


def test_sample_images_are_the_same_each_time():
    assert sample_images() == sample_images()
