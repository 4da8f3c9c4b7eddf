"""Computes the probabilities of prefixes with an attention decoder, step by step.

Axes: N images, M prefixes, E extensions, V symbols of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from aocr.charset import EOS_ID
from aocr.model.search.flat_groups import in_chunks
from aocr.model.search.prefix_scorer import Expansion

CHUNK = 1024
"""Prefixes that a step is computed for at a time. Each has the memory of its image beside it."""


class Step(NamedTuple):
    """Holds the result of one step of an attention decoder.

    Attributes:
        logits: float32 `[M, V]`, those of the next symbol.
        state: tensors `[M, ...]`, which the next step continues from.
    """

    logits: tf.Tensor
    state: Any


class AttentionScorer(NamedTuple):
    """Multiplies the probabilities of the symbols, each given those before it.

    Attributes:
        embedding: float32 `[V, E]`, what a step reads of each symbol.
        initial_state: tensors `[N, ...]`, before the first step.
        step: computes a step from images `[M]`, embedded symbols `[M, E]` and states `[M, ...]`.
    """

    embedding: tf.Tensor
    initial_state: Any
    step: Callable[[tf.Tensor, tf.Tensor, Any], Step]

    def start(self) -> Any:
        """Returns the state before the first step."""
        return self.initial_state

    def expand(
        self, image: tf.Tensor, symbol: tf.Tensor, bound: tf.Tensor, state: Any
    ) -> Expansion:
        """Computes one step for each prefix, see `PrefixScorer`."""

        def compute(image: tf.Tensor, symbol: tf.Tensor, state: Any) -> Step:
            return self.step(image, tf.gather(self.embedding, symbol), state)

        step = in_chunks(compute, (image, symbol, state), CHUNK)
        scores = tf.nn.log_softmax(step.logits) + bound[:, tf.newaxis]
        return Expansion(
            state=step.state,
            complete=scores[:, EOS_ID],
            extend=lambda row, symbol: tf.gather_nd(scores, tf.stack([row, symbol], axis=1)),
        )
