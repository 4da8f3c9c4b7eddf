"""Aligns labels with predictions and counts which character was read as which."""

from __future__ import annotations

import collections
from typing import NamedTuple


def align(label: str, prediction: str) -> list[tuple[str, str]]:
    """Returns an alignment of two texts with the fewest edits.

    The edits are counted by dynamic programming (Wagner and Fischer 1974). If several alignments
    have equally few edits, the choice is always the same: from the end of the texts to their
    start, a match or a substitution comes before a deletion, and a deletion before an insertion.

    Args:
        label: the true text.
        prediction: the predicted text.

    Returns:
        Pairs of a true character and the predicted one. The true character is "" for an
        insertion, the predicted one is "" for a deletion.
    """
    if label == prediction:
        return list(zip(label, prediction, strict=True))
    distances = _distances(label, prediction)
    pairs = []
    row, column = len(label), len(prediction)
    while row or column:
        true, predicted = label[row - 1 : row], prediction[column - 1 : column]
        edits = distances[row][column]
        if row and column and edits == distances[row - 1][column - 1] + (true != predicted):
            row, column = row - 1, column - 1
        elif row and edits == distances[row - 1][column] + 1:
            row, predicted = row - 1, ""
        else:
            column, true = column - 1, ""
        pairs.append((true, predicted))
    return pairs[::-1]


def _distances(label: str, prediction: str) -> list[list[int]]:
    """Returns the edit distance of `label[:row]` and `prediction[:column]` in each cell."""
    rows = [list(range(len(prediction) + 1))]
    for number, true in enumerate(label, start=1):
        above, row = rows[-1], [number]
        for column, predicted in enumerate(prediction, start=1):
            substituted = above[column - 1] + (true != predicted)
            row.append(min(substituted, above[column] + 1, row[column - 1] + 1))
        rows.append(row)
    return rows


class Confusion(NamedTuple):
    """Holds a true character, what was read in its place, and how often.

    Attributes:
        true: "" for an insertion.
        read: "" for a deletion.
        times: number of occurrences of this confusion.
        share: `times` over the occurrences of the true character in the labels; None for an
            insertion.
    """

    true: str
    read: str
    times: int
    share: float | None


class Confusions:
    """Counts the characters of labels, and the edits between labels and predictions."""

    def __init__(self) -> None:
        self.occurrences: collections.Counter[str] = collections.Counter()
        self._edits: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, label: str, pairs: list[tuple[str, str]]) -> None:
        """Counts one text.

        Args:
            label: the true text.
            pairs: the alignment that `align` returns.
        """
        self.occurrences.update(label)
        self._edits.update((true, read) for true, read in pairs if true != read)

    @property
    def substitutions(self) -> int:
        """Number of characters that were read as another character."""
        return sum(count for (true, read), count in self._edits.items() if true and read)

    @property
    def deletions(self) -> int:
        """Number of characters that were left out."""
        return sum(count for (_, read), count in self._edits.items() if not read)

    @property
    def insertions(self) -> int:
        """Number of characters that were read where the label has none."""
        return sum(count for (true, _), count in self._edits.items() if not true)

    def ranked(self) -> list[Confusion]:
        """Returns all confusions, the most frequent first, equally frequent ones by code points."""
        ordered = sorted(self._edits.items(), key=lambda item: (-item[1], item[0]))
        return [
            Confusion(true, read, count, count / self.occurrences[true] if true else None)
            for (true, read), count in ordered
        ]
