"""Chooses sizes of images like those of a dataset."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aocr.config import IMAGE_HEIGHT
from aocr.synthesis.options import MAX_HEIGHT, MIN_HEIGHT
from aocr.synthesis.weighted import Weighted, position_of

SCATTER = 0.05
"""Standard deviation by which the position of a width differs from that of the label's length."""


class Size(NamedTuple):
    """The height of an image in pixels, and its width, or None if its text decides."""

    height: int
    width: int | None = None


class Likeness(NamedTuple):
    """Holds how images and labels of a dataset are distributed.

    Attributes:
        heights: heights of images in pixels.
        widths_at_32: widths of images in pixels, scaled to a height of 32.
        lengths: lengths of labels in characters, without empty labels.
        occurrences: how often each character occurs in all labels.
    """

    heights: Weighted[int]
    widths_at_32: Weighted[int]
    lengths: Weighted[int]
    occurrences: dict[str, int]

    def size(self, length: int, height: int | None, rng: np.random.Generator) -> Size:
        """Returns a random size for a text of some length; a height may be given.

        Longer texts get wider images: the text's place among the lengths is, with some scatter, the
        image's place among the widths.
        """
        height = height or min(max(self.heights.draw(rng), MIN_HEIGHT), MAX_HEIGHT)
        place = position_of(self.lengths, length, rng.random()) + SCATTER * rng.standard_normal()
        place = abs(place) if place < 1 else max(0.0, 2 - place)  # reflected at both ends
        width = self.widths_at_32.at(place) * height / IMAGE_HEIGHT
        return Size(height, max(1, round(width)))
