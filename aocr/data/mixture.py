"""Says what a mixture of datasets draws from each: `--mix`.

An epoch of a mixture draws every record of the first dataset once, and from each other dataset the
number that the weights ask for. Which dataset a draw goes to is a formula of its number, so that
every stretch of an epoch has the same proportion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from aocr.util.errors import UserError

MAX_DRAWS = 2**31 - 1
"""Largest number of draws of an epoch: products of two of them fit into int64."""


class MixedDataset(NamedTuple):
    """Holds one dataset of a mixture.

    Attributes:
        files: TFRecord files, read in this order.
        excluded: indices of its records to leave out, from 0.
        widths: int32 `[R]`, the prepared width in pixels of each record's image.
        draws: number of records that an epoch draws.
    """

    files: list[str]
    excluded: list[int]
    widths: np.ndarray
    draws: int

    @property
    def used(self) -> int:
        """Number of records that are not left out."""
        return len(self.widths) - len(self.excluded)


class Mixture(NamedTuple):
    """Holds the datasets of a mixture; indices of records count through all of them."""

    datasets: tuple[MixedDataset, ...]

    @property
    def draws(self) -> list[int]:
        """Numbers of records that an epoch draws from each dataset."""
        return [each.draws for each in self.datasets]

    def batches_per_epoch(self, batch_size: int) -> int:
        """Returns the number of batches in an epoch; the last may be smaller."""
        return -(-sum(self.draws) // batch_size)


def draws_per_epoch(used: Sequence[int], weights: Sequence[float]) -> list[int]:
    """Returns the numbers of records that an epoch draws from each dataset, at least 1.

    Args:
        used: numbers of records of the datasets.
        weights: their shares of the draws, in any unit.

    Raises:
        UserError: the numbers are too large.
    """
    others = [max(1.0, used[0] * (weight / weights[0])) for weight in weights[1:]]
    total = used[0] + sum(others)
    if not math.isfinite(total) or total > MAX_DRAWS - len(weights):
        raise UserError(
            f"--mix: with these weights, an epoch would draw {total:.3g} records, because it draws "
            "each record of the first dataset once: give weights that differ less, or name the "
            "dataset with the largest weight for its size first"
        )
    return [used[0], *map(round, others)]


def draws_before(slot: Any, draws: Sequence[int]) -> list[Any]:
    """Returns how many of the first draws of an epoch go to each dataset.

    These numbers are in the proportion of `draws`, rounded to whole records, for every slot: with
    two datasets they are off by less than 1, with K by less than K - 1.

    Args:
        slot: number of draws of the epoch so far: an int, or an int64 tensor or array.
        draws: numbers of records that an epoch draws from each dataset.
    """
    counts = []
    for number, own in enumerate(draws[:-1]):
        rest = sum(draws[number + 1 :])
        others = slot * rest // (own + rest)
        counts.append(slot - others)
        slot = others
    return [*counts, slot]
