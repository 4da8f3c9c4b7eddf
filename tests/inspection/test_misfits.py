"""Compares what is said not to fit given flags with what the preparation really does."""

import itertools

from inspected import SIZES, is_squeezed

from aocr.data.limits import Limits
from aocr.inspection.statistics import MisfitCounts


def misfits(fit, *rows):
    found = MisfitCounts()
    for row in rows:
        found.add(fit, *row)
    return found


def test_each_reason_is_counted():
    fit = Limits(100, 50, 3, "abc")
    rows = [
        ((100, 50), "abc"),
        ((101, 80), "abc"),
        ((100, 40), "a"),
        ((20, 51), "abca"),
        ((20, 20), "axya"),
        (None, "x"),
    ]
    assert misfits(fit, *rows) == MisfitCounts(
        fitting=1,
        too_wide=1,
        too_high=2,
        squeezed=1,
        too_long=2,
        unknown=2,
        unknown_characters={"x": 2, "y": 1},
    )


def test_high_image_fits():
    assert misfits(Limits(100, 50), ((20, 51), "a")).fitting == 1


def test_undecodable_image_fits_nothing():
    assert misfits(Limits(), (None, "a")).fitting == 0


def test_squeezed_is_what_the_preparation_squeezes():
    for size, flags in itertools.product(SIZES, [(160, 60), (94, 24), (40, 40), (7, 3)]):
        found = misfits(Limits(*flags), (size, ""))
        assert bool(found.squeezed) == is_squeezed(size, *flags), (size, flags)


def test_flags_that_are_not_given_are_not_checked():
    assert misfits(Limits(), ((9999, 9), "é" * 99)) == MisfitCounts(fitting=1)
