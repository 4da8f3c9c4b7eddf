"""Numbers with their nouns."""

import pytest

from aocr.util.text.plurals import counted, counted_in_groups


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 images"), (1, "1 image"), (2, "2 images"), (1000, "1000 images")],
)
def test_noun_agrees_with_the_number(number, expected):
    assert counted(number, "image") == expected


def test_irregular_plural_is_given():
    assert counted(1, "label holds", "labels hold") == "1 label holds"
    assert counted(2, "label holds", "labels hold") == "2 labels hold"


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 images"), (1, "1 image"), (1234567, "1,234,567 images")]
)
def test_digits_are_grouped(number, expected):
    assert counted_in_groups(number, "image") == expected
