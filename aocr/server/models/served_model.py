"""Serves one loaded version of a model: batches requests, and runs its signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from aocr.config import MAX_PIXELS
from aocr.data.images.conversion import if_unchanged, problem_of, to_supported_format
from aocr.data.images.files import ImageFileError
from aocr.exports.samples import sample_images
from aocr.inference import names
from aocr.model.readings import Reading
from aocr.reading.checkpoint_backend import Backend
from aocr.reading.reader import read_halves
from aocr.server import limits as image_limits
from aocr.server.errors import invalid_argument, unavailable
from aocr.server.metrics import Metrics
from aocr.server.models.request_batching import BatchingOptions, QueueFullError, RequestBatcher
from aocr.util.errors import first_line
from aocr.util.threads import Usage

Tensors = dict[str, np.ndarray]


class ServingLimits(NamedTuple):
    """Says what a request may hold, and how requests are batched.

    Attributes:
        batching: the sizes and times of batches.
        max_pixels: number of pixels of the largest accepted image.
        max_body_bytes: size of the largest accepted request.
    """

    batching: BatchingOptions = BatchingOptions()
    max_pixels: int = MAX_PIXELS
    max_body_bytes: int = 32 * 2**20


class _Item(NamedTuple):
    """Holds an image file of a request.

    Attributes:
        encoded: the file, which TensorFlow decodes.
        attention: whether its attention is asked for.
        for_people: whether people are told why it cannot be read, not programs.
    """

    encoded: bytes
    attention: bool = False
    for_people: bool = False


class ServedModel:
    """Reads images for requests with one version of a model.

    Attributes:
        version: the number of the version.
        signatures: the signatures of the model by their names.
        usage: the count of requests that are answered; closing it closes the model after them.
    """

    def __init__(
        self,
        backend: Backend,
        version: int,
        limits: ServingLimits,
        metrics: Metrics,
    ) -> None:
        """Takes over a loaded model, and reads a first image with it.

        Args:
            backend: the model.
            version: its number.
            limits: what a request may hold.
            metrics: the measurements of the batches.

        Raises:
            tf.errors.OpError: the model cannot read.
        """
        self.version, self._limits, self._metrics = version, limits, metrics
        self.signatures: Mapping[str, meta_graph_pb2.SignatureDef] = backend.signatures
        self._backend = backend
        for attention in {False, backend.has_attention}:  # the first call of either is slow
            self._backend.read_files(sample_images()[:1], attention)
        self._batcher: RequestBatcher[_Item, Reading] = RequestBatcher(
            self._read, limits.batching, metrics.batch_sizes.observe
        )
        self.usage = Usage(f"version {version}", self._release)

    @property
    def waiting(self) -> int:
        """The number of images that wait for their batch."""
        return self._batcher.waiting

    def submit_upright(self, encoded: bytes, attention: bool) -> Future[Reading]:
        """Submits an image file of any format, which is read as a viewer shows it.

        Raises:
            RestError: it cannot be read.
        """
        max_pixels = self._limits.max_pixels
        image_limits.check_image(encoded, max_pixels)
        try:
            image = if_unchanged(encoded, max_pixels) or to_supported_format(encoded, max_pixels)
        except ImageFileError as error:
            raise invalid_argument(str(error)) from error
        wanted = attention and self._backend.has_attention
        return self._submit([_Item(image.encoded, wanted, for_people=True)])[0]

    def submit_tensor(self, images: np.ndarray) -> list[Future[Reading]]:
        """Submits the input of the default signature, strings of any shape.

        Raises:
            RestError: an image is none, by its header, or is too large.
        """
        for encoded in images.flat:
            image_limits.check_image(encoded, self._limits.max_pixels)
        return self._submit([_Item(encoded) for encoded in images.flat])

    def _submit(self, items: Sequence[_Item]) -> list[Future[Reading]]:
        try:
            return self._batcher.submit(items)
        except QueueFullError as error:
            raise unavailable("too many images are waiting: try again later") from error

    def run_signature(self, name: str, tensors: Tensors) -> Tensors:
        """Runs a signature as it is, without batching requests.

        Raises:
            RestError: the tensors do not fit, or the graph cannot read them.
        """
        signature = self.signatures[name]
        for tensor in tensors.values():
            if tensor.dtype == object:
                for value in tensor.flat:
                    image_limits.check_size(value, self._limits.max_pixels)
        feeds = {signature.inputs[key].name: value for key, value in tensors.items()}
        fetches = {key: info.name for key, info in signature.outputs.items()}
        try:
            found = self._backend.session.run(fetches, feeds)
        except (tf.errors.OpError, ValueError) as error:
            raise invalid_argument(first_line(error)) from error
        return {key: np.asarray(value) for key, value in found.items()}

    def _read(self, items: list[_Item]) -> Sequence[Reading | BaseException]:
        """Reads a batch; the results of bad images are errors."""

        def read(batch: Sequence[_Item]) -> Sequence[Reading | BaseException]:
            attention = any(item.attention for item in batch)
            with self._metrics.batch_seconds.time():
                return self._backend.read_files([item.encoded for item in batch], attention)

        def failed(item: _Item, error: tf.errors.OpError) -> Reading | BaseException:
            told = problem_of(item.encoded, error) if item.for_people else first_line(error)
            return invalid_argument(told)

        return read_halves(read, items, failed)

    def _release(self) -> None:
        self._batcher.close()
        self._backend.close()


def is_default(signature: str, served: ServedModel) -> bool:
    """Returns whether a signature is that of images alone, whose requests can be batched.

    An export with a search has more outputs, which a `Reading` of an export lacks: it runs as it
    is.
    """
    if signature != names.DEFAULT_SIGNATURE:
        return False
    inputs, outputs = served.signatures[signature].inputs, served.signatures[signature].outputs
    texts = {names.SIGNATURE_TEXT, names.SIGNATURE_PROBABILITY}
    return list(inputs) == [names.SIGNATURE_IMAGES] and set(outputs) == texts


def count_images(tensors: Tensors) -> int:
    """Returns the number of images in the inputs of any signature: their largest batch size."""
    return max(len(np.atleast_1d(tensor)) for tensor in tensors.values())


def outputs_of(readings: Sequence[Reading], shape: tuple[int, ...]) -> Tensors:
    """Returns the outputs of the default signature, in the shape of its input."""
    texts = np.empty(len(readings), object)
    texts[:] = [reading.text.encode() for reading in readings]
    probabilities = np.array([reading.probability for reading in readings], np.float64)
    return {
        names.SIGNATURE_TEXT: texts.reshape(shape),
        names.SIGNATURE_PROBABILITY: probabilities.reshape(shape),
    }
