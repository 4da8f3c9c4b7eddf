"""Labels: their case and their Unicode form."""

import pytest

from aocr.data import labels
from aocr.data.building import log


@pytest.mark.parametrize(
    ("label", "upper", "normal", "expected"),
    [
        ("aé", True, True, "AÉ"),
        ("ae\u0301", True, True, "A\u00c9"),
        ("ae\u0301", False, True, "a\u00e9"),
        ("ae\u0301", True, False, "AE\u0301"),
        ("\u0390", True, True, "\u03aa\u0301"),  # capitals of some letters are decomposed
        ("aB", False, False, "aB"),
    ],
)
def test_normalize(label, upper, normal, expected):
    assert labels.normalize(label, upper, normal) == expected


def test_merges_are_counted_once_a_label():
    cases = log.CaseMerges()
    for label in ("ab", "ab", "AB", "aB", "C", "c", "D", "D", "1"):
        cases.add(label)
    assert (cases.changed, cases.merged, cases.example) == (4, 2, "AB")


def test_memory_of_merges_is_bounded():
    cases = log.CaseMerges(limit=2)
    for label in ("a", "b", "c", "C", "B"):
        cases.add(label)
    assert cases.merged == 1
