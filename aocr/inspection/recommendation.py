"""Recommends `--max-width`, `--max-height`, `--max-prediction` and `--charset` for a dataset."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

from aocr.config import IMAGE_HEIGHT, MAX_IMAGE_WIDTH, Config, width_at_32
from aocr.inspection.distribution import quantile
from aocr.util.options import permitted_values

PERCENTAGES = (95, 99, 100)
"""Shares of the records for which flags are recommended."""


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Holds the smallest flags that fit a percentage of the records.

    Each flag is chosen on its own. The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        percent: share of the images that are not shrunk to fit, and of the labels that are not too
            long or have only characters of the charset.
        max_width: `--max-width`, pixels; None without an image.
        max_height: `--max-height`, pixels; None without an image.
        image_width: width of each prepared image, pixels; None without an image.
        shrunk: images that are wider than `max_width`, or wider than `image_width` at a height of
            32 pixels.
        higher: images higher than `max_height`. A model reads them as well as others.
        max_prediction: `--max-prediction`, characters.
        too_long: labels longer than `max_prediction`.
        characters: the charset, in the order of the code points.
        unknown_at_most: upper bound for the labels with characters outside the charset: a label
            with several such characters is counted several times.
    """

    percent: int
    max_width: int | None
    max_height: int | None
    image_width: int | None
    shrunk: int
    higher: int
    max_prediction: int
    too_long: int
    characters: str
    unknown_at_most: int


class RecommendedSize(NamedTuple):
    """Holds `--max-width`, `--max-height`, and the number of images that they shrink to fit."""

    max_width: int
    max_height: int
    shrunk: int


@dataclasses.dataclass
class WidthCounts:
    """Counts images by width, to choose `--max-width` and `--max-height`.

    If `--max-height` is given, images are counted by the `--max-width` that each one needs.
    Otherwise they are counted by their width at a height of 32 pixels.

    Attributes:
        max_height: the given `--max-height`, pixels, or None.
        counts: number of images by either width.
        widest: width in pixels of the widest image in each count.
    """

    max_height: int | None
    counts: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    widest: dict[int, int] = dataclasses.field(default_factory=dict)

    def add(self, width: int, height: int, number: int = 1) -> None:
        """Counts images of one size; width and height are in pixels."""
        key = width_at_32(width, height)
        if self.max_height:
            key = max(width, _smallest_max_width(key, self.max_height))
        self.counts[key] += number
        self.widest[key] = max(width, self.widest.get(key, 0))

    def recommend(self, percent: int, min_height: int) -> RecommendedSize:
        """Returns the flags that fit a percentage of the images with the least prepared width.

        The prepared width depends only on the ratio of the two flags, so that any height can be
        chosen if `--max-height` is not given.

        Args:
            percent: share of the images.
            min_height: smallest `--max-height` to choose.
        """
        limit = quantile(self.counts, percent)
        if self.max_height:
            return self._permitted(limit, self.max_height)
        widest = max(width for key, width in self.widest.items() if key <= limit)
        max_height = max(min_height, math.ceil(widest * IMAGE_HEIGHT / limit))
        return self._permitted(max(widest, _smallest_max_width(limit, max_height)), max_height)

    def _permitted(self, max_width: int, max_height: int) -> RecommendedSize:
        """Returns these flags, or the largest that `train` accepts."""
        max_height = min(max_height, largest_permitted("max_height"))
        widest = MAX_IMAGE_WIDTH * max_height // IMAGE_HEIGHT
        max_width = min(max_width, widest, largest_permitted("max_width"))
        limit = max_width if self.max_height else width_at_32(max_width, max_height)
        return RecommendedSize(max_width, max_height, self._count_shrunk(limit, max_width))

    def _count_shrunk(self, limit: int, max_width: int) -> int:
        """Counts images whose key exceeds a limit, or whose count holds an image that is too wide.

        Args:
            limit: largest key that fits.
            max_width: `--max-width`, pixels.
        """
        return sum(
            count
            for key, count in self.counts.items()
            if key > limit or self.widest[key] > max_width
        )


def largest_permitted(name: str) -> int:
    """Returns the largest number that a flag of the model may have."""
    return int(permitted_values(Config, name).maximum)


def _smallest_max_width(prepared_width: int, max_height: int) -> int:
    """Returns the smallest `--max-width` that leads to a prepared width with this height."""
    return (prepared_width - 1) * max_height // IMAGE_HEIGHT + 1


class RecordCounts(NamedTuple):
    """Holds what a recommendation is derived from.

    Attributes:
        widths: widths of the images.
        heights: number of images by height in pixels.
        label_lengths: number of labels by length in characters.
        labels_with: number of labels that contain each character.
    """

    widths: WidthCounts
    heights: Mapping[int, int]
    label_lengths: Mapping[int, int]
    labels_with: Mapping[str, int]


def recommend(counts: RecordCounts) -> list[Coverage]:
    """Returns the smallest flags for each of `PERCENTAGES`.

    Args:
        counts: counts of at least one record.
    """
    return [_cover(percent, counts) for percent in PERCENTAGES]


def _cover(percent: int, counts: RecordCounts) -> Coverage:
    size = None
    if counts.widths.counts:
        size = counts.widths.recommend(percent, quantile(counts.heights, percent))
    longest = max(1, quantile(counts.label_lengths, percent))
    max_prediction = min(longest, largest_permitted("max_prediction"))
    characters, unknown_at_most = _recommend_charset(percent, counts)
    return Coverage(
        percent=percent,
        max_width=size and size.max_width,
        max_height=size and size.max_height,
        image_width=size and width_at_32(size.max_width, size.max_height),
        shrunk=size.shrunk if size else 0,
        higher=_count_above(counts.heights, size.max_height) if size else 0,
        max_prediction=max_prediction,
        too_long=_count_above(counts.label_lengths, max_prediction),
        characters=characters,
        unknown_at_most=unknown_at_most,
    )


def _recommend_charset(percent: int, counts: RecordCounts) -> tuple[str, int]:
    """Leaves out the rarest characters while few enough labels contain them.

    Returns:
        The other characters, and an upper bound for the labels with those left out.
    """
    allowed = sum(counts.label_lengths.values()) * (100 - percent) // 100
    left_out, unknown = set(), 0
    rarest_first = sorted(counts.labels_with.items(), key=lambda item: (item[1], item[0]))
    for character, labels in rarest_first:
        if unknown + labels > allowed:
            break
        left_out.add(character)
        unknown += labels
    return "".join(sorted(set(counts.labels_with) - left_out)), unknown


def _count_above(counts: Mapping[int, int], limit: int) -> int:
    return sum(count for value, count in counts.items() if value > limit)
