"""Tells from the names of files which of them are shards of one dataset, and which are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from aocr.data.records.shards import REPORT_SUFFIX, shard_name

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(.*)")
"""Matches the results of `shard_name`."""


class ShardSet(NamedTuple):
    """Describes a dataset of which at least one shard is present.

    Attributes:
        dataset: the name that was given to `aocr dataset`, such as `words.tfrecords`.
        shards: number of files that the dataset consists of.
        present: the indices of those that are there, sorted.
    """

    dataset: str
    shards: int
    present: list[int]

    @property
    def files(self) -> list[str]:
        """The names of the shards that are there."""
        return [shard_name(self.dataset, index, self.shards) for index in self.present]

    @property
    def missing(self) -> list[str]:
        """The names of the shards that are not there."""
        indices = sorted(set(range(self.shards)) - set(self.present))
        return [shard_name(self.dataset, index, self.shards) for index in indices]

    @property
    def report(self) -> str:
        """The list of rejected annotations of a build of all shards."""
        return f"{self.dataset}{REPORT_SUFFIX}"

    def report_of(self, index: int) -> str:
        """Returns the list of rejected annotations of a build of one shard."""
        return f"{shard_name(self.dataset, index, self.shards)}{REPORT_SUFFIX}"


def shard_sets(files: Sequence[str]) -> list[ShardSet]:
    """Returns the sharded datasets that files belong to, in the order of their first files."""
    present: dict[tuple[str, int], set[int]] = {}
    for path in files:
        match = _SHARD.fullmatch(path)
        if match:
            stem, index, shards, extension = match.groups()
            present.setdefault((f"{stem}{extension}", int(shards)), set()).add(int(index))
    return [ShardSet(*name, sorted(indices)) for name, indices in present.items()]


def in_different_numbers(sets: Sequence[ShardSet]) -> dict[str, list[int]]:
    """Returns the datasets that are there in several numbers of shards, with these numbers.

    Their records are there more than once.
    """
    numbers: dict[str, list[int]] = {}
    for each in sets:
        numbers.setdefault(each.dataset, []).append(each.shards)
    return {dataset: sorted(found) for dataset, found in numbers.items() if len(found) > 1}
