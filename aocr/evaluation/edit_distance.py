"""Computes edit distances of characters and of words."""

from __future__ import annotations

import distance


def edit_distance(prediction: str | tuple[str, ...], label: str | tuple[str, ...]) -> int:
    """Returns the Levenshtein distance: the fewest substitutions, insertions and deletions.

    Args:
        prediction, label: two texts, which are compared by characters, or two tuples of words.
    """
    return distance.levenshtein(prediction, label)


def word_edit_distance(prediction: str, label: str) -> int:
    """Returns the edit distance of two texts as sequences of words, separated by whitespace."""
    return edit_distance(tuple(prediction.split()), tuple(label.split()))
