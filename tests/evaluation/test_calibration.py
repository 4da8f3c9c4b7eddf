"""Bins of probabilities, the expected calibration error and the Brier score, by hand."""

import math

import numpy as np
import pytest

from aocr.evaluation.calibration import BINS, Calibration


def calibration_of(*predictions):
    calibration = Calibration()
    for probability, correct in predictions:
        calibration.add(probability, correct)
    return calibration


@pytest.mark.parametrize(
    ("probability", "place"),
    [
        (0.0, 0),
        (1e-300, 0),
        (0.05, 0),
        (0.1, 0),  # a bin's upper end is its own, as in Guo et al.
        (math.nextafter(0.1, 1), 1),
        (0.3, 2),
        (0.6, 5),
        (0.7, 6),
        (0.95, 9),
        (1.0, 9),
        (1.0000001, 9),  # rounded up by a float32
    ],
)
def test_bin_of_a_probability(probability, place):
    bins = calibration_of((probability, True)).bins
    assert [each.predictions for each in bins] == [int(n == place) for n in range(BINS)]


def test_bins_by_hand():
    bins = calibration_of((0.92, True), (0.98, False), (0.94, True), (0.15, False)).bins
    assert (bins[9].predictions, bins[9].correct) == (3, 2)
    assert bins[9].mean_probability == pytest.approx((0.92 + 0.98 + 0.94) / 3)
    assert bins[9].accuracy == pytest.approx(2 / 3)
    assert (bins[9].low, bins[9].high) == (0.9, 1.0)
    assert (bins[1].predictions, bins[1].accuracy) == (1, 0)
    assert bins[0].predictions == 0
    assert math.isnan(bins[0].accuracy)
    assert math.isnan(bins[0].mean_probability)


def test_expected_error_by_hand():
    found = calibration_of((0.92, True), (0.98, False), (0.94, True), (0.15, False))
    gaps = 3 * abs(2 / 3 - (0.92 + 0.98 + 0.94) / 3) + abs(0 - 0.15)
    assert found.expected_error == pytest.approx(gaps / 4)


def test_brier_by_hand():
    found = calibration_of((0.9, True), (0.6, False), (1.0, True))
    assert found.brier == pytest.approx((0.1**2 + 0.6**2 + 0) / 3)


def test_calibrated_probabilities_have_next_to_no_error():
    generator = np.random.default_rng(4)
    probabilities = generator.uniform(0, 1, 20000)
    right = generator.uniform(0, 1, 20000) < probabilities
    found = calibration_of(*zip(probabilities.tolist(), right.tolist(), strict=True))
    assert found.expected_error < 0.02
    assert found.brier == pytest.approx(1 / 6, abs=0.01)  # the mean of p (1 - p)


def test_always_sure_and_always_wrong():
    found = calibration_of((1.0, False), (1.0, False))
    assert (found.expected_error, found.brier) == (1, 1)


def test_no_prediction():
    found = Calibration()
    assert found.count == 0
    assert math.isnan(found.expected_error)
    assert math.isnan(found.brier)
