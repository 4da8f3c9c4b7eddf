"""Records with the same image, found by digests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Duplicates(NamedTuple):
    """Records whose images are the same file, byte for byte.

    Attributes:
        repeated: records whose image stands in an earlier record.
        contradicted: images that stand in several records, with different labels.
        contradicting: records of such images.
        examples: places of the records of the first contradicted images, from 0, in order.
    """

    repeated: int
    contradicted: int
    contradicting: int
    examples: list[list[int]]


def find(images: Sequence[int], labels: Sequence[int], most: int) -> Duplicates:
    """Finds records with one image, and among them those with different labels.

    Args:
        images: digests below 2**64, one a record.
        labels: likewise.
        most: examples to give, and records of each.
    """
    image, label = np.asarray(images, np.uint64), np.asarray(labels, np.uint64)  # [N]
    order = np.lexsort((label, image))  # by image, then label, then place
    image, label = image[order], label[order]
    first_of_image = np.diff(image, prepend=~image[:1]) != 0  # [N]
    first_of_pair = first_of_image | (np.diff(label, prepend=label[:1]) != 0)
    starts = np.flatnonzero(first_of_image)  # [I], of the images in the order
    contradicted = np.add.reduceat(first_of_pair, starts, dtype=np.int64) > 1  # [I]
    sizes = np.diff(starts, append=len(order))  # [I]
    earliest = np.minimum.reduceat(order, starts)  # [I], places
    chosen = np.flatnonzero(contradicted)
    chosen = chosen[np.argsort(earliest[chosen])][:most]
    return Duplicates(
        repeated=len(order) - len(starts),
        contradicted=int(contradicted.sum()),
        contradicting=int(sizes[contradicted].sum()),
        examples=[_places(order, first_of_pair, starts[i], sizes[i], most) for i in chosen],
    )


def _places(order, first_of_pair, start: int, size: int, most: int) -> list[int]:
    """Of one image, the first record of each label: places in order."""
    group = slice(start, start + size)
    return sorted(order[group][first_of_pair[group]].tolist())[:most]
