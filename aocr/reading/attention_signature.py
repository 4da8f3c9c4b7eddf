"""Reads with the attention of an export that was written with it, by its signature for batches."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.config import COLUMN_WIDTH
from aocr.model import variable_names as names
from aocr.reading.backend import Reading

WIDTHS = f"{names.BATCH_SCOPE}/{names.SIGNATURE_WIDTHS}:0"
"""The widths of the images. The signatures have them only if the model needs them."""


class AttentionSignature:
    """Reads images through `serving_batch`."""

    def __init__(
        self, session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef
    ) -> None:
        """Takes the signature, which has all outputs; the session stays open as long as this."""
        self._session = session
        self._input = signature.inputs[names.SIGNATURE_IMAGES].name
        self._fetches = {key: info.name for key, info in signature.outputs.items()}
        self._fetches[names.SIGNATURE_WIDTHS] = WIDTHS

    @classmethod
    def find(
        cls, session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef
    ) -> AttentionSignature | None:
        """Returns the signature `serving_batch` of an export; None if it has no attention."""
        needed = {names.SIGNATURE_ATTENTION, names.SIGNATURE_CHARACTERS, names.SIGNATURE_ERROR}
        if not needed <= set(signature.outputs):
            return None
        try:
            session.graph.get_tensor_by_name(WIDTHS)
        except KeyError:
            return None
        return cls(session, signature)

    def read(self, encoded: Sequence[bytes]) -> list[Reading]:
        """Reads a batch of image files.

        Raises:
            tf.errors.InvalidArgumentError: one of them cannot be decoded.
        """
        found = self._session.run(self._fetches, {self._input: list(encoded)})
        for error in filter(None, found[names.SIGNATURE_ERROR]):
            raise tf.errors.InvalidArgumentError(None, None, error.decode())
        return [_reading_of(found, number) for number in range(len(encoded))]


def _reading_of(found: dict[str, np.ndarray], number: int) -> Reading:
    """Returns the reading of one image; its attention without the padding at its right."""
    is_character = found[names.SIGNATURE_CHARACTERS][number] > 0  # [S]
    columns = math.ceil(found[names.SIGNATURE_WIDTHS][number] / COLUMN_WIDTH)
    probabilities = found[names.SIGNATURE_CHARACTER_PROBABILITIES][number][is_character]
    return Reading(
        text=found[names.SIGNATURE_TEXT][number].decode(),
        probability=float(found[names.SIGNATURE_PROBABILITY][number]),
        character_probabilities=tuple(probabilities.tolist()),
        # [S, T] --> [characters, columns]
        attention=found[names.SIGNATURE_ATTENTION][number][is_character, :columns],
    )
