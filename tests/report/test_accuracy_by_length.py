"""Images counted by the length of their labels, in groups of lengths."""

from aocr.report.accuracy_by_length import Group, LengthCounts


def lengths_of(images):
    lengths = LengthCounts()
    for length, count in images.items():
        for number in range(count):
            lengths.add(length, number == 0)
    return lengths.groups()


def test_few_lengths_are_groups_of_their_own():
    assert lengths_of({0: 2, 7: 1, 167: 3}) == [
        Group(0, 0, 2, 1),
        Group(7, 7, 1, 1),
        Group(167, 167, 3, 1),
    ]


def test_many_lengths_join_until_they_hold_a_twentieth():
    images = dict.fromkeys(range(1, 21), 10) | dict.fromkeys(range(21, 60, 2), 1)
    groups = lengths_of(images)
    assert sum(group.images for group in groups) == 220
    assert sum(group.exact for group in groups) == len(images)
    assert all(group.images >= 11 for group in groups)
    assert [group.name for group in groups[:2]] == ["1–2", "3–4"]
    assert groups[-1].last == 59
    assert len(groups) <= 20
