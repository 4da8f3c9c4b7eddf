"""Reads batches of images: what every model offers for it, and a model directory."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.config import COLUMN_WIDTH, Config
from aocr.data.images.preprocessing import Prepared
from aocr.inference.graph import build_serving_graph
from aocr.inference.results import Reading
from aocr.model.postprocessing import Transcription, character_mask
from aocr.model.search.text_search import Search
from aocr.model.weights import checkpoints
from aocr.util.session import open_session


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
    ) -> None:
        """Builds the graph and restores the checkpoint.

        Args:
            config: the config of the model.
            checkpoint: path of the checkpoint.
            gpu_id: index of the GPU; negative for the CPU.
            optimize: whether to run TensorFlow's graph optimizer, see `open_session`.
            search: says which texts are looked for; None for greedy decoding.

        Raises:
            UserError: the checkpoint does not fit the config.
        """
        self.model = build_serving_graph(config, search=search)
        self.session = open_session(self.model.graph, gpu_id, optimize=optimize)
        try:
            checkpoints.restore(self.session, checkpoint)
        except BaseException:
            self.session.close()
            raise

    @functools.cached_property
    def signatures(self) -> dict[str, meta_graph_pb2.SignatureDef]:
        """The signature that a SavedModel of the model would have; only a server asks for it."""
        from aocr.inference.session import session_of

        return session_of(self.session, self.model).definitions()

    def prepare(self, encoded: bytes) -> Prepared:
        """Returns the pixels, `[32, W, C]`, and the width of one image."""
        pixels, widths = self.session.run(self.model.prepared, {self.model.input: encoded})
        return Prepared(pixels[0], widths[0])  # [1, 32, W, C] --> [32, W, C]

    def read(self, prepared: Sequence[Prepared], attention: bool) -> list[Reading]:
        """Reads a batch of prepared images."""
        batch = Prepared(*(np.stack(values) for values in zip(*prepared, strict=True)))
        return self._run(dict(zip(self.model.prepared, batch, strict=True)), attention)

    def read_files(self, encoded: Sequence[bytes], attention: bool) -> list[Reading]:
        """Reads a batch of image files, which the graph prepares in the same call."""
        return self._run({self.model.input: list(encoded)}, attention)

    def _run(self, feed: dict[tf.Tensor, Any], attention: bool) -> list[Reading]:
        """Reads the images that are fed to the graph."""
        texts: Transcription = self.model.transcription
        if not attention:  # which is large
            texts = texts._replace(attention=texts.symbols)
        fetches = texts, self.model.readings or (), self.model.prepared.width
        found, readings, widths = self.session.run(fetches, feed)
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
