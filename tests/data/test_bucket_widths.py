"""Tests the choice of bucket widths against trying all of them."""

import itertools

import numpy as np
import pytest

from aocr.data.dataset_scan import MAX_BUCKETS, MIN_SHARE, choose_bucket_widths


def padded_columns(records_by_width, widths):
    """Returns the total padded width, or None if a bucket holds too few records."""
    sizes, total = dict.fromkeys(widths, 0), 0
    for width, count in records_by_width.items():
        bucket = next(each for each in widths if each >= width)
        sizes[bucket] += count
        total += bucket * count
    least = MIN_SHARE * sum(records_by_width.values())
    return total if all(size >= least for size in sizes.values()) else None


@pytest.mark.parametrize("seed", range(5))
def test_no_other_choice_pads_less(seed):
    generator = np.random.default_rng(seed)
    widths = {
        int(w): int(c) for w, c in zip(range(5, 60, 5), generator.integers(1, 30, 11), strict=True)
    }
    possible = range(4, 60, 4)
    choices = (c for n in range(MAX_BUCKETS) for c in itertools.combinations(possible, n))
    totals = (padded_columns(widths, (*choice, 60)) for choice in choices)
    best = min(total for total in totals if total is not None)
    assert padded_columns(widths, (*choose_bucket_widths(widths, 60), 60)) == best


def test_images_of_one_width_need_no_bucket():
    assert choose_bucket_widths({100: 500}, 100) == ()


def test_few_narrow_images_get_no_bucket():
    assert choose_bucket_widths({10: 5, 100: 95}, 100) == ()


def test_images_narrower_than_the_full_width_still_leave_it_to_wider_ones():
    """Images to read later may be wider: the full width stays."""
    assert choose_bucket_widths({40: 500}, 100) == ()


def test_widths_are_whole_columns():
    assert choose_bucket_widths({9: 50, 100: 50}, 100) == (12,)


def test_no_records_need_no_bucket():
    assert choose_bucket_widths({}, 100) == ()
