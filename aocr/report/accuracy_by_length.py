"""Counts how many images are read exactly, by the length of their labels."""

from __future__ import annotations

import collections
from typing import NamedTuple

from aocr.evaluation.metric_sums import Interval, wilson

MAX_GROUPS = 20


class Group(NamedTuple):
    """Counts the images whose labels have `first` to `last` characters."""

    first: int
    last: int
    images: int
    exact: int

    @property
    def name(self) -> str:
        """The range of lengths: `4` or `10–19`."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"

    @property
    def accuracy(self) -> float:
        """Share of the images read exactly."""
        return self.exact / self.images

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % confidence interval of the accuracy."""
        interval = wilson(self.exact, self.images)
        assert interval is not None  # a group has images
        return interval


class LengthCounts:
    """Counts images by the number of characters of their labels."""

    def __init__(self) -> None:
        self._images: collections.Counter[int] = collections.Counter()
        self._exact: collections.Counter[int] = collections.Counter()

    def add(self, length: int, exact: bool) -> None:
        """Counts one image.

        Args:
            length: number of characters of its label.
            exact: whether it was read exactly.
        """
        self._images[length] += 1
        self._exact[length] += exact

    def groups(self) -> list[Group]:
        """Returns a group for each length, shortest first.

        If there are more than `MAX_GROUPS` lengths, neighbours are joined until each group holds
        5 % of the images.
        """
        lengths = sorted(self._images)
        groups = [Group(n, n, self._images[n], self._exact[n]) for n in lengths]
        if len(groups) <= MAX_GROUPS:
            return groups
        return _joined(groups, self._images.total() / MAX_GROUPS)


def _joined(groups: list[Group], min_images: float) -> list[Group]:
    """Returns the groups with neighbours joined until each holds `min_images`."""
    joined = [groups[0]]
    for group in groups[1:]:
        if joined[-1].images < min_images:
            joined[-1] = _union(joined[-1], group)
        else:
            joined.append(group)
    if len(joined) > 1 and joined[-1].images < min_images:
        joined[-2:] = [_union(*joined[-2:])]
    return joined


def _union(shorter: Group, longer: Group) -> Group:
    """Returns one group of two neighbours, given in the order of their lengths."""
    images, exact = shorter.images + longer.images, shorter.exact + longer.exact
    return Group(shorter.first, longer.last, images, exact)
