"""Quantiles, and the histograms of reports."""

import itertools

from inspected import IMAGE, grey_png

from aocr.inspection.distribution import distribution_of, divide, quantile


def test_quantile_is_the_smallest_value_that_covers():
    counts = {5: 95, 7: 4, 9: 1}
    assert [quantile(counts, percent) for percent in (1, 95, 96, 99, 100)] == [5, 5, 7, 7, 9]
    assert quantile({3: 1}, 0) == 3


def test_histogram_covers_every_value_once(report):
    widths = [3, 9, 9, 27, 100, 101, 640, 2000]
    facts = report(*((grey_png(n, (w, 9)), "A") for n, w in enumerate(widths)))
    bins = facts["width"]["bins"]
    assert len(bins) <= 8
    assert (bins[0]["first"], bins[-1]["last"]) == (3, 2000)
    for one, other in itertools.pairwise(bins):
        assert one["last"] + 1 == other["first"]
    for each in bins:
        assert each["count"] == sum(each["first"] <= w <= each["last"] for w in widths)


def test_histogram_of_few_values_has_one_each(report):
    facts = report(*((grey_png(n), "A" * length) for n, length in enumerate([0, 2, 2, 7])))
    bins = facts["label_length"]["bins"]
    assert [(b["first"], b["last"], b["count"]) for b in bins] == [
        (n, n, [0, 2, 2, 7].count(n)) for n in range(8)
    ]


def test_histogram_begins_at_zero_where_a_label_is_empty(report):
    bins = report((IMAGE, ""), (grey_png(1), "A" * 30))["label_length"]["bins"]
    assert (bins[0]["first"], bins[0]["count"], bins[-1]["last"]) == (0, 1, 30)


def test_distribution_of_nothing_is_none():
    assert distribution_of({}) is None
    assert divide(None, 32) is None


def test_divided_distribution_has_the_same_counts():
    distribution = distribution_of({32: 1, 64: 2})
    divided = divide(distribution, 32)
    assert (divided.smallest, divided.median, divided.largest) == (1, 2, 2)
    assert (divided.bins[0].first, divided.bins[-1].last) == (1, 2)
    assert [b.count for b in divided.bins] == [b.count for b in distribution.bins]
