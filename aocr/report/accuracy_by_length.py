"""How many images are read exactly, by the length of their labels."""

from __future__ import annotations

import collections
from typing import NamedTuple

from aocr.evaluation.confidence_intervals import Interval, wilson

MOST_GROUPS = 20


class Group(NamedTuple):
    """Labels of `first` to `last` characters."""

    first: int
    last: int
    images: int
    exact: int

    @property
    def name(self) -> str:
        """`4`, or `10–19`."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"

    @property
    def accuracy(self) -> float:
        """Share of the images read exactly."""
        return self.exact / self.images

    @property
    def interval(self) -> Interval:
        """Wilson's, of the accuracy."""
        interval = wilson(self.exact, self.images)
        assert interval is not None  # a group has images
        return interval


class Lengths:
    """Counts images by the characters of their labels."""

    def __init__(self) -> None:
        self._images: collections.Counter[int] = collections.Counter()
        self._exact: collections.Counter[int] = collections.Counter()

    def add(self, length: int, exact: bool) -> None:
        """Counts one image."""
        self._images[length] += 1
        self._exact[length] += exact

    def groups(self) -> list[Group]:
        """A length each where they are few; else neighbours join until they hold 5 % together."""
        lengths = sorted(self._images)
        groups = [Group(n, n, self._images[n], self._exact[n]) for n in lengths]
        if len(groups) <= MOST_GROUPS:
            return groups
        enough = self._images.total() / MOST_GROUPS
        joined = [groups[0]]
        for group in groups[1:]:
            if joined[-1].images < enough:
                joined[-1] = _joined(joined[-1], group)
            else:
                joined.append(group)
        if len(joined) > 1 and joined[-1].images < enough:
            joined[-2:] = [_joined(*joined[-2:])]
        return joined


def _joined(one: Group, other: Group) -> Group:
    """Both, of which `one` has the shorter labels."""
    return Group(one.first, other.last, one.images + other.images, one.exact + other.exact)
