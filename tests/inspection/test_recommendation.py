"""The flags that a dataset needs, held against what the preparation really does."""

import collections
import itertools

import pytest
from inspected import SIZES, is_squeezed

from aocr.config import Config, width_at_32
from aocr.inspection.recommendation import RecordCounts, WidthCounts, recommend


def widths_of(sizes, max_height=None):
    widths = WidthCounts(max_height)
    for size in sizes:
        widths.add(*size)
    return widths


def covered(sizes, lengths=(1,), labels_with=None, max_height=None):
    """The three coverages, by percentage."""
    heights = collections.Counter(height for _, height in sizes)
    counts = RecordCounts(
        widths_of(sizes, max_height), heights, collections.Counter(lengths), labels_with or {"A": 1}
    )
    return {each.percent: each for each in recommend(counts)}


# Width and height


@pytest.mark.parametrize("sizes", [SIZES, *([size] for size in SIZES)])
@pytest.mark.parametrize("max_height", [None, 20, 32, 77])
def test_flags_for_all_images_squeeze_none_and_are_no_larger_than_needed(sizes, max_height):
    flags = widths_of(sizes, max_height).recommend(100, 1)
    assert flags.shrunk == 0
    assert flags.max_width >= max(width for width, _ in sizes)
    assert not any(is_squeezed(size, *flags[:2]) for size in sizes)
    narrower = flags.max_width - 1, flags.max_height
    assert narrower[0] < max(w for w, _ in sizes) or any(is_squeezed(s, *narrower) for s in sizes)


def test_height_that_is_free_costs_no_width():
    for lowest in (1, 90, 500):
        flags = widths_of(SIZES).recommend(100, lowest)
        assert flags.max_height >= lowest
        assert width_at_32(*flags[:2]) == max(width_at_32(*size) for size in SIZES)


def test_images_of_one_size_need_that_size():
    for size in [(94, 24), (200, 50), (160, 60), (64, 32)]:
        assert widths_of([size] * 3).recommend(100, size[1]) == (*size, 0)


@pytest.mark.parametrize("size", [(200_000, 100), (100, 200_000), (90_000, 1), (150_000, 9)])
@pytest.mark.parametrize("max_height", [None, 40])
def test_flags_are_such_as_train_accepts(size, max_height):
    found = covered([size], lengths=[20_000], max_height=max_height)[100]
    flags = {name: getattr(found, name) for name in ("max_width", "max_height", "max_prediction")}
    Config(**flags).check()
    is_too_wide = size[0] > found.max_width
    assert found.shrunk == (is_too_wide or is_squeezed(size, found.max_width, found.max_height))
    assert found.too_long == 1


@pytest.mark.parametrize("max_height", [None, 40])
def test_coverage_counts_what_it_shrinks(max_height):
    found = covered([(100, 50)] * 95 + [(400, 50)] * 4 + [(900, 50)], max_height=max_height)
    assert [found[p].shrunk for p in (95, 99, 100)] == [5, 1, 0]
    if max_height is None:
        assert [(e.max_width, e.max_height) for e in found.values()] == [
            (100, 50),
            (400, 50),
            (900, 50),
        ]
        assert [found[p].image_width for p in (95, 99, 100)] == [64, 256, 576]
    else:
        assert {each.max_height for each in found.values()} == {40}


def test_image_that_is_only_too_wide_is_counted_as_shrunk():
    flags = widths_of([(14, 9)] * 99 + [(26, 16)]).recommend(99, 10)  # 50 and 52 wide at 32
    assert width_at_32(*flags[:2]) == 52
    assert (flags.max_width, flags.shrunk) == (16, 1)


def test_high_images_are_counted_apart():
    found = covered([(100, 50)] * 99 + [(100, 3000)])
    assert (found[99].max_width, found[99].max_height, found[99].higher) == (100, 50, 1)
    assert (found[100].image_width, found[100].max_height, found[100].higher) == (64, 3000, 0)


def test_without_an_image_there_are_only_labels_to_fit():
    found = covered([], lengths=[4])[100]
    assert (found.max_width, found.max_height, found.image_width, found.shrunk) == (None,) * 3 + (
        0,
    )
    assert found.max_prediction == 4


# Labels


def test_coverage_of_lengths():
    found = covered([], lengths=[3] * 95 + [8] * 4 + [20])
    assert [found[p].max_prediction for p in (95, 99, 100)] == [3, 8, 20]
    assert [found[p].too_long for p in (95, 99, 100)] == [5, 1, 0]


def test_empty_labels_still_need_a_flag_that_is_allowed():
    assert covered([], lengths=[0])[100].max_prediction == 1


def test_coverage_of_characters_leaves_out_the_rarest():
    containing = {"b": 100, "a": 3, "é": 2, "z": 1}
    found = covered([], lengths=[1] * 100, labels_with=containing)
    assert [found[p].characters for p in (95, 99, 100)] == ["ab", "abé", "abzé"]
    assert [found[p].unknown_at_most for p in (95, 99, 100)] == [3, 1, 0]


def test_characters_left_out_never_cost_more_than_allowed():
    labels = ["".join(pair) for pair in itertools.product("abcdefgh", "xyz")] + ["ax"] * 40
    containing = collections.Counter(c for label in labels for c in set(label))
    for each in covered([], [len(label) for label in labels], containing).values():
        lost = sum(bool(set(label) - set(each.characters)) for label in labels)
        assert lost <= each.unknown_at_most <= len(labels) * (100 - each.percent) / 100
