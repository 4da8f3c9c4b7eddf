"""Sizes that are absurd beside those of the other images."""

import pytest

from aocr.data.image_sizes import ImageSizes

WORDS = [((120, 40), 6), ((60, 32), 3), ((90, 30), 5), ((200, 40), 10)]


def absurd(*images):
    sizes = ImageSizes()
    for number, (size, length) in enumerate(images):
        sizes.add(number, size, length)
    return sizes.absurd().nonzero()[0].tolist()


@pytest.mark.parametrize("size", [(300, 1), (1, 300), (2, 90), (4000, 3000), (3, 1), (9999, 40)])
@pytest.mark.parametrize("length", [0, 5])
def test_an_absurd_image_is_found_among_others(size, length):
    assert absurd(*WORDS, (size, length)) == [4]


@pytest.mark.parametrize(
    ("size", "length"),
    [
        ((2000, 40), 100),  # a text line
        ((12, 40), 1),  # a character
        ((1200, 400), 6),  # a photo of a word
        ((120, 40), 0),  # nothing on it
    ],
)
def test_what_has_a_reason_is_not_absurd(size, length):
    assert absurd(*WORDS, (size, length)) == []


def test_few_images_are_not_compared():
    assert absurd() == absurd(((9, 9), 1)) == absurd(((9, 9), 1), ((900, 1), 1)) == []


def test_sizes_are_counted_with_and_without_the_absurd_ones():
    sizes = ImageSizes()
    assert sizes.counts() == {}
    for number, (size, length) in enumerate([*WORDS, WORDS[0], ((300, 1), 4)]):
        sizes.add(number, size, length)
    assert sizes.counts() - sizes.usual_counts() == {(300, 1): 1}
    assert sizes.counts()[120, 40] == 2
    assert sizes.usual_counts().heights() == {40: 3, 32: 1, 30: 1}
    assert sizes.usual_counts().widths() == {120: 2, 60: 1, 90: 1, 200: 1}
    assert sizes.usual_counts().widths_at_32() == {96: 3, 60: 1, 160: 1}
