"""Finds records that have the same image, by digests of images and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Duplicates(NamedTuple):
    """Counts records whose images are the same file, byte for byte.

    Attributes:
        repeated_records: records whose image occurs in an earlier record.
        contradicted_images: images that occur with different labels.
        contradicting_records: records of these images.
        examples: for each of the first contradicted images, the indices of the first record with
            each label; from 0, in increasing order.
    """

    repeated_records: int
    contradicted_images: int
    contradicting_records: int
    examples: list[list[int]]


def find_duplicates(images: Sequence[int], labels: Sequence[int], max_examples: int) -> Duplicates:
    """Finds records with the same image, and those of them whose labels differ.

    Sorts the N records by image and label, so that the records of an image form a group. G is the
    number of groups.

    Args:
        images: a digest below 2**64 of each record's image, in the order of the records.
        labels: a digest of each record's label, in that order.
        max_examples: most examples to return, and most records of each example.
    """
    image, label = np.asarray(images, np.uint64), np.asarray(labels, np.uint64)  # [N]
    order = np.lexsort((label, image))  # [N], indices of records; stable
    image, label = image[order], label[order]
    starts_image = np.diff(image, prepend=~image[:1]) != 0  # [N]
    starts_label = starts_image | (np.diff(label, prepend=label[:1]) != 0)  # [N]
    starts = np.flatnonzero(starts_image)  # [N] --> [G]
    sizes = np.diff(starts, append=len(order))  # [G]
    is_contradicted = np.add.reduceat(starts_label, starts, dtype=np.int64) > 1  # [G]
    first_records = np.minimum.reduceat(order, starts)  # [G]
    contradicted = np.flatnonzero(is_contradicted)
    contradicted = contradicted[np.argsort(first_records[contradicted])]
    groups = [slice(starts[g], starts[g] + sizes[g]) for g in contradicted[:max_examples]]
    return Duplicates(
        repeated_records=len(order) - len(starts),
        contradicted_images=len(contradicted),
        contradicting_records=int(sizes[is_contradicted].sum()),
        examples=[sorted(order[g][starts_label[g]].tolist())[:max_examples] for g in groups],
    )
