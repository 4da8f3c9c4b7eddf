"""Defines what the search needs of a decoder: the probabilities of texts and of their prefixes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

IMPOSSIBLE = -1e9
"""Logarithm of the probability of what cannot be."""


class Expansion(NamedTuple):
    """Holds what a decoder says of M prefixes.

    Attributes:
        state: tensors `[M, ...]`, which the expansion of longer prefixes continues from.
        complete: float32 `[M]`, the logarithm of the probability of the text that ends here.
        extend: returns, for rows and symbols, both int32 `[E]`, the logarithm of the probability of
            all texts that begin with the prefix of this row and the symbol, float32 `[E]`.
    """

    state: Any
    complete: tf.Tensor
    extend: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class PrefixScorer(Protocol):
    """Computes probabilities of the prefixes of the texts of N images.

    The probability of a prefix is that of all texts that begin with it. No text that begins with a
    prefix is more probable than the prefix, so that the search need not look at the texts behind
    prefixes which are less probable than a text that it has found.
    """

    def start(self) -> Any:
        """Returns tensors `[N, ...]`: the state that the empty prefix of each image has."""

    def expand(
        self, image: tf.Tensor, symbol: tf.Tensor, bound: tf.Tensor, state: Any
    ) -> Expansion:
        """Reads the last symbol of each prefix.

        Args:
            image: int32 `[M]`, which image each prefix is of.
            symbol: int32 `[M]`, its last symbol; GO for the empty prefix.
            bound: float32 `[M]`, the logarithm of its probability.
            state: that of the prefix without this symbol.
        """
