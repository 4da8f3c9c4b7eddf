"""Draws the plots of the HTML report, each in the colours of a light and of a dark page."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aocr.evaluation.calibration import Bin
from aocr.evaluation.metric_sums import wilson
from aocr.report.accuracy_by_length import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 7.2, 4.4  # inches
MAX_HORIZONTAL_NAMES = 12  # more names under the bars are rotated


class Colours(NamedTuple):
    """Holds the colours of a plot with a transparent background."""

    ink: str
    grid: str
    bar: str
    interval: str


LIGHT = Colours(ink="#22252b", grid="#d9dce1", bar="#8fb1dc", interval="#1d3557")
DARK = Colours(ink="#dfe2e7", grid="#3a3e47", bar="#5183c2", interval="#e3edf9")


class Plot(NamedTuple):
    """Holds a plot for each kind of page, SVG files as data: URIs."""

    light: str
    dark: str


def data_uri(kind: str, content: bytes) -> str:
    """Returns a data URI that contains the bytes of a file.

    Args:
        kind: media type, such as `image/png`.
        content: the file.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def accuracy_by_length(groups: Sequence[Group]) -> Plot:
    """Plots the share of images read exactly, with its interval, and the images by label length."""
    return _both_plots(functools.partial(_draw_lengths, groups))


def reliability(bins: Sequence[Bin]) -> Plot:
    """Plots the share of correct predictions with its interval, and the predictions in each bin."""
    return _both_plots(functools.partial(_draw_reliability, bins))


def _both_plots(draw: Callable[[Figure, Colours], None]) -> Plot:
    """Draws a plot in both sets of colours."""
    return Plot(_svg(draw, LIGHT), _svg(draw, DARK))


def _svg(draw: Callable[[Figure, Colours], None], colours: Colours) -> str:
    """Returns a plot as a data: URI; pyplot is not used, because its figures are global."""
    from matplotlib.figure import Figure  # an optional dependency, and slow to import

    figure = Figure(figsize=SIZE, layout="constrained")
    draw(figure, colours)
    for axes in figure.axes:
        _style(axes, colours)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return data_uri("image/svg+xml", buffer.getvalue())


def _draw_lengths(groups: Sequence[Group], figure: Figure, colours: Colours) -> None:
    """Draws two plots, a bar for each group of lengths: shares read exactly, numbers of images."""
    places = np.arange(len(groups))
    images = np.array([group.images for group in groups])
    exact = np.array([group.exact for group in groups])
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.bar(places, 100 * exact / images, 0.8, color=colours.bar)
    _draw_intervals(upper, places, exact, images, colours)
    _draw_counts(lower, places, images, 0.8, colours)
    names = [group.name for group in groups]
    lower.set_xticks(places, names, rotation=90 if len(names) > MAX_HORIZONTAL_NAMES else 0)
    lower.set_xlim(-0.6, max(len(groups), 4) - 0.4)  # a single bar does not fill the plot
    lower.set_xlabel("length of the label, characters")


def _draw_reliability(bins: Sequence[Bin], figure: Figure, colours: Colours) -> None:
    """Draws the calibration of the probabilities.

    The upper plot shows the share of correct predictions over the mean probability of each bin that
    is not empty; the lower one shows the number of predictions in every bin.
    """
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 100], [0, 100], "--", color=colours.ink, linewidth=1)
    filled = [each for each in bins if each.predictions]
    means = np.array([100 * each.mean_probability for each in filled])
    correct = np.array([each.correct for each in filled])
    counts = np.array([each.predictions for each in filled])
    upper.plot(means, 100 * correct / counts, "o-", color=colours.bar, linewidth=2, markersize=8)
    _draw_intervals(upper, means, correct, counts, colours)
    middles = np.array([50 * (each.low + each.high) for each in bins])
    _draw_counts(lower, middles, np.array([each.predictions for each in bins]), 9.4, colours)
    lower.set_xticks(range(0, 101, 10))
    lower.set_xlim(-1, 101)
    lower.set_xlabel("probability of the prediction, %")


def _draw_intervals(
    axes: Axes, places: np.ndarray, exact: np.ndarray, counts: np.ndarray, colours: Colours
) -> None:
    """Draws the 95 % confidence interval of each share as a bracket."""
    ends = [
        wilson(part, whole) for part, whole in zip(exact.tolist(), counts.tolist(), strict=True)
    ]
    shares = 100 * exact / counts
    reach = np.abs(100 * np.array(ends, float).reshape(-1, 2).T - shares)  # [2, N]
    axes.errorbar(places, shares, reach, fmt="none", ecolor=colours.interval, capsize=3)
    axes.set_ylim(0, 103)
    axes.set_ylabel("read exactly, %")


def _draw_counts(
    axes: Axes, places: np.ndarray, counts: np.ndarray, width: float, colours: Colours
) -> None:
    """Draws a bar for each number of images."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.bar(places, counts, width, color=colours.bar)
    axes.set_ylim(0, max(1, 1.05 * counts.max()))
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel("images")


def _style(axes: Axes, colours: Colours) -> None:
    """Colours lines and texts, and removes the upper and right side of the frame."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(colours.ink)
    axes.tick_params(colors=colours.ink)
    axes.xaxis.label.set_color(colours.ink)
    axes.yaxis.label.set_color(colours.ink)
    axes.yaxis.grid(True, color=colours.grid)
    axes.set_axisbelow(True)
