"""Normalizes labels, and counts what upper-casing changes."""

from __future__ import annotations

import unicodedata


def normalize(label: str, force_uppercase: bool, nfc: bool) -> str:
    """Returns the label as it is written to a dataset.

    Args:
        label: as it stands in the annotations.
        force_uppercase: convert it to upper case.
        nfc: convert it to the Unicode normal form NFC.
    """
    label = label.upper() if force_uppercase else label
    return unicodedata.normalize("NFC", label) if nfc else label


class CaseMerges:
    """Counts the labels that upper-casing changes, and the labels that it makes equal.

    Args:
        limit: number of labels that are remembered, which bounds the memory. With more labels,
            `merged` is a lower bound.

    Attributes:
        changed: number of labels that upper-casing changes.
        merged: number of upper-case labels that stand for several different labels.
        example: one of them, or empty.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.changed = 0
        self.merged = 0
        self.example = ""
        self._limit = limit
        self._first_spellings: dict[int, int] = {}  # hash in upper case --> hash of the first label
        self._merged: set[int] = set()

    def add(self, label: str) -> None:
        """Counts a label, given in its original case."""
        upper = label.upper()
        self.changed += upper != label
        key = hash(upper)
        if key not in self._first_spellings:
            if len(self._first_spellings) < self._limit:
                self._first_spellings[key] = hash(label)
        elif self._first_spellings[key] != hash(label) and key not in self._merged:
            self._merged.add(key)
            self.merged += 1
            self.example = self.example or upper
