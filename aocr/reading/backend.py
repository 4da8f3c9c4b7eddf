"""Defines what reads a batch of images: a model with its checkpoint, or an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.inference import names
from aocr.model.postprocessing import character_mask
from aocr.reading.results import Reading


class Backend(Protocol):
    """Declares what a `Reader` needs of a model. All methods may be called by several threads.

    Attributes:
        session: a session with the graph of the model.
        signatures: those of a SavedModel, or the one that a SavedModel of the model would have.
        has_attention: whether the model tells its attention.
    """

    session: tf.compat.v1.Session
    signatures: Mapping[str, meta_graph_pb2.SignatureDef]
    has_attention: bool

    def prepare(self, encoded: bytes) -> Any:
        """Returns what `read` takes for one image: a PNG, JPEG, BMP or GIF file.

        Raises:
            tf.errors.OpError: the image cannot be decoded. A backend may leave that to `read`.
        """

    def read(self, prepared: Sequence[Any], attention: bool) -> list[Reading]:
        """Reads a batch of prepared images, at least one.

        Args:
            prepared: results of `prepare`.
            attention: whether to return the attention.

        Raises:
            tf.errors.OpError: an image cannot be decoded.
            UserError: the model cannot tell its attention.
        """

    def read_files(self, encoded: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of PNG, JPEG, BMP or GIF files as `prepare` and `read` do, in one call.

        Raises:
            tf.errors.OpError: an image cannot be decoded.
            UserError: the model cannot tell its attention.
        """

    def close(self) -> None:
        """Frees the model."""


def probabilities_of_characters(symbols: np.ndarray, steps: np.ndarray) -> tuple[float, ...]:
    """Returns the probabilities of the characters of one text.

    Args:
        symbols: int `[S]`, the decoded symbols, special symbols included.
        steps: float `[S]`, the probability of each symbol.
    """
    return tuple(steps[character_mask(symbols)].tolist())


def default_signatures(
    images: tf.Tensor,
    texts: tf.Tensor,
    probabilities: tf.Tensor,
    search_outputs: Mapping[str, tf.Tensor] = MappingProxyType({}),
) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Returns the signature that a SavedModel of a graph with these tensors would have."""
    saved_model = tf.compat.v1.saved_model
    info = saved_model.build_tensor_info
    with images.graph.as_default():
        signature = saved_model.build_signature_def(
            inputs={names.SIGNATURE_IMAGES: info(images)},
            outputs={
                names.SIGNATURE_TEXT: info(texts),
                names.SIGNATURE_PROBABILITY: info(probabilities),
                **{key: info(tensor) for key, tensor in search_outputs.items()},
            },
            method_name=saved_model.PREDICT_METHOD_NAME,
        )
    return {saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature}
