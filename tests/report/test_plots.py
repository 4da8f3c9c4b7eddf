"""Tests what is drawn in the plots of a report."""

import pytest

from aocr.evaluation.calibration import Calibration
from aocr.evaluation.metric_sums import wilson
from aocr.report.accuracy_by_length import Group
from aocr.report.plots import DARK, LIGHT, _draw_lengths, _draw_reliability

figures = pytest.importorskip("matplotlib.figure", reason="a report needs matplotlib")

GROUPS = [Group(1, 1, 4, 3), Group(2, 2, 10, 0), Group(5, 9, 2000, 2000)]


def drawn(draw, values):
    figure = figures.Figure()
    draw(values, figure, LIGHT)
    return figure.axes


def brackets(axes):
    """Both ends of each, from the bottom to the top."""
    return [tuple(line[:, 1]) for line in axes.collections[0].get_segments()]


def test_bars_of_lengths_and_their_brackets():
    upper, lower = drawn(_draw_lengths, GROUPS)
    assert [bar.get_height() for bar in upper.patches] == [75, 0, 100]
    expected = [tuple(100 * end for end in wilson(g.exact, g.images)) for g in GROUPS]
    for bracket, ends in zip(brackets(upper), expected, strict=True):
        assert bracket == pytest.approx(ends)
    assert [bar.get_height() for bar in lower.patches] == [4, 10, 2000]
    assert [text.get_text() for text in lower.get_xticklabels()] == ["1", "2", "5–9"]


def test_reliability_is_drawn_at_the_mean_probability_of_a_bin():
    calibration = Calibration()
    for probability, correct in [(0.92, True), (0.98, False), (0.15, False)]:
        calibration.add(probability, correct)
    upper, lower = drawn(_draw_reliability, calibration.bins)
    diagonal, points = upper.lines[:2]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 100]
    assert list(points.get_xdata()) == pytest.approx([15, 95])
    assert list(points.get_ydata()) == pytest.approx([0, 50])
    assert len(brackets(upper)) == 2
    assert [bar.get_height() for bar in lower.patches] == [0, 1] + [0] * 7 + [2]
    assert [bar.get_x() + bar.get_width() / 2 for bar in lower.patches] == pytest.approx(
        [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    )


def test_axes_say_what_and_in_which_unit():
    for draw, values in [(_draw_lengths, GROUPS), (_draw_reliability, Calibration().bins)]:
        upper, lower = drawn(draw, values)
        assert upper.get_ylabel() == "read exactly, %"
        assert lower.get_ylabel() == "images"
        assert lower.get_xlabel().endswith((", characters", ", %"))


def test_dark_and_light_differ_in_every_colour():
    assert all(one != other for one, other in zip(LIGHT, DARK, strict=True))
