"""Reads images with an export: a SavedModel through its signature, or a frozen graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.exports.formats import frozengraph, savedmodel
from aocr.inference.session import ServingSession
from aocr.model import variable_names
from aocr.reading.attention_signature import AttentionSignature
from aocr.reading.backend import Reading, default_signatures, probabilities_of_characters
from aocr.reading.model_source import SAVEDMODEL, ModelSource
from aocr.util.errors import UserError, first_line
from aocr.util.session import open_session


class ExportBackend:
    """Reads with an export, of this version or of aocr 0.7.6 (see `Backend`).

    Attributes:
        has_attention: whether the export was written with `--with-attention`.
    """

    def __init__(self, source: ModelSource, gpu_id: int = 0) -> None:
        """Loads the export.

        Args:
            source: where it is.
            gpu_id: index of the GPU that a SavedModel runs on; negative for the CPU.

        Raises:
            UserError: it cannot be loaded, or is not an export of aocr.
        """
        self.signatures: Mapping[str, meta_graph_pb2.SignatureDef] = {}
        try:
            if source.kind == SAVEDMODEL:
                self._serving = self._load_saved_model(source.folder, gpu_id)
            else:
                self._serving = frozengraph.load(source.folder)
                self.signatures = default_signatures(
                    self._serving.input, self._serving.output, self._serving.probability
                )
        except (tf.errors.OpError, OSError, KeyError, ValueError, RuntimeError) as error:
            reason = first_line(error)
            raise UserError(f"cannot load the export {source.folder}: {reason}") from error
        self.session = self._serving.session
        self._folder = source.folder
        self._steps = _step_tensors(self.session.graph)
        batch = self.signatures.get(variable_names.BATCH_SIGNATURE)
        self._attention = AttentionSignature.find(self.session, batch) if batch else None
        self.has_attention = self._attention is not None

    def _load_saved_model(self, folder: str, gpu_id: int) -> ServingSession:
        session = open_session(tf.Graph(), gpu_id)
        try:
            with session.graph.as_default():
                loaded = tf.compat.v1.saved_model.load(session, [savedmodel.TAG], folder)
            self.signatures = dict(loaded.signature_def)
            default = tf.compat.v1.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
            signature = loaded.signature_def[default]
            tensor = session.graph.get_tensor_by_name
            return ServingSession(
                session=session,
                input=tensor(signature.inputs[variable_names.SIGNATURE_IMAGES].name),
                output=tensor(signature.outputs[variable_names.SIGNATURE_TEXT].name),
                probability=tensor(signature.outputs[variable_names.SIGNATURE_PROBABILITY].name),
            )
        except BaseException:
            session.close()
            raise

    def prepare(self, encoded: bytes) -> bytes:
        """Returns the image file as it is: the export decodes it."""
        return encoded

    def read(self, prepared: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of image files."""
        if attention:
            if not self._attention:
                raise UserError(
                    f"the export {self._folder} does not tell its attention: export with "
                    "--with-attention, or load the model directory"
                )
            return self._attention.read(prepared)
        fetches = [self._serving.output, self._serving.probability, *self._steps]
        values = self.session.run(fetches, {self._serving.input: list(prepared)})
        # of one image, a frozen graph and an export of aocr 0.7.6 return scalars: [] --> [1]
        texts, probabilities = np.atleast_1d(values[0]), np.atleast_1d(values[1])
        return [
            _reading(text.decode(), float(probability), [step[number] for step in values[2:]])
            for number, (text, probability) in enumerate(zip(texts, probabilities, strict=True))
        ]

    def read_files(self, encoded: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of image files."""
        return self.read(encoded, attention)

    def close(self) -> None:
        """Closes the session."""
        self.session.close()


def _step_tensors(graph: tf.Graph) -> list[tf.Tensor]:
    """Returns the symbols and their probabilities, both `[N, S]`; nothing if they are not there."""
    try:
        return [
            graph.get_tensor_by_name(f"{name}:0")
            for name in (variable_names.SYMBOL_IDS, variable_names.STEP_PROBABILITIES)
        ]
    except KeyError:
        return []


def _reading(text: str, probability: float, steps: Sequence[np.ndarray]) -> Reading:
    """Returns a reading; without probabilities of characters if the steps do not spell the text."""
    of_characters = probabilities_of_characters(*steps) if steps else ()
    if len(of_characters) != len(text):
        of_characters = ()
    return Reading(text, probability, of_characters)
