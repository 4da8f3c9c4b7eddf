"""Balance: rare characters reach their share, computed here from the definition."""

import numpy as np
import pytest

from aocr.synthesis.weighted import FLOOR, balanced_weights, smallest_share

WORDS = ["ab", "ba", "aab", "abab", "bb", "aa"] * 50 + ["aq", "zb"]


def shares_of(words, weights):
    shares = dict.fromkeys("".join(words), 0.0)
    for word, weight in zip(words, weights, strict=True):
        for character in word:
            shares[character] += weight
    total = sum(shares.values())
    return {character: share / total for character, share in shares.items()}


def test_each_character_reaches_its_share():
    equal = np.full(len(WORDS), 1 / len(WORDS))
    assert smallest_share(WORDS, equal) == pytest.approx(min(shares_of(WORDS, equal).values()))
    shares = shares_of(WORDS, balanced_weights(WORDS, equal))
    assert min(shares.values()) >= FLOOR / 4 * 0.99
    assert shares["q"] < 0.1  # no more than needed


def test_weights_of_a_balanced_list_stay():
    equal = np.full(3, 1 / 3)
    np.testing.assert_array_equal(balanced_weights(["ab", "bc", "ca"], equal), equal)


def test_a_share_out_of_reach_is_approached():
    words = ["a" * 30 + "b", "a" * 10]
    weights = balanced_weights(words, np.array([0.01, 0.99]))
    assert weights[0] > 0.9
