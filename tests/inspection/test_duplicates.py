"""Records with the same image, held against a slow search."""

import collections

import numpy as np

from aocr.inspection.summary import find_duplicates


def test_duplicates_are_those_of_a_slow_search():
    generator = np.random.default_rng(1)
    images, labels = generator.integers(0, 40, 99), generator.integers(0, 3, 99)
    groups = collections.defaultdict(dict)
    for place, (i, label) in enumerate(zip(images, labels, strict=True)):
        groups[i].setdefault(label, place)
    contradicted = {i: firsts for i, firsts in groups.items() if len(firsts) > 1}
    found = find_duplicates(images, labels, 5)
    assert found.repeated_records == 99 - len(groups)
    assert found.contradicted_images == len(contradicted)
    assert found.contradicting_records == sum(i in contradicted for i in images)
    assert found.examples == [sorted(firsts.values()) for firsts in contradicted.values()][:5]


def test_digests_of_all_sizes_are_told_apart():
    assert find_duplicates([0, 2**64 - 1, 0], [1, 2, 1], 5) == (1, 0, 0, [])
    assert find_duplicates([2**64 - 1], [0], 5).repeated_records == 0
