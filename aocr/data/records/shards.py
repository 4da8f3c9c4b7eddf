"""Names the files of a dataset: its shards and the lists of rejected annotations."""

from __future__ import annotations

import os
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
        report: lists the rejections.
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
        output: as the user gave it.
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
