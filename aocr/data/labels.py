"""Labels as they are written, and whether a model could transcribe them."""

from __future__ import annotations

import unicodedata

from aocr.config import Limits
from aocr.data.rejections import Rejection

_NAMED_CHARACTERS = 5


def prepare(label: str, force_uppercase: bool, normalize: bool) -> str:
    """The label in capitals, and in Unicode's form NFC, where asked for."""
    label = label.upper() if force_uppercase else label
    return unicodedata.normalize("NFC", label) if normalize else label


def misfit(label: str, fit: Limits) -> Rejection | None:
    """Why a model of this fit could not learn the label, or None."""
    if fit.max_prediction is not None and len(label) > fit.max_prediction:
        reason = f"label longer than {fit.max_prediction} characters"
        return Rejection(reason, label, f"{len(label)} characters")
    unknown = set(label) - set(label if fit.characters is None else fit.characters)
    if unknown:
        named = ", ".join(map(repr, sorted(unknown)[:_NAMED_CHARACTERS]))
        return Rejection("character outside the charset", label, named)
    return None


class CaseMerges:
    """Counts the labels that upper-casing changes, and those that it makes equal.

    Args:
        limit: labels that are remembered, so that memory stays flat. Beyond it `merged` is a lower
            bound.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.changed = 0
        self.merged = 0
        self.example = ""
        self._limit = limit
        self._first_forms: dict[int, int] = {}  # hash of a label in capitals --> of its first form
        self._merged: set[int] = set()

    def add(self, label: str) -> None:
        """Takes a label as it was before."""
        capitals = label.upper()
        self.changed += capitals != label
        key = hash(capitals)
        if key not in self._first_forms:
            if len(self._first_forms) < self._limit:
                self._first_forms[key] = hash(label)
        elif self._first_forms[key] != hash(label) and key not in self._merged:
            self._merged.add(key)
            self.merged += 1
            self.example = self.example or capitals
