"""Which character was read as which: the edit alignment of a label and what was read from it."""

from __future__ import annotations

import collections
from typing import NamedTuple


def align(label: str, prediction: str) -> list[tuple[str, str]]:
    """One of the alignments with the fewest edits, always the same one.

    Levenshtein's distance by dynamic programming (Wagner and Fischer 1974). Where several
    alignments are equally short, the pairs are chosen from the end of the texts: a match or a
    substitution rather than a deletion, a deletion rather than an insertion.

    Args:
        label: the true text.
        prediction: the text read.

    Returns:
        Pairs of a true character, "" where one was inserted, and the one read in its place, ""
        where it was left out.
    """
    if label == prediction:
        return list(zip(label, prediction, strict=True))
    distances = _distances(label, prediction)
    pairs = []
    row, column = len(label), len(prediction)
    while row or column:
        true, read = label[row - 1 : row], prediction[column - 1 : column]
        here = distances[row][column]
        if row and column and here == distances[row - 1][column - 1] + (true != read):
            row, column = row - 1, column - 1
        elif row and here == distances[row - 1][column] + 1:
            row, read = row - 1, ""
        else:
            column, true = column - 1, ""
        pairs.append((true, read))
    return pairs[::-1]


def _distances(label: str, prediction: str) -> list[list[int]]:
    """Row r, column c: the edit distance of `label[:r]` and `prediction[:c]`."""
    rows = [list(range(len(prediction) + 1))]
    for number, true in enumerate(label, start=1):
        above, row = rows[-1], [number]
        for column, read in enumerate(prediction, start=1):
            row.append(
                min(above[column - 1] + (true != read), above[column] + 1, row[column - 1] + 1)
            )
        rows.append(row)
    return rows


class Confusion(NamedTuple):
    """A true character and what was read in its place.

    Attributes:
        true: "" for an insertion.
        read: "" for a deletion.
        times: how often.
        share: of the occurrences of the true character in the labels; None for an insertion.
    """

    true: str
    read: str
    times: int
    share: float | None


class Confusions:
    """Counts the characters of labels and the edits that readings differ from them by."""

    def __init__(self) -> None:
        self.occurrences: collections.Counter[str] = collections.Counter()
        self._edits: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, label: str, pairs: list[tuple[str, str]]) -> None:
        """Counts one text.

        Args:
            label: the true text.
            pairs: from `align`.
        """
        self.occurrences.update(label)
        self._edits.update((true, read) for true, read in pairs if true != read)

    @property
    def substitutions(self) -> int:
        """Characters read as others."""
        return sum(count for (true, read), count in self._edits.items() if true and read)

    @property
    def deletions(self) -> int:
        """Characters left out."""
        return sum(count for (_, read), count in self._edits.items() if not read)

    @property
    def insertions(self) -> int:
        """Characters read where there is none."""
        return sum(count for (true, _), count in self._edits.items() if not true)

    def ranked(self) -> list[Confusion]:
        """All kinds of edits, the most frequent first, equally frequent ones by code points."""
        ordered = sorted(self._edits.items(), key=lambda item: (-item[1], item[0]))
        return [
            Confusion(true, read, count, count / self.occurrences[true] if true else None)
            for (true, read), count in ordered
        ]
