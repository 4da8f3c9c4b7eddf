"""Names the files of a dataset: its shards and the lists of rejected annotations."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from aocr.util.errors import UserError
from aocr.util.paths.checks import identity, is_remote

PATTERN = "*.tfrecords"
"""Matches the files of a folder that belong to a dataset."""

REPORT_SUFFIX = ".rejected.tsv"
"""Follows the name of an output in the name of the file that lists the rejections."""


class OutputNames(NamedTuple):
    """Names the files that a build writes.

    Attributes:
        dataset: the name that stands for the whole dataset.
        shards: the TFRecord files.
        report: the list of the rejections.
        old_reports: lists that earlier builds may have left beside single shards.
    """

    dataset: str
    shards: list[str]
    report: str
    old_reports: list[str]

    @property
    def files(self) -> list[str]:
        """All files that the build replaces or removes: shards, the report, old reports."""
        return [*self.shards, self.report, *self.old_reports]

    def identities(self) -> frozenset[object]:
        """Returns the identities of those files that an image may be, because they exist."""
        present = (name for name in self.files if is_remote(name) or os.path.exists(name))
        return frozenset(map(identity, present))


def shard_name(output: str, index: int, shards: int) -> str:
    """Returns `name-00002-of-00005.tfrecords` for `name.tfrecords`."""
    stem, extension = os.path.splitext(output)
    return f"{stem}-{index:05}-of-{shards:05}{extension}"


def shard_index_problem(shards: int, shard_index: int | None) -> str:
    """Returns what is wrong with the index of a shard; empty if it is None or there is one."""
    if shard_index is None or 0 <= shard_index < shards:
        return ""
    return f"--shard-index={shard_index} is not from 0 to {shards - 1} (--shards={shards})"


def output_names(output: str, shards: int, shard_index: int | None) -> OutputNames:
    """Returns the names of the files that a build writes.

    Args:
        output: the name that the user gave.
        shards: number of files that the annotations are distributed over.
        shard_index: the only shard to build, from 0; None for all shards.

    Raises:
        UserError: there is no shard of this index.
    """
    if problem := shard_index_problem(shards, shard_index):
        raise UserError(problem)
    indices = range(shards) if shard_index is None else [shard_index]
    names = [output] if shards == 1 else [shard_name(output, each, shards) for each in indices]
    dataset = names[0] if len(names) == 1 else output
    report, *old = (f"{name}{REPORT_SUFFIX}" for name in dict.fromkeys([dataset, *names]))
    return OutputNames(dataset, names, report, old)


PARTS = ("training", "validation", "test")
"""Names of the parts that `--split` divides a dataset into, in the order of their shares."""


def split_names(output: str, parts: int) -> OutputNames:
    """Returns the names of the files of a build that divides its records, without their report.

    Args:
        output: the name that the user gave; `words.tfrecords` becomes `words-training.tfrecords`.
        parts: number of parts, two or three.
    """
    stem, extension = os.path.splitext(output)
    names = [f"{stem}-{part}{extension}" for part in PARTS[:parts]]
    return OutputNames(f"{stem}-*{extension}", names, f"{output}{REPORT_SUFFIX}", [])


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
