"""Collects the sizes of a dataset's images, and finds those that are absurd beside the others."""

from __future__ import annotations

import array
import collections
import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from aocr.config import IMAGE_HEIGHT, width_at_32

MIN_IMAGES = 3
"""Smallest number of images of which one may be absurd."""

ABSURD_RATIO, ABSURD_SCALE = 10, 20
"""Smallest factors by which an absurd image is wider or narrower for its height than the median
image, both as a whole and for each character of its label; or by which it is higher or lower."""

ABSURD = (
    "image has an absurd size beside the others",
    "images have an absurd size beside the others",
)
"""Ends the line of a summary: of one such image, and of several."""

_numbers = functools.partial(array.array, "i")


class SizeCounts(collections.Counter[tuple[int, int]]):
    """Counts images by width and height in pixels."""

    def heights(self) -> collections.Counter[int]:
        """Returns the number of images by height in pixels."""
        return self._by(lambda width, height: height)

    def widths(self) -> collections.Counter[int]:
        """Returns the number of images by width in pixels."""
        return self._by(lambda width, height: width)

    def widths_at_32(self) -> collections.Counter[int]:
        """Returns the number of images by width at a height of 32 pixels."""
        return self._by(width_at_32)

    def _by(self, key: Callable[[int, int], int]) -> collections.Counter[int]:
        counts: collections.Counter[int] = collections.Counter()
        for size, number in self.items():
            counts[key(*size)] += number
        return counts


@dataclasses.dataclass
class ImageSizes:
    """Holds the sizes of images, in the order of their records; 16 bytes for each.

    Attributes:
        records: numbers of the records.
        widths: widths in pixels.
        heights: heights in pixels.
        lengths: lengths of the labels in characters.
    """

    records: array.array = dataclasses.field(default_factory=_numbers)
    widths: array.array = dataclasses.field(default_factory=_numbers)
    heights: array.array = dataclasses.field(default_factory=_numbers)
    lengths: array.array = dataclasses.field(default_factory=_numbers)

    def add(self, record: int, size: tuple[int, int], length: int) -> None:
        """Appends an image.

        Args:
            record: number of the record.
            size: width and height in pixels.
            length: length of the label in characters.
        """
        self.records.append(record)
        self.widths.append(size[0])
        self.heights.append(size[1])
        self.lengths.append(length)

    def absurd(self) -> np.ndarray:
        """Returns which images are absurd: bool `[N]`.

        A text line among words is not: it is wide, but each of its characters is not.
        """
        width, height = np.array(self.widths), np.array(self.heights)
        if len(width) < MIN_IMAGES:
            return np.zeros(len(width), bool)
        at_32 = np.ceil(width / height * IMAGE_HEIGHT)
        of_character = at_32 / np.maximum(1, np.array(self.lengths))
        wide, wide_character = (_in_medians(each) for each in (at_32, of_character))
        stretched = np.minimum(wide, wide_character) > ABSURD_RATIO
        squeezed = np.maximum(wide, wide_character) < 1 / ABSURD_RATIO
        high = _in_medians(height)
        return stretched | squeezed | (high > ABSURD_SCALE) | (high < 1 / ABSURD_SCALE)

    def describe(self, place: int) -> str:
        """Returns the size of an image, given its place from 0, in words."""
        return f"{self.widths[place]} x {self.heights[place]} pixels"

    def counts(self) -> SizeCounts:
        """Returns the number of images of each size."""
        return self._counts(np.ones(len(self.widths), bool))

    def usual_counts(self) -> SizeCounts:
        """Returns the number of images of each size, without the absurd ones."""
        return self._counts(~self.absurd())

    def _counts(self, chosen: np.ndarray) -> SizeCounts:
        sizes = np.stack([np.array(self.widths), np.array(self.heights)], axis=1)[chosen]
        different, numbers = np.unique(sizes, axis=0, return_counts=True)
        return SizeCounts(dict(zip(map(tuple, different.tolist()), numbers.tolist(), strict=True)))


def _in_medians(values: np.ndarray) -> np.ndarray:
    return values / np.median(values)
