"""Reads batches of images: what every model offers for it, and a model directory."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.config import COLUMN_WIDTH, Config
from aocr.inference.graph import build_serving_graph
from aocr.model.postprocessing import Transcription, character_mask
from aocr.model.readings import Reading
from aocr.model.weights import checkpoints
from aocr.util.session import open_session

if TYPE_CHECKING:
    from aocr.model.search.text_search import Search


class Backend(Protocol):
    """Declares what a `Reader` needs of a model. All methods may be called by several threads.

    Attributes:
        session: a session with the graph of the model.
        has_attention: whether the model tells its attention.
    """

    session: tf.compat.v1.Session
    has_attention: bool

    @property
    def signatures(self) -> dict[str, meta_graph_pb2.SignatureDef]:
        """The signatures of a SavedModel, or the one that a SavedModel would have."""

    def read_files(self, encoded: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of PNG, JPEG, BMP or GIF files, at least one.

        Args:
            encoded: the files.
            attention: whether to return the attention.

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


class CheckpointBackend:
    """Reads with the serving graph of a model (see `Backend`).

    Attributes:
        model: the serving graph.
    """

    has_attention = True

    def __init__(
        self,
        config: Config,
        checkpoint: str,
        gpu_id: int = 0,
        optimize: bool = True,
        search: Search | None = None,
        which: str | None = "path",
    ) -> None:
        """Builds the graph and restores the checkpoint.

        Args:
            config: the config of the model.
            checkpoint: path of the checkpoint.
            gpu_id: index of the GPU; negative for the CPU.
            optimize: whether to run TensorFlow's graph optimizer, see `open_session`.
            search: the texts that are looked for; None for greedy decoding.
            which: what the checkpoint was found by (`checkpoints.read_while_replaced`).

        Raises:
            UserError: the checkpoint does not fit the config.
        """
        self.model = build_serving_graph(config, search=search)
        self.session = open_session(self.model.graph, gpu_id, optimize=optimize)
        try:
            checkpoints.restore(self.session, checkpoint, which)
        except BaseException:
            self.session.close()
            raise

    @functools.cached_property
    def signatures(self) -> dict[str, meta_graph_pb2.SignatureDef]:
        """The signature that a SavedModel of the model would have; only a server asks for it."""
        from aocr.inference.signatures import session_of

        return session_of(self.session, self.model).definitions()

    def read_files(self, encoded: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of image files."""
        texts: Transcription = self.model.transcription
        if not attention:  # which is large
            texts = texts._replace(attention=texts.symbols)
        fetches = texts, self.model.readings or (), self.model.prepared.width
        found, readings, widths = self.session.run(fetches, {self.model.input: list(encoded)})
        return [
            Reading(
                text=text.decode(),
                probability=float(found.probability[number]),
                character_probabilities=probabilities_of_characters(
                    found.symbols[number], found.step_probabilities[number]
                ),
                attention=_attention(found, widths[number], number) if attention else None,
                readings=readings.of_image(number) if readings else (),
                is_exact=bool(readings.is_exact[number]) if readings else True,
            )
            for number, text in enumerate(found.text)
        ]

    def close(self) -> None:
        """Closes the session."""
        self.session.close()


def _attention(found: Transcription, width: int, number: int) -> np.ndarray:
    """Returns the attention of one image of a batch, without the padding at its right."""
    columns = math.ceil(width / COLUMN_WIDTH)
    characters = character_mask(found.symbols[number])
    return found.attention[number][characters, :columns]  # [S, T] --> [characters, columns]
