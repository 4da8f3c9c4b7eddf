"""Tells from characters whether text is read from right to left."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

RIGHT_TO_LEFT_LETTERS = ("R", "AL")
"""Unicode's directional classes of the letters of Hebrew, Arabic and other such scripts."""


def right_to_left_share(occurrences: Mapping[str, int]) -> float:
    """Returns the share of letters that belong to scripts read from right to left; 0 for no letter.

    Args:
        occurrences: how often each character occurs.
    """
    letters = {c: count for c, count in occurrences.items() if c.isalpha()}
    directions = {c: unicodedata.bidirectional(c) for c in letters}
    from_the_right = sum(letters[c] for c in letters if directions[c] in RIGHT_TO_LEFT_LETTERS)
    return from_the_right / max(1, sum(letters.values()))


def is_right_to_left(occurrences: Mapping[str, int]) -> bool:
    """Returns whether most letters belong to scripts read from right to left.

    Args:
        occurrences: how often each character occurs.
    """
    return right_to_left_share(occurrences) > 0.5
