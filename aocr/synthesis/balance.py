"""Weights texts so that rare characters are drawn as often as needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FLOOR = 0.25
"""The share of the rarest character, relative to the share of each if all were equally frequent."""

_ROUNDS = 100


def balanced_weights(texts: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """Returns weights with which each character reaches `FLOOR / N` of all characters drawn.

    N is the number of different characters. The weights of texts with a character below that share
    are raised until it is reached, or for `_ROUNDS` rounds: it may be out of reach where rare
    characters occur in long texts alone.

    Args:
        texts: at least one, none of them empty.
        weights: float64 `[N]`, those without balance.
    """
    characters, of_text = _flatten(texts)
    count = int(characters.max()) + 1
    wanted = FLOOR / count
    for _ in range(_ROUNDS):
        shares = np.bincount(characters, weights[of_text], minlength=count)
        lack = wanted / (shares / shares.sum())
        if lack.max() <= 1.001:
            break
        factors = np.ones_like(weights)
        np.maximum.at(factors, of_text, lack[characters])
        weights = weights * factors
        weights /= weights.sum()
    return weights


def smallest_share(texts: Sequence[str], weights: np.ndarray) -> float:
    """Returns the share of the rarest character among all that are drawn with some weights."""
    characters, of_text = _flatten(texts)
    shares = np.bincount(characters, weights[of_text])
    return float(shares.min() / shares.sum())


def _flatten(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each character of all texts its number, and the number of its text."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    _, characters = np.unique(codes, return_inverse=True)
    return characters, np.repeat(np.arange(len(texts)), [len(text) for text in texts])
