"""Finds out whether all shards of a dataset are there, and what was rejected when it was built."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence

import tensorflow as tf

from aocr.data.building.rejections import read_rejections
from aocr.data.records.shards import REPORT_SUFFIX, ShardSet, shard_sets
from aocr.util.paths.files import names_in


@dataclasses.dataclass(frozen=True)
class Completeness:
    """Describes the build of a dataset.

    The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        dataset: the output that was given to `aocr dataset`.
        shards: number of its files; None if it is not sharded.
        missing: the files that are not there.
        rejected: number of rejected annotations by reason, the most frequent first, according to
            `reports`.
        reports: the lists of rejected annotations.
    """

    dataset: str
    shards: int | None
    missing: list[str]
    rejected: dict[str, int]
    reports: list[str]


def check_completeness(files: Sequence[str]) -> list[Completeness]:
    """Describes the builds of the datasets that files belong to.

    Raises:
        UserError: a list of rejected annotations cannot be read.
    """
    sets = shard_sets(files)
    sharded = {path for each in sets for path in each.files}
    exists = _finder()
    return [
        *(_of_shards(each, exists) for each in sets),
        *(_of_file(path, exists) for path in files if path not in sharded),
    ]


def _finder() -> Callable[[str], bool]:
    """Returns a function that tells whether a file is there; it lists each folder once."""

    @functools.cache
    def listed(folder: str) -> frozenset[str] | None:
        try:
            return frozenset(names_in(folder))
        except tf.errors.OpError:  # a folder may be closed although its files can be read
            return None

    def exists(path: str) -> bool:
        folder, name = os.path.split(path)
        names = listed(folder)
        return tf.io.gfile.exists(path) if names is None else name in names

    return exists


def _of_file(path: str, exists: Callable[[str], bool]) -> Completeness:
    report = f"{path}{REPORT_SUFFIX}"
    reasons = dict(read_rejections(report)) if exists(report) else {}
    reports = [report] if exists(report) else []
    return Completeness(path, None, [], _counts(reasons), reports)


def _of_shards(shards: ShardSet, exists: Callable[[str], bool]) -> Completeness:
    """Adds up the list of a build of all shards, and those of builds of single ones.

    A shard's own list is of its last build, so it replaces the lines of that shard in the other.
    """
    own = {index for index in range(shards.shards) if exists(shards.report_of(index))}
    whole = [shards.report] if exists(shards.report) else []
    reasons: dict[int, str] = {}
    for path in whole:
        rows = read_rejections(path)
        reasons.update(row for row in rows if (row[0] - 1) % shards.shards not in own)
    reports = [shards.report_of(index) for index in sorted(own)]
    for path in reports:
        reasons.update(read_rejections(path))
    if whole and own:
        logging.warning(
            "%s is a list of a build of all shards, but %s belongs to a later one of a single "
            "shard: of these shards, the rejections in their own lists are counted.",
            whole[0],
            reports[0],
        )
    found = [*whole, *reports]
    return Completeness(shards.dataset, shards.shards, shards.missing, _counts(reasons), found)


def _counts(reasons: dict[int, str]) -> dict[str, int]:
    """Returns the number of annotations by reason, the most frequent first."""
    return dict(Counter(reasons.values()).most_common())
