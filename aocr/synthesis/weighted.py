"""Draws values that have weights, among them sizes of images like those of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from aocr.config import IMAGE_HEIGHT
from aocr.synthesis.options import MAX_HEIGHT, MIN_HEIGHT

Value = TypeVar("Value")


class Weighted(NamedTuple, Generic[Value]):
    """Holds values with their probabilities.

    Attributes:
        values: the values, at least one.
        cumulative: float64 `[N]`, the probability of each value and those before it.
    """

    values: Sequence[Value]
    cumulative: np.ndarray

    def draw(self, rng: np.random.Generator) -> Value:
        """Returns a random value."""
        return self.at(rng.random())

    def at(self, position: float) -> Value:
        """Returns the value at a position from 0 to 1 of the cumulated probability."""
        index = int(np.searchsorted(self.cumulative, position, side="right"))
        return self.values[min(index, len(self.values) - 1)]


def weighted(values: Sequence[Value], weights: np.ndarray | Sequence[float]) -> Weighted[Value]:
    """Returns values with probabilities in proportion to their weights, not all of them 0."""
    sums = np.cumsum(np.asarray(weights, np.float64))
    return Weighted(values, sums / sums[-1])


def weighted_counts(counts: Mapping[int, int]) -> Weighted[int]:
    """Returns counted values in increasing order."""
    values = sorted(counts)
    return weighted(values, [counts[value] for value in values])


def position_of(values: Weighted[int], value: int, within: float) -> float:
    """Returns a position at which `values.at` gives a value, or its neighbour if it is not there.

    Args:
        values: numbers in increasing order.
        value: a number.
        within: the part of the value's own probability to go up to, from 0 to 1.
    """
    index = min(int(np.searchsorted(np.asarray(values.values), value)), len(values.values) - 1)
    before = float(values.cumulative[index - 1]) if index else 0.0
    return before + within * (float(values.cumulative[index]) - before)


FLOOR = 0.25
"""The share of the rarest character, relative to the share of each if all were equally frequent."""

_ROUNDS = 100


def balanced_weights(texts: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """Returns weights with which each character reaches `FLOOR / N` of all characters drawn.

    N is the number of different characters. The weights of texts with a character below that share
    are raised until it is reached, or for `_ROUNDS` rounds: it may be out of reach where rare
    characters occur in long texts alone.

    Args:
        texts: the texts, at least one, none of them empty.
        weights: float64 `[N]`, those without balance.
    """
    characters, of_text = _flatten(texts)
    count = int(characters.max()) + 1
    wanted = FLOOR / count
    for _ in range(_ROUNDS):
        shares = np.bincount(characters, weights[of_text], minlength=count)
        lack = wanted / (shares / shares.sum())
        if lack.max() <= 1.001:
            break
        factors = np.ones_like(weights)
        np.maximum.at(factors, of_text, lack[characters])
        weights = weights * factors
        weights /= weights.sum()
    return weights


def smallest_share(texts: Sequence[str], weights: np.ndarray) -> float:
    """Returns the share of the rarest character among all that are drawn with some weights."""
    characters, of_text = _flatten(texts)
    shares = np.bincount(characters, weights[of_text])
    return float(shares.min() / shares.sum())


def _flatten(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each character of all texts its number, and the number of its text."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    _, characters = np.unique(codes, return_inverse=True)
    return characters, np.repeat(np.arange(len(texts)), [len(text) for text in texts])


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
