"""Reads batches of images with an export: a SavedModel through its signature, or a frozen graph."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.config import COLUMN_WIDTH
from aocr.exports.formats import frozengraph, savedmodel
from aocr.inference import names
from aocr.inference.signatures import ServingSession
from aocr.model.readings import Reading
from aocr.reading.checkpoint_backend import probabilities_of_characters
from aocr.reading.model_source import SAVEDMODEL, ModelSource
from aocr.util.errors import UserError, first_line
from aocr.util.session import open_session

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


class ExportBackend:
    """Reads with an export, of this version or of aocr 0.7.6 (see `Backend`).

    Attributes:
        has_attention: whether the export was written with `--with-attention`.
    """

    def __init__(self, source: ModelSource, gpu_id: int = 0) -> None:
        """Loads the export.

        Args:
            source: the place of the export.
            gpu_id: index of the GPU that a SavedModel runs on; negative for the CPU.

        Raises:
            UserError: it cannot be loaded, or is not an export of aocr.
        """
        try:
            if source.kind == SAVEDMODEL:
                self._serving = _load_saved_model(source.folder, gpu_id)
            else:
                self._serving = frozengraph.load(source.folder)
        except (tf.errors.OpError, OSError, KeyError, ValueError, RuntimeError) as error:
            reason = first_line(error)
            raise UserError(f"cannot load the export {source.folder}: {reason}") from error
        self.session, self.signatures = self._serving.session, self._serving.definitions()
        self._folder = source.folder
        self._steps = _step_tensors(self.session.graph)
        batch = self.signatures.get(names.BATCH_SIGNATURE)
        self._attention = AttentionSignature.find(self.session, batch) if batch else None
        self.has_attention = self._attention is not None

    def read_files(self, encoded: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of image files."""
        if attention:
            if not self._attention:
                raise UserError(
                    f"the export {self._folder} does not tell its attention: export with "
                    "--with-attention, or load the model directory"
                )
            return self._attention.read(encoded)
        fetches = [self._serving.output, self._serving.probability, *self._steps]
        values = self.session.run(fetches, {self._serving.input: list(encoded)})
        # of one image, a frozen graph and an export of aocr 0.7.6 return scalars: [] --> [1]
        texts, probabilities = np.atleast_1d(values[0]), np.atleast_1d(values[1])
        return [
            _reading(text.decode(), float(probability), [step[number] for step in values[2:]])
            for number, (text, probability) in enumerate(zip(texts, probabilities, strict=True))
        ]

    def close(self) -> None:
        """Closes the session."""
        self.session.close()


def _load_saved_model(folder: str, gpu_id: int) -> ServingSession:
    session = open_session(tf.Graph(), gpu_id)
    try:
        return savedmodel.load(folder, session)
    except BaseException:
        session.close()
        raise


def _step_tensors(graph: tf.Graph) -> list[tf.Tensor]:
    """Returns the symbols and their probabilities, both `[N, S]`; nothing if they are not there."""
    try:
        return [
            graph.get_tensor_by_name(f"{name}:0")
            for name in (names.SYMBOL_IDS, names.STEP_PROBABILITIES)
        ]
    except KeyError:
        return []


def _reading(text: str, probability: float, steps: Sequence[np.ndarray]) -> Reading:
    """Returns a reading; without probabilities of characters if the steps do not spell the text."""
    of_characters = probabilities_of_characters(*steps) if steps else ()
    if len(of_characters) != len(text):
        of_characters = ()
    return Reading(text, probability, of_characters)
