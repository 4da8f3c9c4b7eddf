"""Finds the images that several datasets have, such as those of training and test."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from aocr.data.records.shards import shard_sets


class SharedIndices(NamedTuple):
    """Locates the images of a dataset that an earlier one has, too.

    Attributes:
        earlier: the earlier dataset.
        dataset: the dataset.
        images: number of its records with such an image.
        first: indices of the first of them, from 0 over all records.
    """

    earlier: str
    dataset: str
    images: int
    first: list[int]


@dataclasses.dataclass(frozen=True)
class SharedImages:
    """Counts the images of a dataset that an earlier one has, too.

    The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        earlier: the earlier dataset.
        dataset: the dataset.
        images: number of its records with such an image.
        named: the first of them.
    """

    earlier: str
    dataset: str
    images: int
    named: list[str]


def find_shared(
    images: Sequence[int], records_of_file: Mapping[str, int], max_named: int
) -> list[SharedIndices]:
    """Compares each two datasets; the shards of a dataset are one.

    Args:
        images: a digest below 2**64 of each record's image, in the order of the records.
        records_of_file: number of records of each file, in that order.
        max_named: most indices to return for two datasets.
    """
    places = _places(records_of_file)
    digests = np.asarray(images, np.uint64)
    found = []
    for (earlier, ours), (dataset, theirs) in itertools.combinations(places.items(), 2):
        shared = theirs[np.isin(digests[theirs], digests[ours])]
        if len(shared):
            first = shared[:max_named].tolist()
            found.append(SharedIndices(earlier, dataset, len(shared), first))
    return found


def _places(records_of_file: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Returns the indices of the records of each dataset."""
    dataset_of = {
        file: each.dataset for each in shard_sets([*records_of_file]) for file in each.files
    }
    places: dict[str, list[np.ndarray]] = {}
    start = 0
    for file, count in records_of_file.items():
        indices = np.arange(start, start + count)
        places.setdefault(dataset_of.get(file, file), []).append(indices)
        start += count
    return {dataset: np.concatenate(parts) for dataset, parts in places.items()}
