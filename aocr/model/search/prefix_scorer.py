"""Defines what the search needs of a decoder: the probabilities of texts and of their prefixes.

Axes: N images, M prefixes, E extensions, V symbols of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from aocr.charset import EOS_ID

IMPOSSIBLE = -1e9
"""Logarithm of the probability of what cannot be."""

CHUNK = 1024
"""Prefixes that a step is computed for at a time. Each has the memory of its image beside it."""


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
            state: the state of the prefix without this symbol.
        """


class ScoredStep(NamedTuple):
    """Holds the result of one step of an attention decoder.

    Attributes:
        logits: float32 `[M, V]`, those of the next symbol.
        state: tensors `[M, ...]`, which the next step continues from.
    """

    logits: tf.Tensor
    state: Any


class AttentionScorer(NamedTuple):
    """Computes the probabilities of prefixes with an attention decoder, step by step.

    It multiplies the probabilities of the symbols, each given those before it.

    Attributes:
        inputs: float32 `[V, X]`, what a step reads of each symbol.
        initial_state: tensors `[N, ...]`, before the first step.
        step: a function that computes a step from images `[M]`, inputs `[M, X]` and states
            `[M, ...]`.
    """

    inputs: tf.Tensor
    initial_state: Any
    step: Callable[[tf.Tensor, tf.Tensor, Any], ScoredStep]

    def start(self) -> Any:
        """Returns the state before the first step."""
        return self.initial_state

    def expand(
        self, image: tf.Tensor, symbol: tf.Tensor, bound: tf.Tensor, state: Any
    ) -> Expansion:
        """Computes one step for each prefix, see `PrefixScorer`."""

        def compute(image: tf.Tensor, symbol: tf.Tensor, state: Any) -> ScoredStep:
            return self.step(image, tf.gather(self.inputs, symbol), state)

        step = in_chunks(compute, (image, symbol, state), CHUNK)
        scores = tf.nn.log_softmax(step.logits) + bound[:, tf.newaxis]
        return Expansion(
            state=step.state,
            complete=scores[:, EOS_ID],
            extend=lambda row, symbol: tf.gather_nd(scores, tf.stack([row, symbol], axis=1)),
        )


def in_chunks(function: Callable[..., Any], arguments: tuple, size: int) -> Any:
    """Calls a function of many rows for some of them at a time, which bounds its memory.

    Args:
        function: a function from the arguments to tensors `[M, ...]`, each row for itself.
        arguments: tensors `[M, ...]`, of any structure.
        size: number of rows of a chunk.
    """

    def call(start: tf.Tensor | int) -> Any:
        return function(*tf.nest.map_structure(lambda x: x[start : start + size], arguments))

    def append(start: tf.Tensor, done: Any) -> tuple:
        both = tf.nest.map_structure(lambda a, b: tf.concat([a, b], axis=0), done, call(start))
        return start + size, both

    rows = tf.shape(tf.nest.flatten(arguments)[0])[0]
    loop = tf.constant(size), call(0)
    shapes = tf.nest.map_structure(of_any_length, loop)
    _, done = tf.while_loop(lambda start, _: start < rows, append, loop, shapes)
    return done


def of_any_length(tensor: tf.Tensor) -> tf.TensorShape:
    """Returns the shape of a tensor whose first axis may change; that of a scalar stays."""
    if tensor.shape.rank == 0:
        return tensor.shape
    return tf.TensorShape([None, *tensor.shape[1:]])
