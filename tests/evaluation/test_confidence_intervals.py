"""Confidence intervals: published values, NumPy twins, simulated coverage, and their edges."""

import math

import numpy as np
import pytest

from aocr.evaluation.metric_sums import Interval, Ratio, Z, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_ends_solve_the_score_equation():
    for end in wilson(7, 30):
        assert abs(7 / 30 - end) == pytest.approx(Z * math.sqrt(end * (1 - end) / 30))


@pytest.mark.parametrize("trials", [1, 2, 3, 7, 10, 1000, 10**6])
def test_wilson_of_all_or_none_ends_there(trials):
    none, every = wilson(0, trials), wilson(trials, trials)
    assert none.low == 0
    assert every.high == 1
    assert 0 < none.high == pytest.approx(1 - every.low)


def test_wilson_of_no_trial_is_none():
    assert wilson(0, 0) is None


def mean_of(values):
    return ratio_of((value, 1) for value in values)


def ratio_of(pairs):
    ratio = Ratio()
    for numerator, denominator in pairs:
        ratio.add(numerator, denominator)
    return ratio.normal_interval()


def test_mean_by_hand():
    # mean 0.5, standard deviation sqrt(1/2), so 0.5 +- Z * sqrt(1/2) / sqrt(2)
    assert mean_of([0, 1]) == pytest.approx((0.5 - Z / 2, 0.5 + Z / 2))


def test_mean_as_numpy_has_it():
    values = np.random.default_rng(1).uniform(0, 1, 500)
    half = Z * values.std(ddof=1) / math.sqrt(len(values))
    assert mean_of(values) == pytest.approx((values.mean() - half, values.mean() + half))


def test_ratio_as_numpy_has_it():
    generator = np.random.default_rng(2)
    x = generator.integers(1, 10, 400)
    y = generator.binomial(x, 0.2)
    ratio, n = y.sum() / x.sum(), len(x)
    half = Z * math.sqrt(n / (n - 1) * ((y - ratio * x) ** 2).sum()) / x.sum()
    assert ratio_of(zip(y, x, strict=True)) == pytest.approx((ratio - half, ratio + half))


def test_ratio_holds_the_truth_19_times_of_20():
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        x = generator.integers(1, 10, 100)
        interval = ratio_of(zip(generator.binomial(x, 0.2), x, strict=True))
        held += interval.low <= 0.2 <= interval.high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize("values", [[], [0.5], [0.0, 0.0], [1.0] * 9, [1 / 3] * 100000])
def test_no_interval_without_variation(values):
    assert mean_of(values) is None


def test_no_interval_of_what_is_infinite():
    assert mean_of([0.5, math.inf]) is None


@pytest.mark.parametrize(
    "pairs", [[], [(1, 2)], [(0, 3), (0, 5)], [(1, 2), (2, 4)], [(1, 0), (2, 0)]]
)
def test_no_interval_of_a_ratio_without_variation(pairs):
    assert ratio_of(pairs) is None


def test_one_mistake_in_a_million_still_varies():
    ratio = Ratio()
    ratio.add(1, 5)
    for _ in range(10**5):
        ratio.add(0, 5)
    assert ratio.normal_interval().high > 1 / (5 * (10**5 + 1))


def test_clipped():
    assert Interval(-0.1, 1.2).clipped(0, 1) == (0, 1)
    assert Interval(0.2, 0.3).clipped(0, 1) == (0.2, 0.3)


def test_value_of_a_ratio():
    ratio = Ratio()
    assert math.isnan(ratio.value)
    ratio.add(1, 4)
    ratio.add(2, 0)
    assert ratio.value == 3 / 4


def test_interval_of_a_proportion_by_its_sums():
    ratio = Ratio()
    for success in [1, 0, 0, 1]:
        ratio.add(success, 1)
    assert ratio.wilson_interval() == wilson(2, 4)
    assert Ratio().wilson_interval() is None
