"""The direction of text is that of most of its letters."""

from collections import Counter

import pytest

from aocr.util.text.characters import is_right_to_left, right_to_left_share


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0),
        ("12 (3)", 0),
        ("abc", 0),
        ("שלום", 1),
        ("سلام 12", 1),
        ("אב ab", 0.5),
        ("אבג a", 0.75),
    ],
)
def test_digits_and_signs_do_not_count(text, share):
    assert right_to_left_share(Counter(text)) == share
    assert is_right_to_left(Counter(text)) == (share > 0.5)
