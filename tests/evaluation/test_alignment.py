"""Edit alignments by hand and against the distance, and the confusions counted from them."""

import random

import pytest

from aocr.evaluation.alignment import Confusion, Confusions, align
from aocr.evaluation.metrics import edit_distance


@pytest.mark.parametrize(
    ("label", "prediction", "pairs"),
    [
        ("", "", []),
        ("AB", "AB", [("A", "A"), ("B", "B")]),
        ("AB", "AX", [("A", "A"), ("B", "X")]),
        ("AB", "A", [("A", "A"), ("B", "")]),
        ("AB", "B", [("A", ""), ("B", "B")]),
        ("A", "AB", [("A", "A"), ("", "B")]),
        ("", "AB", [("", "A"), ("", "B")]),
        ("AB", "", [("A", ""), ("B", "")]),
        ("日本語", "日語", [("日", "日"), ("本", ""), ("語", "語")]),
        (
            "KITTEN",
            "SITTING",
            [("K", "S"), ("I", "I"), ("T", "T"), ("T", "T"), ("E", "I"), ("N", "N"), ("", "G")],
        ),
    ],
)
def test_alignment_by_hand(label, prediction, pairs):
    assert align(label, prediction) == pairs


@pytest.mark.parametrize(
    ("label", "prediction", "pairs"),
    [
        # rather two substitutions than a deletion and an insertion
        ("AB", "BA", [("A", "B"), ("B", "A")]),
        # the last of alike characters is matched
        ("AA", "A", [("A", ""), ("A", "A")]),
        ("A", "AA", [("", "A"), ("A", "A")]),
        ("AB", "X", [("A", ""), ("B", "X")]),
        ("X", "AB", [("", "A"), ("X", "B")]),
        # seen from the end, rather a deletion than an insertion
        ("ABA", "BAB", [("", "B"), ("A", "A"), ("B", "B"), ("A", "")]),
    ],
)
def test_ties_are_broken_always_the_same_way(label, prediction, pairs):
    assert align(label, prediction) == pairs


def test_any_alignment_spells_both_texts_in_the_fewest_edits():
    generator = random.Random(1)
    for _ in range(300):
        label, prediction = (
            "".join(generator.choices("abc", k=generator.randrange(9))) for _ in range(2)
        )
        pairs = align(label, prediction)
        assert "".join(true for true, _ in pairs) == label
        assert "".join(read for _, read in pairs) == prediction
        assert ("", "") not in pairs
        edits = sum(true != read for true, read in pairs)
        assert edits == edit_distance(prediction, label)


# Confusions


def confusions_of(*texts):
    confusions = Confusions()
    for label, prediction in texts:
        confusions.add(label, align(label, prediction))
    return confusions


def test_confusions_by_hand():
    found = confusions_of(("B8B", "888"), ("AB", "AB"), ("AB", "A"), ("A", "AB"))
    assert found.occurrences == {"A": 3, "B": 4, "8": 1}
    assert (found.substitutions, found.deletions, found.insertions) == (2, 1, 1)
    assert found.ranked() == [
        Confusion("B", "8", 2, 2 / 4),
        Confusion("", "B", 1, None),
        Confusion("B", "", 1, 1 / 4),
    ]


def test_equally_frequent_confusions_are_in_the_order_of_code_points():
    one = confusions_of(("A", "X"), ("B", "Y"), ("A", "W"))
    other = confusions_of(("B", "Y"), ("A", "W"), ("A", "X"))
    pairs = [(each.true, each.read) for each in one.ranked()]
    assert pairs == [("A", "W"), ("A", "X"), ("B", "Y")]
    assert one.ranked() == other.ranked()


def test_no_confusion():
    found = confusions_of(("AB", "AB"), ("", ""))
    assert found.ranked() == []
    assert (found.substitutions, found.deletions, found.insertions) == (0, 0, 0)
