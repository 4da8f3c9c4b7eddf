"""Holds a session that turns encoded images into text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import tensorflow as tf


class ServingSession(NamedTuple):
    """Holds a session with a serving graph, and the tensors that a client feeds and fetches.

    Attributes:
        session: a session whose variables have their trained values.
        input: string, encoded images: a scalar or `[N]`.
        output: string, the texts. In a frozen graph a scalar for one image, else `[N]`; in the
            other graphs in the shape of the input.
        probability: float64, the texts' probabilities, in the shape of `output`.
        search_outputs: what a search adds to the signature of a SavedModel, by its keys.
    """

    session: tf.compat.v1.Session
    input: tf.Tensor
    output: tf.Tensor
    probability: tf.Tensor
    search_outputs: Mapping[str, tf.Tensor] = MappingProxyType({})

    def predict(self, encoded: bytes) -> tuple[str, float]:
        """Returns the text of one encoded image and the text's probability."""
        fetches = [self.output, self.probability]
        text, probability = self.session.run(fetches, {self.input: encoded})
        return text.decode(), float(probability)
